import type { Turn } from "./turn.ts";

/** Texts of waiting messages are kept in memory up to this many UTF-16 units in all; the others are read again. */
const keptTexts = 8 * 1024 * 1024;

/** All turns without an end yet, by number, counted by bot. */
export class PendingTurns {
  readonly #turns = new Map<number, Turn>();
  readonly #byBot = new Map<string, number>();
  /** By bot and person, for the bots that were asked about. */
  readonly #byPerson = new Map<string, Map<string, number>>();
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

  /** Counted from the first question on: a bot without such a limit costs nothing. */
  ofPerson(bot: string, person: string): number {
    let people = this.#byPerson.get(bot);
    if (!people) {
      people = new Map();
      this.#byPerson.set(bot, people);
      for (const turn of this.#turns.values()) if (turn.bot === bot) people.set(turn.person, (people.get(turn.person) ?? 0) + 1);
    }
    return people.get(person) ?? 0;
  }

  /** Another bot works on it from now on. */
  move(turn: Turn, bot: string): void {
    this.#count(turn, -1);
    turn.bot = bot;
    this.#count(turn, 1);
  }

  #count(turn: Turn, by: 1 | -1): void {
    const { bot, person } = turn;
    this.#byBot.set(bot, this.of(bot) + by);
    const people = this.#byPerson.size === 0 ? undefined : this.#byPerson.get(bot);
    if (!people) return;
    const count = (people.get(person) ?? 0) + by;
    if (count === 0) people.delete(person);
    else people.set(person, count);
  }

  /** Is there room to keep this text until its turn comes? */
  mayKeep(text: string): boolean {
    return this.#keptText + text.length <= keptTexts;
  }

  add(turn: Turn): void {
    this.#turns.set(turn.number, turn);
    this.#count(turn, 1);
    this.#keptText += turn.text?.length ?? 0;
  }

  /** @returns false when it was not there. */
  delete(turn: Turn): boolean {
    if (!this.#turns.delete(turn.number)) return false;
    this.#count(turn, -1);
    this.#keptText -= turn.text?.length ?? 0;
    return true;
  }

  [Symbol.iterator](): IterableIterator<Turn> {
    return this.#turns.values();
  }
}
