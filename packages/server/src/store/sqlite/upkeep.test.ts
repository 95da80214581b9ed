import { join } from "node:path";
import { expect, test } from "vitest";
import type { Appended, Created } from "../store.ts";
import type { Database } from "./database.ts";
import { openForWriting } from "./opening.ts";
import { Reads } from "./reads.ts";
import { inFolder } from "./test-folder.ts";
import { Upkeep } from "./upkeep.ts";
import { Writes } from "./writes.ts";

interface Rig {
  db: Database;
  writes: Writes;
  reads: Reads;
  /** Everything that there is to do, in steps of so many rows. */
  upkeep: (rows: number) => number;
  create: (name: string) => number;
  say: (conversation: number, text: string) => Appended;
}

const withRig = (run: (rig: Rig) => void): Promise<void> =>
  inFolder((folder) => {
    const { db } = openForWriting(join(folder, "skep.db"), null, () => "epoch", 0);
    const writes = new Writes(db);
    const upkeep = new Upkeep(db);
    run({
      db,
      writes,
      reads: new Reads(db),
      upkeep: (rows) => {
        let steps = 0;
        while (upkeep.step(writes.lastMessage, rows)) if (++steps > 10_000) throw new Error("upkeep does not end");
        return steps;
      },
      create: (publicId) => {
        const [made] = writes.commit([{ op: "create-conversation", publicId, bot: "b", person: "p", title: "secret title", at: 0 }]);
        return (made as Created).conversation;
      },
      say: (conversation, text) => {
        const [said] = writes.commit([{ op: "append", conversation, person: "p", key: text, sender: "s", n: null, text, bot: "b", at: 0 }]);
        return said as Appended;
      },
    });
    db.close();
  });

const found = (reads: Reads, query: string): string[] =>
  reads.search({ person: "p", query, limit: 99 }).found.map((one) => one.message.text);

test("[R-A9] a search gives the same before, while and after messages are indexed", async () => {
  await withRig(({ reads, upkeep, create, say }) => {
    const conversation = create("c");
    const texts = Array.from({ length: 30 }, (_, i) => `Crème number${i} ${i % 2 ? "odd" : "even"} \u0000 tail`);
    for (const text of texts) say(conversation, text);
    const expected = texts.filter((text) => text.includes("odd")).toReversed();
    expect(found(reads, "creme odd tai")).toEqual(expected);
    expect(upkeep(7)).toBeGreaterThan(3);
    expect(found(reads, "creme odd tai")).toEqual(expected);
    say(conversation, "creme odd tail, the newest");
    expect(found(reads, "creme odd tai")).toEqual(["creme odd tail, the newest", ...expected]);
  });
});

