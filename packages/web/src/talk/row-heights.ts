/**
 * Heights of the rows of a list, of which most were never drawn. A row that was not measured has the usual height. Sums are kept in a
 * binary indexed tree of the differences from it: a measurement, "where is row n" and "which row is at y" take 17 steps for 100,000 rows.
 */
export class RowHeights {
  readonly #usual: number;
  #count = 0;
  #own = new Float64Array(1024);
  /** tree[i]: sum of `own` over the (i & -i) rows that end with row i - 1. */
  #tree = new Float64Array(1025);

  /** @param usual pixels of a row that was not measured */
  constructor(usual: number) {
    this.#usual = usual;
  }

  get count(): number {
    return this.#count;
  }

  /** More rows, or fewer. Those that go are forgotten. */
  resize(count: number): void {
    for (let row = count; row < this.#count; row++) this.set(row, this.#usual);
    this.#count = count;
    if (count <= this.#own.length) return;
    const own = new Float64Array(2 ** Math.ceil(Math.log2(count)));
    own.set(this.#own);
    this.#own = own;
    this.#tree = new Float64Array(own.length + 1);
    for (let i = 1; i <= own.length; i++) {
      this.#tree[i] = (this.#tree[i] ?? 0) + (own[i - 1] ?? 0);
      const above = i + (i & -i);
      if (above <= own.length) this.#tree[above] = (this.#tree[above] ?? 0) + (this.#tree[i] ?? 0);
    }
  }

  /** @returns whether it is another height than before */
  set(row: number, height: number): boolean {
    if (row < 0 || row >= this.#count) return false;
    const difference = height - this.#usual - (this.#own[row] ?? 0);
    if (difference === 0) return false;
    this.#own[row] = height - this.#usual;
    for (let i = row + 1; i < this.#tree.length; i += i & -i) this.#tree[i] = (this.#tree[i] ?? 0) + difference;
    return true;
  }

  /** Pixels above the row. */
  offset(row: number): number {
    const rows = Math.min(row, this.#count);
    let sum = rows * this.#usual;
    for (let i = rows; i > 0; i -= i & -i) sum += this.#tree[i] ?? 0;
    return sum;
  }

  get total(): number {
    return this.offset(this.#count);
  }

  /** The row at this many pixels from the top; the first or last one beyond the ends. */
  rowAt(y: number): number {
    let row = 0;
    let rest = y;
    for (let step = this.#own.length; step > 0; step >>= 1) {
      const next = row + step;
      if (next > this.#count) continue;
      const height = (this.#tree[next] ?? 0) + step * this.#usual;
      if (height > rest) continue;
      row = next;
      rest -= height;
    }
    return Math.max(0, Math.min(row, this.#count - 1));
  }
}
