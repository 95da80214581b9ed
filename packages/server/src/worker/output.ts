/**
 * A bot's standard output: lines are gathered and written once per turn of the event loop, since one write costs more than a line.
 * When the reader falls behind, `blocked` is called and `drained` gives a promise: producers wait for it, so that what is
 * gathered stays small however long nobody reads.
 */
import type { FromBot } from "@skep/protocol/bot";
import type { Writable } from "node:stream";

export interface Output {
  write(line: FromBot): void;
  /** Bytes that need not be protocol; they keep their place among the lines. */
  raw(text: string): void;
  /** Nothing while there is room. */
  drained(): Promise<void> | undefined;
  /** When all that was written has been handed to the system. */
  flushed(): Promise<void>;
}

export function batchedOutput(stream: Writable, onBlocked: (blocked: boolean) => void): Output {
  let gathered = "";
  let scheduled = false;
  let draining: Promise<void> | undefined;

  const flush = (): void => {
    scheduled = false;
    if (draining || gathered === "") return;
    const batch = gathered;
    gathered = "";
    if (stream.write(batch)) return;
    onBlocked(true);
    draining = new Promise((resolve) => {
      stream.once("drain", () => {
        draining = undefined;
        flush();
        if (!draining) onBlocked(false);
        resolve();
      });
    });
  };

  const raw = (text: string): void => {
    gathered += text;
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  return {
    raw,
    write: (line) => raw(`${JSON.stringify(line)}\n`),
    drained: () => draining,
    async flushed() {
      for (let wait = draining; wait; wait = draining) await wait;
      const batch = gathered;
      gathered = "";
      await new Promise<void>((resolve) => {
        stream.write(batch, () => resolve());
      });
    },
  };
}
