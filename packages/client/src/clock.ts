/** Time as a parameter. Milliseconds; `now` never goes back. */
export interface Clock {
  now(): number;
  /** Calls once, after `ms`. @returns how to call it off */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** One timer that follows a due time. A timer that rings early is set again, so that a due time which only moves later costs nothing. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #dueAt: number | null = null;
  #setFor = Infinity;
  #callOff: (() => void) | null = null;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  set(dueAt: number | null): void {
    this.#dueAt = dueAt;
    if (dueAt === null) this.#clear();
    else if (dueAt < this.#setFor) this.#arm(dueAt);
  }

  #arm(dueAt: number): void {
    this.#clear();
    this.#setFor = dueAt;
    this.#callOff = this.#clock.after(Math.max(0, dueAt - this.#clock.now()), () => {
      this.#callOff = null;
      this.#setFor = Infinity;
      if (this.#dueAt === null) return;
      if (this.#clock.now() < this.#dueAt) this.#arm(this.#dueAt);
      else this.#ring();
    });
  }

  #clear(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#setFor = Infinity;
  }
}
