import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Append, Appended, Created, Operation } from "../store.ts";
import { StoreFailure } from "../store.ts";
import type { DataFolder } from "./data-folder.ts";
import { openDataFolder } from "./data-folder.ts";
import { openForWriting } from "./opening.ts";
import { Reads } from "./reads.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { inFolder } from "./test-folder.ts";
import { Writes } from "./writes.ts";

const say = (conversation: number, text: string): Append => ({
  op: "append",
  conversation,
  person: "p",
  key: text.slice(0, 20),
  sender: "s",
  n: null,
  text,
  bot: "b",
  at: 0,
});
const create: Operation = { op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 };
const long = (i: number): string => `${i} ${"x".repeat(9000)}`;

/** Commits until the store says that it is full. @returns how many messages were acknowledged. */
async function fill(
  commit: (batch: Operation[]) => unknown,
  conversation: number,
  from: number,
): Promise<{ stored: number; failure: unknown }> {
  for (let i = from; i < 100_000; i += 2) {
    try {
      await commit([say(conversation, long(i)), say(conversation, long(i + 1))]);
    } catch (error) {
      return { stored: i, failure: error };
    }
  }
  throw new Error("the disk never became full");
}

const full = { reason: "full", outcome: "not-stored", final: false };

const canMount = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const { status } = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
  return status === 0;
})();

/** A disk of its own, of 8 MB. Lazily taken away: a store that a failed test left open must not keep it. */
async function onSmallDisk(run: (disk: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", disk]).status).toBe(0);
    try {
      await run(disk);
    } finally {
      spawnSync("umount", ["--lazy", disk]);
    }
  });
}

const open = (folder: DataFolder): Promise<SqliteStore> =>
  SqliteStore.open(
    folder,
    () => 0,
    () => {},
  );

test.runIf(canMount)("[D1] a full disk refuses with the reason, history stays readable, and it goes on when there is room", async () => {
  await onSmallDisk(async (disk) => {
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(4_000_000));
    const data = join(disk, "data");
    const store = await open(openDataFolder(data));
    const [made] = (await store.commit([create])) as Created[];
    const conversation = made?.conversation ?? 0;
    const texts = async (): Promise<string[]> =>
      (await store.messages(conversation, { after: 0, limit: 100_000 })).messages.map((message) => message.text);

    const first = await fill((batch) => store.commit(batch), conversation, 0);
    expect(first.failure).toBeInstanceOf(StoreFailure);
    expect(first.failure).toMatchObject(full);
    await expect(store.commit([say(conversation, long(999_999)), say(conversation, long(999_998))])).rejects.toMatchObject(full);
    expect(await texts()).toEqual(Array.from({ length: first.stored }, (_, i) => long(i)));

    rmSync(ballast);
    const answers = (await store.commit([say(conversation, long(first.stored))])) as Appended[];
    expect(answers).toMatchObject([{ ok: true, seq: first.stored + 1, duplicate: false }]);
    const second = await fill((batch) => store.commit(batch), conversation, first.stored + 1);
    expect(second.failure).toMatchObject(full);
    expect(second.stored).toBeGreaterThan(first.stored + 50);
    expect(await texts()).toEqual(Array.from({ length: second.stored }, (_, i) => long(i)));
    await store.close();

    // A start needs a little room for its own note; without it, it says so.
    const folder = openDataFolder(data);
    const again = await open(folder).catch((error: unknown) => error);
    if (again instanceof SqliteStore) await again.close();
    else {
      expect(String(again)).toMatch(/full/);
      folder.release();
    }
  });
});

test("[D1] a batch that does not fit is not stored, not even in part, and the next one that fits is", async () => {
  await inFolder(async (folder) => {
    const { db } = openForWriting(join(folder, "skep.db"), null, () => "epoch", 0);
    const writes = new Writes(db);
    const [made] = writes.commit([create]) as Created[];
    const conversation = made?.conversation ?? 0;
    const pages = db.prepare<{ page_count: number }>("PRAGMA page_count").get()?.page_count ?? 0;
    db.exec(`PRAGMA max_page_count = ${pages + 40}`);
    const { stored, failure } = await fill((batch) => writes.commit(batch), conversation, 0);
    expect(stored).toBeGreaterThan(0);
    expect(failure).toMatchObject(full);
    const texts = (): string[] => new Reads(db).messages(conversation, { after: 0, limit: 9999 }).messages.map((message) => message.text);
    expect(texts()).toEqual(Array.from({ length: stored }, (_, i) => long(i)));
    db.exec(`PRAGMA max_page_count = ${pages + 4000}`);
    expect(writes.commit([say(conversation, long(stored))])).toMatchObject([{ ok: true, seq: stored + 1, duplicate: false }]);
    expect(new Reads(db).pendingTurns(0, 9999)).toHaveLength(stored + 1);
    db.close();
  });
});
