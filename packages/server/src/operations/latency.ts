/** Buckets per doubling: each is 9 % wide, so a figure read from them is at most 4.5 % beside the true one. */
const perDoubling = 8;
const smallestMs = 0.1;
/** Up to half an hour; what takes longer counts as that. */
const doublings = 24;
const buckets = perDoubling * doublings;

/** How long things took, counted in buckets of growing width. Recording allocates nothing. */
export class Latency {
  readonly #counts = new Uint32Array(buckets);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  record(ms: number, times = 1): void {
    const bucket = ms <= smallestMs ? 0 : Math.min(buckets - 1, Math.floor(Math.log2(ms / smallestMs) * perDoubling));
    this.#counts[bucket] = (this.#counts[bucket] as number) + times;
    this.#total += times;
  }

  add(other: Latency): void {
    if (other.#total === 0) return;
    for (let i = 0; i < buckets; i++) this.#counts[i] = (this.#counts[i] as number) + (other.#counts[i] as number);
    this.#total += other.#total;
  }

  clear(): void {
    if (this.#total === 0) return;
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The time that `share` (0 to 1) of all stayed within, in milliseconds: the middle of its bucket. NaN when nothing was recorded. */
  quantile(share: number): number {
    if (this.#total === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (let i = 0; i < buckets; i++) {
      seen += this.#counts[i] as number;
      if (seen >= wanted) return smallestMs * 2 ** ((i + 0.5) / perDoubling);
    }
    return Number.NaN;
  }
}
