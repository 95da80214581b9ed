/** Cuts a stream of text into lines, however it is chunked. The last line counts once its line feed has come. */
export interface LineSplitter {
  push(chunk: string, onLine: (line: string) => void): void;
  /** What has come since the last line feed. */
  readonly rest: string;
}

export function lineSplitter(): LineSplitter {
  let rest = "";
  return {
    get rest() {
      return rest;
    },
    push(chunk, onLine) {
      let start = 0;
      let end = chunk.indexOf("\n");
      while (end !== -1) {
        const line = rest === "" ? chunk.slice(start, end) : rest + chunk.slice(start, end);
        rest = "";
        start = end + 1;
        onLine(line);
        end = chunk.indexOf("\n", start);
      }
      rest += start === 0 ? chunk : chunk.slice(start);
    },
  };
}
