/**
 * How much of a worker's output is read (B8): so much at once, so much a second on average. Beyond it reading waits, the pipe fills, and the
 * worker waits in its own `write`. Pure but for what is left.
 */
export class Allowance {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #at: number;

  constructor({ burst, perSecond }: { burst: number; perSecond: number }, now: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
    this.#at = now;
  }

  /** @returns for how many milliseconds nothing more is to be read. */
  take(amount: number, now: number): number {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#at) * this.#perMs) - amount;
    this.#at = now;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / this.#perMs);
  }
}
