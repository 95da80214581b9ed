import type { Time } from "../time.ts";
import type { Random } from "./random.ts";

interface Event {
  at: number;
  order: number;
  run: () => void;
}

/** A clock that jumps from event to event. One clock over all lives of the program; each life has a `SimulatedTime` of its own, which can be killed. */
export class SimulatedClock {
  now = 1_700_000_000_000;
  #events: Event[] = [];
  #order = 0;

  schedule(afterMs: number, run: () => void): Event {
    const event = { at: this.now + Math.max(0, afterMs), order: this.#order++, run };
    this.#events.push(event);
    return event;
  }

  cancel(event: Event): void {
    const index = this.#events.indexOf(event);
    if (index >= 0) this.#events.splice(index, 1);
  }

  /** Runs the next event and all promises that follow from it. @returns false when there is none until `until`. */
  async step(until: number): Promise<boolean> {
    let next: Event | null = null;
    for (const event of this.#events) {
      if (!next || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
    }
    if (!next || next.at > until) return false;
    this.cancel(next);
    this.now = Math.max(this.now, next.at);
    next.run();
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }
}

export class SimulatedTime implements Time {
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  #dead = false;

  constructor(clock: SimulatedClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  readonly now = (): number => this.#clock.now;
  readonly random = (): number => this.#random.next();

  after(ms: number, run: () => void): () => void {
    const event = this.#clock.schedule(ms, () => {
      if (!this.#dead) run();
    });
    return () => this.#clock.cancel(event);
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  /** kill -9: nothing that was scheduled in this life happens any more. */
  kill(): void {
    this.#dead = true;
  }
}
