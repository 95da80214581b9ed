import { expect, test } from "vitest";
import type { Database } from "./database.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations.ts";
import { Reads } from "./reads.ts";
import { Upkeep } from "./upkeep.ts";
import { Writes } from "./writes.ts";

/** Parts of plans that read a whole table or index, each with the reason why that is right. */
const allowedScans: Record<string, string> = {
  "SCAN bots": "all bots are wanted; there are some hundred",
  "SCAN credentials": "all credentials are wanted, once, at the start",
  "SCAN conversations USING INDEX conversations_by_person": "counts the conversations, for the metrics, on the background thread",
  "SCAN drafts": "once, at the start: drafts are only kept of turns under way",
  "SCAN turns USING INDEX turns_pending": "deleting a conversation looks through the turns under way, not through all",
  "SCAN conversations USING INDEX conversations_deleted": "the index holds only what is to be removed",
  "SCAN p USING INDEX permissions_pending": "the index holds only what waits for a decision",
  "SCAN permissions USING INDEX permissions_pending": "once, at the start: the index holds only what waits for a decision",
  "SCAN files USING COVERING INDEX files_unnamed": "its first entry: the oldest one",
  "SCAN files USING COVERING INDEX files_by_hash": "sums all contents, at an upload after something has changed",
  "SCAN (subquery-1)": "the same sum, over each content once",
  "SCAN log_tail": "its first entries in order, as many as one step of upkeep files",
  "SCAN shows": "the branches of one erased conversation, when a message of it is found: they are few, and were just found by their index",
  "SCAN message_search VIRTUAL TABLE": "the full-text index's own way of answering MATCH, by rowid",
};

interface Plan {
  sql: string;
  steps: string[];
}

/** Every statement that the store prepares, with its plan. */
function plans(): { plans: Plan[]; indexes: string[] } {
  const db = openDatabase(":memory:");
  try {
    migrate(db, migrations, 0);
    const prepared = new Set<string>();
    const recording: Database = {
      exec: (sql) => db.exec(sql),
      close: () => db.close(),
      prepare: (sql) => {
        prepared.add(sql);
        return db.prepare(sql);
      },
    };
    void new Reads(recording);
    void new Writes(recording);
    void new Upkeep(recording);
    return {
      plans: [...prepared].map((sql) => {
        const rows = db.prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all();
        return { sql, steps: rows.map((row) => row.detail) };
      }),
      indexes: db
        .prepare<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
        .all()
        .map((row) => row.name),
    };
  } finally {
    db.close();
  }
}

const allowed = (step: string): boolean => Object.keys(allowedScans).some((one) => step.startsWith(one));

test("[R-E2] every statement finds its rows through an index or a primary key", () => {
  const scans = plans().plans.flatMap(({ sql, steps }) =>
    steps.filter((step) => /^SCAN (?!CONSTANT ROW|pragma_)/.test(step) && !allowed(step)).map((step) => ({ step, sql })),
  );
  expect(scans).toEqual([]);
});

test("[R-E2] no statement sorts what an index could give in order", () => {
  const sorts = plans().plans.flatMap(({ sql, steps }) =>
    steps.filter((step) => step.includes("TEMP B-TREE")).map((step) => ({ step, sql })),
  );
  expect(sorts).toEqual([]);
});

test("[R-E2] every index is used by a statement", () => {
  const { plans: all, indexes } = plans();
  const used = new Set(all.flatMap(({ steps }) => steps.flatMap((step) => /USING (?:COVERING )?INDEX (\w+)/.exec(step)?.[1] ?? [])));
  expect(indexes.filter((name) => !used.has(name))).toEqual([]);
});

test("[R-E2] every allowed scan is still there", () => {
  const steps = plans().plans.flatMap((plan) => plan.steps);
  expect(Object.keys(allowedScans).filter((scan) => !steps.some((step) => step.startsWith(scan)))).toEqual([]);
});

const planOf = (part: string): string[] => {
  const found = plans().plans.find(({ sql }) => sql.includes(part));
  if (!found) throw new Error(`no statement with ${part}`);
  return found.steps;
};

test("[R-E2] lists of conversations go down their index from the cursor on", () => {
  expect(planOf("c.person = ? AND c.deleted_at IS NULL AND (c.active_at")[0]).toBe(
    "SEARCH c USING INDEX conversations_by_person (person=? AND active_at<?)",
  );
  expect(planOf("c.bot = ? AND c.person = ?")[0]).toBe("SEARCH c USING INDEX conversations_by_bot (bot=? AND person=? AND active_at<?)");
});

test("[R-E2] pending turns are read from the index of pending ones, not from all turns", () => {
  expect(planOf("t.state = 0 AND t.id > ?")[0]).toMatch(/^SEARCH t USING (COVERING )?INDEX turns_pending/);
});
