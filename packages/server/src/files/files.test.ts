import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GroupCommit } from "../store/group-commit.ts";
import { openDataFolder } from "../store/sqlite/data-folder.ts";
import { SqliteStore } from "../store/sqlite/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { Time } from "../time.ts";
import { realTime } from "../time.ts";
import type { UploadedFile } from "./api.ts";
import { Files, unnamedForMs } from "./files.ts";

/** The machine may be busy. */
const patient = { timeout: 15_000 };

/** Time that a test moves. */
class MovedTime implements Time {
  #now = 1_700_000_000_000;
  #timers: { at: number; run: () => void }[] = [];
  now = (): number => this.#now;
  random = (): number => 0;
  soon = (run: () => void): void => realTime.soon(run);
  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((one) => one !== timer));
  };
  move(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
  }
}

interface Opened {
  files: Files;
  store: Store;
  commit: GroupCommit;
  errors: string[];
  upload(text: string): Promise<UploadedFile>;
  contents: () => string[];
  close(): Promise<void>;
}

const person = { id: "p", role: "owner" };
const bodyOf = async function* (...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
};

async function open(data: string, time: Time): Promise<Opened> {
  const store = await SqliteStore.open(openDataFolder(data), time.now, () => {});
  const commit = new GroupCommit({ store, time });
  const errors: string[] = [];
  const folder = join(data, "files");
  const files = new Files({ store, commit, time, folder, filesBytes: 1e9, onError: (reason) => errors.push(reason) });
  return {
    files,
    store,
    commit,
    errors,
    upload: (text) => files.upload(person, { name: "a", type: "text/plain", length: null, body: bodyOf(Buffer.from(text)) }),
    contents: () => readdirSync(folder).toSorted(),
    close: async () => {
      files.close();
      await store.close();
    },
  };
}

async function inFolder(run: (data: string) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "skep-files-"));
  try {
    await run(data);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

test("[D6] a file that no message names is gone after an hour and not before; one that is named stays", async () => {
  await inFolder(async (data) => {
    const time = new MovedTime();
    const o = await open(data, time);
    const [named, unnamed] = [await o.upload("named"), await o.upload("unnamed")];
    const made = await o.commit.add({ op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 });
    const said = { op: "append", person: "p", key: null, sender: "", n: null, text: "", bot: null, at: 0 } as const;
    await o.commit.add({ ...said, conversation: made.conversation, files: [named.id] });
    time.move(unnamedForMs / 2);
    const later = await o.upload("later");
    time.move(unnamedForMs / 2);
    await o.commit.idle();
    expect(await o.store.file(unnamed.id, "p")).not.toBeNull();
    time.move(2);
    await expect.poll(o.contents, patient).toEqual([named.sha256, later.sha256].toSorted());
    expect(await o.store.file(unnamed.id, "p")).toBeNull();
    time.move(unnamedForMs / 2);
    await expect.poll(o.contents, patient).toEqual([named.sha256]);
    expect(o.errors).toEqual([]);
    await o.close();
  });
});

test("[D6] what a crash has left between two steps, the next start takes away: half an upload, bytes without a row, a row that is too old", async () => {
  await inFolder(async (data) => {
    const time = new MovedTime();
    const first = await open(data, time);
    const [kept, old] = [await first.upload("kept"), await first.upload("old")];
    await first.close();
    const folder = join(data, "files");
    const orphan = "0".repeat(64);
    writeFileSync(join(folder, orphan), "bytes without a row");
    writeFileSync(join(folder, "1234.part"), "half");
    const second = await open(data, time);
    await second.files.run();
    expect(second.contents()).toEqual([kept.sha256, old.sha256].toSorted());
    await second.close();
    time.move(unnamedForMs + 1);
    const third = await open(data, time);
    await third.files.run();
    expect(third.contents()).toEqual([]);
    expect(await third.store.oldestUnnamedFile()).toBeNull();
    await third.close();
  });
});

test("[D6] a content that is uploaded while its last file goes is there in the end, whichever comes first", async () => {
  await inFolder(async (data) => {
    const o = await open(data, realTime);
    for (let i = 0; i < 30; i++) {
      const file = await o.upload(`content ${i}`);
      const made = await o.commit.add({ op: "create-conversation", publicId: `c${i}`, bot: "b", person: "p", title: "t", at: 0 });
      const { conversation } = made;
      const said = { op: "append", conversation, person: "p", key: null, sender: "", n: null, text: "", bot: null, at: 0 } as const;
      await o.commit.add({ ...said, files: [file.id] });
      const erased = o.commit.add({ op: "delete-conversation", conversation }).then((freed) => o.files.freed(freed));
      const [again] = await Promise.all([o.upload(`content ${i}`), erased]);
      expect(o.contents()).toContain(again.sha256);
      const { body } = await o.files.open(person, again.id);
      expect(Buffer.concat(await body.toArray()).toString()).toBe(`content ${i}`);
    }
    await o.close();
  });
});

test("[R-B2] a piece of an upload is asked for when the one before is on its way to the disk: never more than that is in memory", async () => {
  await inFolder(async (data) => {
    const o = await open(data, realTime);
    const size = 64 * 1024;
    const written: number[] = [];
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20; i++) {
        const [part] = readdirSync(join(data, "files"));
        written.push(statSync(join(data, "files", part ?? "")).size);
        yield Buffer.alloc(size, i);
      }
    };
    await o.files.upload(person, { name: "a", type: "", length: null, body: pieces() });
    expect(written).toEqual(Array.from({ length: 20 }, (_, i) => i * size));
    await o.close();
  });
});

const canMount = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" }).status === 0;
})();

test.runIf(canMount)(
  "[D1] a full disk refuses an upload with the reason, leaves nothing of it, and takes the next one when there is room",
  async () => {
    await inFolder(async (folder) => {
      const disk = join(folder, "disk");
      mkdirSync(disk);
      expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", disk]).status).toBe(0);
      try {
        const o = await open(join(disk, "data"), realTime);
        await o.upload("first");
        writeFileSync(join(disk, "ballast"), Buffer.alloc(6_000_000));
        const pieces = Array.from({ length: 60 }, (_, i) => Buffer.alloc(64 * 1024, i));
        const large = { name: "a", type: "", length: null };
        await expect(o.files.upload(person, { ...large, body: bodyOf(...pieces) })).rejects.toMatchObject({
          code: "store_full",
          message: expect.stringContaining("disk is full") as string,
        });
        expect(o.contents()).toHaveLength(1);
        rmSync(join(disk, "ballast"));
        expect(await o.files.upload(person, { ...large, body: bodyOf(...pieces) })).toMatchObject({ size: 60 * 64 * 1024 });
        await o.close();
      } finally {
        spawnSync("umount", ["--lazy", disk]);
      }
    });
  },
);
