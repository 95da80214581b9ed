import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Appended, Created } from "../store.ts";
import { openDataFolder } from "./data-folder.ts";
import { readLife, wasRestored, writeLife } from "./life.ts";
import { openForWriting } from "./opening.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { inFolder } from "./test-folder.ts";

const withStore = async <T>(folder: string, run: (store: SqliteStore) => Promise<T> | T): Promise<T> => {
  const store = await SqliteStore.open(
    openDataFolder(folder),
    () => 0,
    () => {},
  );
  try {
    return await run(store);
  } finally {
    await store.close();
  }
};
const say = (conversation: number, text: string) =>
  ({ op: "append", conversation, person: "p", key: null, sender: "s", n: null, text, bot: null, at: 0 }) as const;
const lives = (store: SqliteStore) => ({ epoch: store.epoch, generation: store.generation });
/** Makes a conversation with one message, and its own start. */
const begin = (folder: string) =>
  withStore(folder, async (store) => {
    const [made] = (await store.commit([
      { op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 },
    ])) as Created[];
    await store.commit([say(made?.conversation ?? 0, "one")]);
    return { ...lives(store), conversation: made?.conversation ?? 0 };
  });

test("[D5] an older copy of the database is another history: a new epoch, and a generation that was never given out", async () => {
  await inFolder(async (folder) => {
    const first = await begin(folder);
    copyFileSync(join(folder, "skep.db"), join(folder, "copy"));
    const second = await withStore(folder, async (store) => {
      expect((await store.commit([say(first.conversation, "two")])) as Appended[]).toMatchObject([{ seq: 2 }]);
      return lives(store);
    });
    expect(second.epoch).toBe(first.epoch);
    copyFileSync(join(folder, "copy"), join(folder, "skep.db"));
    const restored = await withStore(folder, lives);
    expect(restored.epoch).not.toBe(first.epoch);
    expect(restored.generation).toBeGreaterThan(second.generation);
    expect(await withStore(folder, lives)).toEqual({ epoch: restored.epoch, generation: restored.generation + 1 });
  });
});

test("[D5] a copy of the same start that lacks messages is another history", async () => {
  await inFolder(async (folder) => {
    const first = await withStore(folder, async (store) => {
      const [made] = (await store.commit([
        { op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 },
      ])) as Created[];
      await store.commit([say(made?.conversation ?? 0, "one")]);
      // An online copy: what SQLite's own backup would give.
      const { db } = { db: (await import("./database.ts")).openDatabase(join(folder, "skep.db"), { readOnly: true }) };
      db.exec(`VACUUM INTO '${join(folder, "copy")}'`);
      db.close();
      await store.commit([say(made?.conversation ?? 0, "two")]);
      return lives(store);
    });
    copyFileSync(join(folder, "copy"), join(folder, "skep.db"));
    expect((await withStore(folder, lives)).epoch).not.toBe(first.epoch);
  });
});

test("[D5] a life file that is missing or unreadable means that nothing is known: a new epoch", async () => {
  await inFolder(async (folder) => {
    const first = await begin(folder);
    rmSync(join(folder, "skep.life"));
    const second = await withStore(folder, lives);
    expect(second.epoch).not.toBe(first.epoch);
    writeFileSync(join(folder, "skep.life"), '{"generation": 2');
    const third = await withStore(folder, lives);
    expect(third.epoch).not.toBe(second.epoch);
    expect(third.generation).toBe(3);
  });
});

test("[D5] a start that was killed between its two writes is the same history", async () => {
  await inFolder(async (folder) => {
    const first = await begin(folder);
    const before = readLife(folder);
    // The database notes the start; the process dies before the file does.
    openForWriting(join(folder, "skep.db"), before, () => "never used", 0).db.close();
    expect(readLife(folder)).toEqual(before);
    expect(await withStore(folder, lives)).toEqual({ epoch: first.epoch, generation: first.generation + 2 });
  });
});

test("[D5] a folder that begins anew has an epoch of its own", async () => {
  const one = await inFolder((folder) => withStore(folder, lives));
  const two = await inFolder((folder) => withStore(folder, lives));
  expect(one).toMatchObject({ generation: 1 });
  expect(one.epoch).not.toBe(two.epoch);
});

test("[D5] what counts as restored", () => {
  const stored = { generation: 5, lastMessage: 100 };
  expect(wasRestored({ generation: 0, lastMessage: 0 }, null)).toBe(false);
  expect(wasRestored({ generation: 0, lastMessage: 0 }, stored)).toBe(false);
  expect(wasRestored(stored, null)).toBe(true);
  expect(wasRestored(stored, stored)).toBe(false);
  expect(wasRestored(stored, { generation: 5, lastMessage: 90 })).toBe(false);
  expect(wasRestored(stored, { generation: 4, lastMessage: 90 })).toBe(false);
  expect(wasRestored(stored, { generation: 3, lastMessage: 90 })).toBe(false);
  expect(wasRestored(stored, { generation: 6, lastMessage: 90 })).toBe(true);
  expect(wasRestored(stored, { generation: 5, lastMessage: 101 })).toBe(true);
});

test("[D5] the life file reads as it was written, and nothing else does", async () => {
  await inFolder((folder) => {
    expect(readLife(folder)).toBeNull();
    writeLife(folder, { generation: 3, lastMessage: 7 });
    expect(readLife(folder)).toEqual({ generation: 3, lastMessage: 7 });
    for (const text of ["", "null", "[]", "{}", '{"generation":"3","lastMessage":7}', "\u0000"]) {
      writeFileSync(join(folder, "skep.life"), text);
      expect(readLife(folder)).toBeNull();
    }
  });
});
