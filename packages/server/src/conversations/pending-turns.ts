import type { Turn } from "./turn.ts";

/** Texts of waiting messages are kept in memory up to this many UTF-16 units in all; the others are read again. */
const keptTexts = 8 * 1024 * 1024;

/** All turns without an end yet, by number, counted by bot. */
export class PendingTurns {
  readonly #turns = new Map<number, Turn>();
  readonly #byBot = new Map<string, number>();
  #keptText = 0;

  get size(): number {
    return this.#turns.size;
  }

  get(number: number): Turn | undefined {
    return this.#turns.get(number);
  }

  of(bot: string): number {
    return this.#byBot.get(bot) ?? 0;
  }

  /** Is there room to keep this text until its turn comes? */
  mayKeep(text: string): boolean {
    return this.#keptText + text.length <= keptTexts;
  }

  add(turn: Turn): void {
    this.#turns.set(turn.number, turn);
    this.#byBot.set(turn.bot, this.of(turn.bot) + 1);
    this.#keptText += turn.text?.length ?? 0;
  }

  /** @returns false when it was not there. */
  delete(turn: Turn): boolean {
    if (!this.#turns.delete(turn.number)) return false;
    this.#byBot.set(turn.bot, this.of(turn.bot) - 1);
    this.#keptText -= turn.text?.length ?? 0;
    return true;
  }

  [Symbol.iterator](): IterableIterator<Turn> {
    return this.#turns.values();
  }
}
