import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { OutboxRecord } from "../outbox.ts";
import { fileStorage } from "./file-storage.ts";

const folder = mkdtempSync(join(tmpdir(), "skep-outbox-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => join(folder, `${++files}.outbox`);

const recordOf = (...texts: string[]): OutboxRecord => ({
  sender: "s1",
  lanes: { c1: { next: 3, sends: texts.map((text) => ({ key: `key of ${text}`, text })) } },
});

test("[K2] what was saved is there when the file is opened again, in order", () => {
  const file = newFile();
  const first = fileStorage(file);
  expect(first.load()).toBeNull();
  first.save(recordOf("one"));
  first.save(recordOf("one", "two 🐝", "three\0\n"));
  first.save(recordOf("two 🐝", "three\0\n", "four"));
  first.close();
  const second = fileStorage(file);
  expect(second.load()).toEqual(recordOf("two 🐝", "three\0\n", "four"));
  second.save(recordOf("four", "five"));
  second.close();
  const third = fileStorage(file);
  expect(third.load()).toEqual(recordOf("four", "five"));
  third.close();
});

/** Lanes as an outbox changes them: each grows at its end, and loses sends anywhere. */
const change = fc.record({
  lane: fc.constantFrom("c1", "c2", "c3"),
  add: fc.nat(3),
  drop: fc.array(fc.nat(20), { maxLength: 3 }),
  next: fc.nat(5),
});

test("[K2] after any changes the file holds the last of them", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 6, arbitrary: change }, { weight: 1, arbitrary: fc.constant("reopen" as const) })), (steps) => {
      const file = newFile();
      let storage = fileStorage(file);
      expect(storage.load()).toBeNull();
      let record: OutboxRecord = { sender: "s1", lanes: {} };
      storage.save(record);
      let keys = 0;
      for (const step of steps) {
        if (step === "reopen") {
          storage.close();
          storage = fileStorage(file);
          expect(storage.load()).toEqual(record);
          continue;
        }
        const before = record.lanes[step.lane] ?? { next: 1, sends: [] };
        const sends = before.sends.filter((_, i) => !step.drop.includes(i));
        for (let i = 0; i < step.add; i++) sends.push({ key: `k${++keys}`, text: `text ${keys}` });
        record = { ...record, lanes: { ...record.lanes, [step.lane]: { next: before.next + step.next, sends } } };
        storage.save(record);
      }
      storage.close();
      storage = fileStorage(file);
      expect(storage.load()).toEqual(record);
      storage.close();
    }),
    { numRuns: 60 },
  );
});

test("[K2] a file belongs to one process at a time, and is free again when that is killed", async () => {
  const file = newFile();
  const program = `const { fileStorage } = await import(${JSON.stringify(import.meta.resolve("./file-storage.ts"))});
    fileStorage(${JSON.stringify(file)}).save({ sender: "s1", lanes: { c1: { next: 1, sends: [{ key: "k", text: "of the other" }] } } });
    console.log("saved"); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(other, "exit");
  await once(other.stdout, "data");
  expect(() => fileStorage(file)).toThrow(`The outbox ${file} is in use by another process; give each process a file of its own.`);
  other.kill("SIGKILL");
  await ended;
  const storage = fileStorage(file);
  expect(storage.load()).toMatchObject({ lanes: { c1: { sends: [{ text: "of the other" }] } } });
  storage.close();
});

test("a file of a newer format is refused, and stays as it is", () => {
  const file = newFile();
  const newer = new DatabaseSync(file);
  newer.exec("PRAGMA user_version = 7");
  newer.close();
  expect(() => fileStorage(file)).toThrow("was written by a newer @skep/client (format 7)");
  const still = new DatabaseSync(file);
  expect(still.prepare("PRAGMA user_version").get()).toEqual({ user_version: 7 });
  still.close();
});

test("what could not be saved is reported, and saved by the next save that can", () => {
  const file = newFile();
  const errors: Error[] = [];
  const storage = fileStorage(file, { onError: (error) => errors.push(error) });
  storage.load();
  const impossible = { ...recordOf("one"), lanes: { c1: { next: {} as number, sends: [{ key: "key of one", text: "one" }] } } };
  storage.save(impossible);
  expect(errors).toHaveLength(1);
  storage.save(recordOf("one", "two"));
  expect(errors).toHaveLength(1);
  storage.close();
  const again = fileStorage(file);
  expect(again.load()).toEqual(recordOf("one", "two"));
  again.close();
});

test("a file that cannot be opened is an error at once", () => {
  const file = join(folder, "missing", "x.outbox");
  expect(() => fileStorage(file)).toThrow(/unable to open database file/);
  expect(existsSync(file)).toBe(false);
});
