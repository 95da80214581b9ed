/** The one thread that writes. Batches come first; upkeep fills the time between them. */
import { parentPort, workerData } from "node:worker_threads";
import { StoreFailure } from "../store.ts";
import { openForWriting } from "./opening.ts";
import type { FailureData, FromWriter, ToWriter, WriterData } from "./thread-messages.ts";
import { Upkeep } from "./upkeep.ts";
import { Writes } from "./writes.ts";

/**
 * While batches come in, one step of upkeep this often; after this long without one, step after step. A step takes 1 to 2 ms: what a
 * message may have to wait for it (128 rows at once, with the merges that FTS5 makes by itself, took up to 25 ms).
 */
const upkeepPauseMs = 50;
const quietMs = 50;
const upkeepRows = 64;

const port = parentPort;
if (!port) throw new Error("writer-thread.ts runs as a worker thread");
const say = (message: FromWriter): void => port.postMessage(message);

function failureData(error: unknown): FailureData {
  if (error instanceof StoreFailure) {
    return { reason: error.reason, outcome: error.outcome, final: error.final, message: error.message };
  }
  return {
    reason: "io",
    outcome: "unknown",
    final: true,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

function run(): void {
  const data = workerData as WriterData;
  const { db, epoch, generation } = openForWriting(data.file, data.life, () => data.epoch, data.now);
  const writes = new Writes(db);
  const upkeep = new Upkeep(db);
  let lastBatch = 0;
  let timer: NodeJS.Timeout | null = null;

  const stepUpkeep = (): void => {
    timer = null;
    try {
      if (!upkeep.step(writes.lastMessage, upkeepRows)) return;
      schedule(performance.now() - lastBatch > quietMs ? 0 : upkeepPauseMs);
    } catch (error) {
      // After a failed write or sync, `writes` refuses every batch that follows (D1); after a full disk the next batch starts upkeep again.
      writes.survives(error);
      say({ type: "upkeep-failed", message: String(error) });
    }
  };
  const schedule = (delay: number): void => {
    timer ??= setTimeout(stepUpkeep, delay);
  };

  port?.on("message", (message: ToWriter) => {
    switch (message.type) {
      case "commit":
        lastBatch = performance.now();
        try {
          say({ type: "committed", id: message.id, answers: writes.commit(message.batch), lastMessage: writes.lastMessage });
          schedule(upkeepPauseMs);
        } catch (error) {
          say({ type: "failed", id: message.id, failure: failureData(error) });
        }
        return;
      case "checkpoint":
        try {
          db.exec("PRAGMA wal_checkpoint(PASSIVE)");
        } catch (error) {
          // The log keeps what could not be copied; a full disk ends here too, and must not end the thread.
          say({ type: "upkeep-failed", message: String(error) });
        }
        return;
      case "close":
        if (timer) clearTimeout(timer);
        db.close();
        say({ type: "closed" });
        port.close();
    }
  });
  say({ type: "ready", epoch, generation, lastMessage: writes.lastMessage });
  schedule(quietMs);
}

try {
  run();
} catch (error) {
  say({ type: "not-ready", name: (error as Error).name, message: (error as Error).message });
  port.close();
}
