import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { migrate, SchemaError } from "./migrate.ts";
import { migrations } from "./migrations.ts";
import { inFolder } from "./test-folder.ts";

const tables = (file: string): string[] => {
  const db = openDatabase(file);
  try {
    return db
      .prepare<{ name: string }>("SELECT name FROM sqlite_schema ORDER BY name")
      .all()
      .map((row) => row.name);
  } finally {
    db.close();
  }
};

const step = (number: number, sql: string) => ({ number, name: `step ${number}`, sql });

test("[D4] steps have numbers from 1 without gaps", () => {
  expect(migrations.map((one) => one.number)).toEqual(migrations.map((_, i) => i + 1));
});

test("[D4] only the steps that are missing are run, and each is noted", async () => {
  await inFolder((folder) => {
    const db = openDatabase(join(folder, "a.db"));
    const one = step(1, "CREATE TABLE one (x)");
    expect(migrate(db, [one], 5)).toBe(1);
    expect(migrate(db, [one], 6)).toBe(0);
    expect(migrate(db, [one, step(2, "CREATE TABLE two (x)"), step(3, "CREATE TABLE three (x)")], 7)).toBe(2);
    expect(db.prepare("SELECT number, run_at FROM migrations ORDER BY number").all()).toEqual([
      { number: 1, run_at: 5 },
      { number: 2, run_at: 7 },
      { number: 3, run_at: 7 },
    ]);
    db.close();
  });
});

test("[D4] a schema that is newer than the program is refused in a sentence, and nothing is changed", async () => {
  await inFolder((folder) => {
    const file = join(folder, "a.db");
    const db = openDatabase(file);
    migrate(db, [step(1, "CREATE TABLE one (x)"), step(2, "CREATE TABLE two (x)")], 0);
    expect(() => migrate(db, [step(1, "CREATE TABLE other (x)")], 0)).toThrow(SchemaError);
    expect(() => migrate(db, [step(1, "")], 0)).toThrow(
      /written by a newer version of Skep \(schema 2, this version knows 1\)\. Start that version/,
    );
    db.exec("BEGIN IMMEDIATE; COMMIT");
    db.close();
    expect(tables(file)).toEqual(
      ["meta", "migrations", "one", "sqlite_autoindex_meta_1", "two"].filter((name) => !name.startsWith("sqlite_")),
    );
  });
});

test("[D4] a step that fails leaves the old schema, whole", async () => {
  await inFolder((folder) => {
    const file = join(folder, "a.db");
    const db = openDatabase(file);
    migrate(db, [step(1, "CREATE TABLE one (x)")], 0);
    const broken = [step(1, ""), step(2, "CREATE TABLE two (x)"), step(3, "CREATE TABLE three (x); INSERT INTO nowhere VALUES (1)")];
    expect(() => migrate(db, broken, 0)).toThrow(/nowhere/);
    db.close();
    expect(tables(file)).toEqual(["meta", "migrations", "one"]);
  });
});

test("[D4] programs that migrate at once run every step once", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "a.db");
    const code = `
      const { workerData, parentPort } = require("node:worker_threads");
      (async () => {
        const { openDatabase } = await import(workerData.database);
        const { migrate } = await import(workerData.migrate);
        const db = openDatabase(workerData.file, { timeout: 5000 });
        parentPort.once("message", () => {
          parentPort.postMessage(migrate(db, workerData.steps, 0));
          db.close();
        });
        parentPort.postMessage("ready");
      })();`;
    // Fails if it runs twice.
    const steps = Array.from({ length: 20 }, (_, i) => step(i + 1, `CREATE TABLE t${i} (x)`));
    const workerData = {
      file,
      steps,
      database: new URL("./database.ts", import.meta.url).href,
      migrate: new URL("./migrate.ts", import.meta.url).href,
    };
    const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true, workerData }));
    const next = (worker: Worker): Promise<unknown> =>
      new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    try {
      await Promise.all(workers.map(next));
      const run = Promise.all(workers.map(next));
      for (const worker of workers) worker.postMessage("go");
      expect(((await run) as number[]).sort((a, b) => a - b)).toEqual([0, 0, 0, 20]);
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });
});

test("[D4] schema.sql is the schema that all steps together make", () => {
  const db = openDatabase(":memory:");
  migrate(db, migrations, 0);
  const schema = db
    .prepare<{ sql: string }>(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'message_search_*' ORDER BY tbl_name, type DESC, name",
    )
    .all()
    .map((row) => `${row.sql};\n`)
    .join("\n");
  db.close();
  expect(schema).toBe(readFileSync(new URL("./schema.sql", import.meta.url), "utf8"));
});
