/** Cuts text into lines without ever holding more than `limit` of one. Pure but for its rest. */
export class LineReader {
  readonly #limit: number;
  #rest = "";
  #skipping = false;

  /** @param limit UTF-16 units of one line; a longer one is given to `onTooLong` with its beginning, and skipped. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns how many lines ended in it */
  push(chunk: string, onLine: (line: string) => void, onTooLong: (beginning: string) => void): number {
    let from = 0;
    let lines = 0;
    for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", from)) {
      const line = this.#rest === "" ? chunk.slice(from, at) : this.#rest + chunk.slice(from, at);
      this.#rest = "";
      from = at + 1;
      lines++;
      if (this.#skipping) this.#skipping = false;
      else if (line !== "" && line !== "\r") onLine(line);
    }
    if (this.#skipping) return lines;
    this.#rest += chunk.slice(from);
    if (this.#rest.length > this.#limit) {
      onTooLong(this.#rest.slice(0, 200));
      this.#rest = "";
      this.#skipping = true;
    }
    return lines;
  }
}
