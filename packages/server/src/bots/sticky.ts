/** What a key (a conversation, a person) is bound to. Only the newest `most` keys are remembered: an older one is dealt anew. */
export class Sticky<T> {
  readonly #most: number;
  readonly #bound = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#bound.size;
  }

  /** What the key is bound to while that is good; otherwise what is dealt, which the key keeps from then on. */
  of(key: string, good: (bound: T) => boolean, deal: (before: T | null) => T | null): T | null {
    const known = this.#bound.get(key);
    const bound = known !== undefined && good(known) ? known : deal(known ?? null);
    if (bound === null) return null;
    // The order of insertion is the order of use.
    this.#bound.delete(key);
    this.#bound.set(key, bound);
    if (this.#bound.size > this.#most) this.#forgetOldest();
    return bound;
  }

  #forgetOldest(): void {
    for (const oldest of this.#bound.keys()) {
      this.#bound.delete(oldest);
      return;
    }
  }
}
