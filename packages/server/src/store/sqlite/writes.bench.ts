/**
 * What does a stored message cost on the writing thread, and which part of the schema costs how much?
 * `node packages/server/src/store/sqlite/writes.bench.ts [name=value …]` prints one JSON line per run. Lists are separated by commas:
 * batch, conversations, page (bytes), keys (random | ordered | none), numbers (yes | no), without (an index to leave out), pairs, filled (messages before).
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Append, Appended, CloseTurn } from "../store.ts";
import type { Database } from "./database.ts";
import { openDatabase } from "./database.ts";
import { openForWriting } from "./opening.ts";
import { Writes } from "./writes.ts";

interface Run {
  batch: number;
  conversations: number;
  page: number;
  keys: string;
  numbers: boolean;
  without: string;
  pairs: number;
  filled: number;
}

const text = "A message of the usual length, as people write them to a bot when they want to know something about their work. ".repeat(2);

/** The statements of the writer, for a schema that lacks an index which they name. */
const lenient = (db: Database): Database => ({
  exec: (sql) => db.exec(sql),
  close: () => db.close(),
  prepare: (sql) =>
    db.prepare(
      sql.replace("INDEXED BY turns_pending", "").replace("ON CONFLICT (key, conversation, author) WHERE key IS NOT NULL DO NOTHING", ""),
    ),
});

function measure(run: Run): object {
  const folder = mkdtempSync(join(tmpdir(), "skep-bench-"));
  const file = join(folder, "skep.db");
  try {
    if (run.page > 0) {
      const made = openDatabase(file);
      made.exec(`PRAGMA page_size = ${run.page}; PRAGMA journal_mode = WAL; CREATE TABLE made (x); DROP TABLE made`);
      made.close();
    }
    const { db, generation } = openForWriting(file, null, () => "bench", Date.now());
    if (run.without !== "") db.exec(`DROP INDEX ${run.without}`);
    const writes = new Writes(run.without === "" ? db : lenient(db));
    const ids: number[] = [];
    for (let i = 0; i < run.conversations; i++) {
      const publicId = randomUUID();
      const [made] = writes.commit([
        { op: "create-conversation", publicId, bot: "echo", person: `person ${i}`, title: "t", at: Date.now() },
      ]);
      ids.push((made as { conversation: number }).conversation);
    }
    const numbers = ids.map(() => 0);
    let next = 0;
    const append = (): Append => {
      const i = next++ % ids.length;
      const n = run.numbers ? ((numbers[i] = (numbers[i] ?? 0) + 1), numbers[i] ?? 1) : null;
      const key =
        run.keys === "none"
          ? null
          : run.keys === "ordered"
            ? `${Date.now().toString(16).padStart(12, "0")}${randomUUID().slice(12)}`
            : randomUUID();
      return {
        op: "append",
        conversation: ids[i] ?? 0,
        person: `person ${i}`,
        key,
        sender: "a-tab-of-a-browser",
        n,
        text,
        bot: "echo",
        at: Date.now(),
      };
    };
    const close = (appended: Appended): CloseTurn => ({
      op: "close-turn",
      turn: appended.turn ?? 0,
      attempt: 1,
      generation,
      outcome: "completed",
      role: "bot",
      author: "echo",
      text,
      parts: null,
      at: Date.now(),
    });
    for (let filled = 0; filled < run.filled; filled += 4096) {
      const answers = writes.commit(Array.from({ length: 2048 }, append)) as Appended[];
      writes.commit(answers.map(close));
    }
    // As in service: the log starts again at its beginning when it has grown long, so that syncs meet blocks that exist.
    const checkpoint = db.prepare<{ log: number }>("PRAGMA wal_checkpoint(RESTART)");
    checkpoint.get();
    const pageBytes = db.prepare<{ page_size: number }>("PRAGMA page_size").get()?.page_size ?? 0;
    let logPages = 0;
    let checkpointMs = 0;
    let batchesSince = 0;
    const restart = (): void => {
      const t0 = performance.now();
      logPages += checkpoint.get()?.log ?? 0;
      checkpointMs += performance.now() - t0;
      batchesSince = 0;
    };
    let cpuUs = 0;
    let appendMs = 0;
    let closeMs = 0;
    const commits: number[] = [];
    for (let done = 0; done < run.pairs; done += run.batch) {
      const asked = Array.from({ length: run.batch }, append);
      const cpuBefore = process.cpuUsage();
      const t0 = performance.now();
      const answers = writes.commit(asked) as Appended[];
      const t1 = performance.now();
      const answered = answers.map(close);
      const t2 = performance.now();
      writes.commit(answered);
      const t3 = performance.now();
      const cpu = process.cpuUsage(cpuBefore);
      cpuUs += cpu.user + cpu.system;
      appendMs += t1 - t0;
      closeMs += t3 - t2;
      commits.push(t1 - t0, t3 - t2);
      batchesSince++;
      if (batchesSince * run.batch >= 2048) restart();
    }
    restart();
    const pairs = Math.ceil(run.pairs / run.batch) * run.batch;
    const bytes = statSync(file).size;
    db.close();
    commits.sort((a, b) => a - b);
    const round = (value: number): number => Math.round(value * 100) / 100;
    return {
      ...run,
      appendUs: round((appendMs * 1000) / pairs),
      closeUs: round((closeMs * 1000) / pairs),
      pairUs: round(((appendMs + closeMs) * 1000) / pairs),
      cpuUsPerPair: round(cpuUs / pairs),
      commitP50Ms: round(commits[Math.floor(commits.length / 2)] ?? 0),
      commitP99Ms: round(commits[Math.floor(commits.length * 0.99)] ?? 0),
      logBytesPerMessage: Math.round((logPages * (pageBytes + 24)) / (2 * pairs)),
      checkpointUsPerPair: round((checkpointMs * 1000) / pairs),
      fileBytesPerMessage: Math.round(bytes / (run.filled + 2 * pairs)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const given = new Map(process.argv.slice(2).map((one) => one.split("=", 2) as [string, string]));
const list = (name: string, otherwise: string): string[] => (given.get(name) ?? otherwise).split(",");
const number = (name: string, otherwise: number): number => Number(given.get(name) ?? otherwise);
for (const conversations of list("conversations", "100,1000").map(Number))
  for (const batch of list("batch", "1,16,128,512,1024").map(Number))
    for (const page of list("page", "0").map(Number))
      for (const keys of list("keys", "random"))
        for (const numbers of list("numbers", "yes"))
          for (const without of list("without", "")) {
            const pairs = number("pairs", batch === 1 ? 3000 : 20_000);
            const run: Run = {
              batch,
              conversations,
              page,
              keys,
              numbers: numbers === "yes",
              without,
              pairs,
              filled: number("filled", 400_000),
            };
            console.log(JSON.stringify(measure(run)));
          }
