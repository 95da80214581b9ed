/**
 * A thread with a reading connection. Started twice: as `reader` for history and lists, and as `background` for what may take long
 * (search, checkpoints), so that neither waits for the other.
 */
import { parentPort, workerData } from "node:worker_threads";
import { openDatabase } from "./database.ts";
import { Reads } from "./reads.ts";
import type { FromReader, ToReader } from "./thread-messages.ts";

export interface ReaderData {
  file: string;
  /** Milliseconds between checkpoints; 0: this thread makes none. */
  checkpointEveryMs: number;
}

const port = parentPort;
if (!port) throw new Error("reader-thread.ts runs as a worker thread");
const say = (message: FromReader): void => port.postMessage(message);

const { file, checkpointEveryMs } = workerData as ReaderData;
const db = openDatabase(file, { timeout: 5000, readOnly: checkpointEveryMs === 0 });
if (checkpointEveryMs > 0) db.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
const reads = new Reads(db);

/**
 * Copies what the log holds into the database file while the writer goes on writing (PASSIVE waits for nobody). The writer finishes the rest
 * when the log has grown long, so that it starts again at its beginning.
 */
const checkpoint = checkpointEveryMs > 0 ? db.prepare<{ log: number; checkpointed: number }>("PRAGMA wal_checkpoint(PASSIVE)") : null;
let pagesBefore = 0;
const timer = checkpoint
  ? setInterval(() => {
      try {
        const result = checkpoint.get();
        if (result && result.log !== pagesBefore) say({ type: "checkpointed", pages: result.log, done: result.checkpointed });
        pagesBefore = result?.log ?? 0;
      } catch {
        // A failed checkpoint loses nothing: the log keeps the pages, and the writer reports a disk that fails.
      }
    }, checkpointEveryMs)
  : null;

port.on("message", (message: ToReader) => {
  if (message.type === "close") {
    if (timer) clearInterval(timer);
    db.close();
    port.close();
    return;
  }
  try {
    const read = reads[message.name] as (...values: unknown[]) => unknown;
    say({ type: "answer", id: message.id, value: read.apply(reads, message.values) });
  } catch (error) {
    say({ type: "error", id: message.id, message: error instanceof Error ? error.message : String(error) });
  }
});
