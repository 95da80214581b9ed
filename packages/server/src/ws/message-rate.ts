const minuteMs = 60_000;

/** A token bucket for one connection: holds as many messages as may come in a minute, refilled evenly. Two numbers, and nothing made per message. */
export class MessageRate {
  readonly #perMs: number;
  readonly #most: number;
  #left: number;
  #at: number;

  /** @param perMinute above 0 */
  constructor(perMinute: number, now: number) {
    this.#perMs = perMinute / minuteMs;
    this.#most = perMinute;
    this.#left = perMinute;
    this.#at = now;
  }

  /** @returns 0: it may pass. Else it may not, and the next may after so many milliseconds. */
  take(now: number): number {
    if (now > this.#at) {
      this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perMs);
      this.#at = now;
    }
    // What sums of fractions are off by is not held against anybody.
    if (this.#left >= 1 - 1e-6) {
      this.#left -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#left) / this.#perMs);
  }
}
