import type { Database } from "./database.ts";
import { openDatabase, sqliteCode, sqliteErrors } from "./database.ts";
import { DataFolderError } from "./data-folder.ts";
import type { Life } from "./life.ts";
import { wasRestored } from "./life.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations.ts";

export interface Opened {
  db: Database;
  epoch: string;
  generation: number;
}

/**
 * Opens the database for its one writer: migrates it, and begins a new generation (B4), with a new epoch when it was restored (D5).
 * @throws DataFolderError or SchemaError, with a text that says what to do.
 */
export function openForWriting(file: string, life: Life | null, newEpoch: () => string, now: number): Opened {
  const db = openDatabase(file, { timeout: 5000 });
  try {
    // FULL: a commit has reached the disk when it returns (K1). Checkpoints are made by another thread, see `reader-thread.ts`.
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY",
    );
    // Some file systems cannot do it; SQLite then stays in another mode without an error. ("memory": a simulation's `:memory:`.)
    const mode = db.prepare<{ journal_mode: string }>("PRAGMA journal_mode").get()?.journal_mode;
    if (mode !== "wal" && mode !== "memory")
      throw new DataFolderError(`${file} is on a file system that cannot keep a write-ahead log. Choose another folder with --data.`);
    migrate(db, migrations, now);
    return { db, ...beginGeneration(db, life, newEpoch) };
  } catch (error) {
    db.close();
    if (sqliteCode(error) === sqliteErrors.notADatabase) {
      throw new DataFolderError(
        `${file} is not a Skep database, or it is damaged. Restore it from a backup, or choose another folder with --data.`,
      );
    }
    throw error;
  }
}

function beginGeneration(db: Database, life: Life | null, newEpoch: () => string): { epoch: string; generation: number } {
  const read = db.prepare<{ value: string }>("SELECT value FROM meta WHERE name = ?");
  const write = db.prepare("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
  const stored: Life = {
    generation: Number(read.get("generation")?.value ?? 0),
    lastMessage: db.prepare<{ id: number | null }>("SELECT max(id) AS id FROM messages").get()?.id ?? 0,
  };
  const known = read.get("epoch")?.value;
  const epoch = known === undefined || wasRestored(stored, life) ? newEpoch() : known;
  // A restored database must not reuse a generation that a lost later start has given out.
  const generation = Math.max(stored.generation, life?.generation ?? 0) + 1;
  db.exec("BEGIN IMMEDIATE");
  write.run("epoch", epoch);
  write.run("generation", String(generation));
  db.exec("COMMIT");
  return { epoch, generation };
}
