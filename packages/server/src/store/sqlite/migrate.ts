import type { Database } from "./database.ts";
import type { Migration } from "./migrations.ts";

/** The database is newer than this program, or its steps are not the ones this program knows. */
export class SchemaError extends Error {
  override name = "SchemaError";
}

/**
 * Brings the database to the newest schema (D4). Runs in one transaction that holds the write lock from its beginning, so that two
 * programs cannot migrate at once and an interrupted run leaves the old schema.
 * @returns the number of steps that were run. @throws SchemaError when the database is newer; nothing was changed then.
 */
export function migrate(db: Database, steps: readonly Migration[], at: number): number {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, run_at INTEGER NOT NULL) STRICT");
    db.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID");
    const current = db.prepare<{ n: number }>("SELECT coalesce(max(number), 0) AS n FROM migrations").get()?.n ?? 0;
    const newest = steps.at(-1)?.number ?? 0;
    if (current > newest) {
      throw new SchemaError(
        `The data was written by a newer version of Skep (schema ${current}, this version knows ${newest}). Start that version, or restore a backup made before the upgrade.`,
      );
    }
    let run = 0;
    for (const step of steps) {
      if (step.number <= current) continue;
      db.exec(step.sql);
      db.prepare("INSERT INTO migrations (number, name, run_at) VALUES (?, ?, ?)").run(step.number, step.name, at);
      run++;
    }
    db.exec("COMMIT");
    return run;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}
