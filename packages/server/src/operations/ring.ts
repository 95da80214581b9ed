/** The newest rows of figures, in memory that is taken once. NaN is kept as it is: nothing was measured. */
export class Ring {
  readonly #width: number;
  readonly #at: Float64Array;
  readonly #values: Float32Array;
  #next = 0;
  #length = 0;

  constructor(rows: number, width: number) {
    this.#width = width;
    this.#at = new Float64Array(rows);
    this.#values = new Float32Array(rows * width);
  }

  /** @param at milliseconds since the Unix epoch */
  push(at: number, values: ArrayLike<number>): void {
    this.#at[this.#next] = at;
    this.#values.set(values, this.#next * this.#width);
    this.#next = (this.#next + 1) % this.#at.length;
    this.#length = Math.min(this.#length + 1, this.#at.length);
  }

  /**
   * The rows after a moment, oldest first. Where the clock was set back, what it showed before counts as after: times in the answer only grow.
   * @param last at most so many, the newest
   */
  after(moment: number, last = this.#length): { at: number; values: Float32Array }[] {
    const rows: { at: number; values: Float32Array }[] = [];
    const size = this.#at.length;
    let later = Number.POSITIVE_INFINITY;
    for (let back = 1; back <= Math.min(last, this.#length); back++) {
      const row = (this.#next - back + size) % size;
      const at = this.#at[row] as number;
      if (at >= later) continue;
      if (at <= moment) break;
      later = at;
      rows.push({ at, values: this.#values.subarray(row * this.#width, (row + 1) * this.#width) });
    }
    return rows.toReversed();
  }
}