test("[R-G7] of a deleted conversation nothing is left, also when its message is the newest of all", async () => {
  await withRig(({ db, writes, reads, upkeep, create, say }) => {
    const gone = create("gone");
    const stays = create("stays");
    for (let i = 0; i < 20; i++) say(gone, `confidential ${i}`);
    say(stays, "something confidential too");
    const last = say(gone, "confidential, the newest");
    const late = create("late");
    writes.commit([
      { op: "save-draft", turn: last.turn ?? 0, attempt: 1, generation: 1, offset: 0, text: "confidential draft" },
      { op: "delete-conversation", conversation: gone },
      { op: "delete-conversation", conversation: late },
    ]);
    upkeep(6);
    expect(found(reads, "confidential")).toEqual(["something confidential too"]);
    for (const table of ["messages", "turns", "drafts", "senders", "conversations"]) {
      const rows = db.prepare(`SELECT * FROM ${table}`).all();
      const leftover = JSON.stringify(rows).match(/confidential[^"]*|secret title/g) ?? [];
      expect([table, leftover.filter((text) => text !== "confidential too")]).toEqual([
        table,
        table === "conversations" ? ["secret title"] : [],
      ]);
    }
    const next = say(stays, "next");
    expect(next.id).toBe(last.id + 1);
    expect(next.turn).toBe((last.turn ?? 0) + 1);
    expect(upkeep(6)).toBeGreaterThan(0);
  });
});

test("[R-G7] two deleted conversations, each the newest of all in its time, do not stand in each other's way", async () => {
  await withRig(({ reads, writes, upkeep, create, say }) => {
    for (const name of ["a", "b", "c"]) {
      const conversation = create(name);
      say(conversation, "only message");
      writes.commit([{ op: "delete-conversation", conversation }]);
      upkeep(10);
    }
    expect(found(reads, "only")).toEqual([]);
  });
});

test("[O1] [S3] every message has one entry in the log, in its tail or filed, whenever upkeep comes", async () => {
  await withRig(({ db, reads, writes, upkeep, create, say }) => {
    const conversations = ["a", "b", "c"].map(create);
    const rows = (sql: string): unknown[] => db.prepare(sql).all();
    for (let i = 0; i < 150; i++) {
      say(conversations[i % 7 === 0 ? 0 : (i % 2) + 1] ?? 0, `text ${i}`);
      if (i % 11 === 0) upkeep(5);
      for (const conversation of conversations) {
        const { head, messages } = reads.messages(conversation, { after: 0, limit: 1000 });
        expect(messages.map((message) => message.seq)).toEqual(Array.from({ length: head }, (_, n) => n + 1));
        const page = reads.messages(conversation, { before: head - 1, limit: 7 }).messages;
        expect(page).toEqual(messages.slice(0, Math.max(0, head - 2)).slice(-7));
      }
    }
    expect(rows("SELECT message FROM log UNION ALL SELECT message FROM log_tail ORDER BY message")).toEqual(
      rows("SELECT id AS message FROM messages ORDER BY id"),
    );
    upkeep(5);
    expect(rows("SELECT * FROM log_tail")).toEqual([]);
    writes.commit(conversations.map((conversation) => ({ op: "delete-conversation", conversation })));
    upkeep(5);
    expect(rows("SELECT * FROM log")).toEqual([]);
  });
});

test("[R-G7] of an erased conversation its branches keep what they show and nothing more; with the last of them that goes too", async () => {
  await withRig(({ db, writes, reads, upkeep, create, say }) => {
    const origin = create("origin");
    for (let i = 1; i <= 20; i++) say(origin, `word${i}`);
    const branch = (publicId: string, from: number, seq: number): number => {
      const [made] = writes.commit([
        { op: "begin-branch", publicId, origin: from, seq, person: "p", bot: "b", key: publicId, text: `first of ${publicId}`, at: 0 },
      ]);
      return (made as Created).conversation;
    };
    const erase = (conversation: number): void => {
      writes.commit([{ op: "delete-conversation", conversation }]);
      upkeep(6);
    };
    const texts = (): unknown[] =>
      db
        .prepare<{ text: string }>("SELECT text FROM messages WHERE text <> '' ORDER BY id")
        .all()
        .map(({ text }) => text);
    const shows = (conversation: number): string[] =>
      reads.messages(conversation, { after: 0, limit: 100 }).messages.map(({ text }) => text);
    const one = branch("one", origin, 11);
    say(one, "second of one");
    const two = branch("two", one, 12);
    const three = branch("three", origin, 4);
    const ten = Array.from({ length: 10 }, (_, i) => `word${i + 1}`);
    erase(origin);
    expect(texts()).toEqual([...ten, "first of one", "second of one", "first of two", "first of three"]);
    expect(found(reads, "word10")).toEqual(["word10"]);
    // Gone itself, it is still what lies between.
    erase(one);
    expect(texts()).toEqual([...ten, "first of one", "first of two", "first of three"]);
    expect(shows(two)).toEqual([...ten, "first of one", "first of two"]);
    erase(two);
    expect(texts()).toEqual(["word1", "word2", "word3", "first of three"]);
    expect(shows(three)).toEqual(["word1", "word2", "word3", "first of three"]);
    expect(found(reads, "word2")).toEqual(["word2"]);
    erase(three);
    const tables = ["branches", "log", "log_tail", "senders"];
    expect(tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all().length)).toEqual([0, 0, 0, 0]);
    expect(texts()).toEqual([]);
    expect(db.prepare("SELECT * FROM turns WHERE id < (SELECT max(id) FROM turns)").all()).toEqual([]);
  });
});
