/**
 * One message can kill its worker, and with it the attempts of all others that the worker was on. Who was it? The rule:
 *
 * 1. A turn that was lost together with others becomes a suspect. The first time this does not count as an attempt (B5).
 * 2. Suspects of a bot are given one after the other: the next when the one before has ended, or has been worked on for a while (0.25 s, four
 *    times longer with every attempt that it has used up). Turns that are no suspects go on beside them.
 * 3. When a worker is lost again, its suspects pay an attempt; who was there besides becomes a suspect, as in 1.
 *
 * So the one that kills stands alone among suspects sooner or later and pays for itself. It ends: a turn is let off once, every other loss counts.
 */
import type { Time } from "../time.ts";

export interface Suspect {
  readonly bot: string;
  suspect: boolean;
  /** Attempts that were lost without counting: 0 or 1. */
  forgiven: number;
  readonly attemptsMade: number;
}

const firstApartMs = 250;
const apartFactor = 4;

/** Marks a turn whose worker was lost. @param company conversations that the worker was on, with this one */
export function lost(turn: Suspect, company: number, attempts: number): void {
  // With a single attempt there is none to give back.
  if (company > 1 && !turn.suspect && attempts > 1) turn.forgiven = 1;
  turn.suspect = true;
}

interface Watch<T> {
  /** The suspect that is given to a worker; nobody else is until it has ended or its time is over. */
  turn: T;
  takeBack: () => void;
  waiting: T[];
}

/** Keeps suspects of a bot apart. */
export class Suspects<T extends Suspect> {
  readonly #time: Pick<Time, "after">;
  readonly #onMayGo: (turn: T) => void;
  readonly #watches = new Map<string, Watch<T>>();

  constructor(time: Pick<Time, "after">, onMayGo: (turn: T) => void) {
    this.#time = time;
    this.#onMayGo = onMayGo;
  }

  /** @returns whether this suspect has to wait for another; `onMayGo` is called when it need not any more. */
  keepsBack(turn: T): boolean {
    const watch = this.#watches.get(turn.bot);
    if (!watch || watch.turn === turn) return false;
    if (!watch.waiting.includes(turn)) watch.waiting.push(turn);
    return true;
  }

  /** This suspect is given to a worker. */
  given(turn: T): void {
    const waiting = this.#watches.get(turn.bot)?.waiting ?? [];
    this.#watches.get(turn.bot)?.takeBack();
    const apartMs = firstApartMs * apartFactor ** Math.max(0, turn.attemptsMade - 1);
    this.#watches.set(turn.bot, { turn, waiting, takeBack: this.#time.after(apartMs, () => this.ended(turn)) });
  }

  /** The attempt has ended, however. */
  ended(turn: T): void {
    const watch = this.#watches.get(turn.bot);
    if (watch?.turn !== turn) return;
    watch.takeBack();
    this.#watches.delete(turn.bot);
    for (const other of watch.waiting) this.#onMayGo(other);
  }

  stop(): void {
    for (const watch of this.#watches.values()) watch.takeBack();
    this.#watches.clear();
  }
}
