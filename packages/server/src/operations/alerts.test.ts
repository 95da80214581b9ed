import type { CapacityUse } from "@skep/protocol";
import { describe, expect, test } from "vitest";
import type { BotSituation, Finding, Situation } from "./alerts.ts";
import { findAlerts } from "./alerts.ts";

const none = { p50: null, p95: null, p99: null };
const well: Situation = {
  storeFailed: null,
  answerMs: none,
  storedMs: none,
  loopDelayMs: 3,
  turns: { ended: 0, failed: 0 },
  capacity: [],
  bots: [],
};
const ada: BotSituation = { name: "ada", state: "ready", reason: "", down: null, workers: 2, failedWorkers: 0, largest: null };
const limits = { delayMs: 500, answerMs: 0 };
const find = (situation: Partial<Situation>, standing: string[] = [], given = limits): Finding[] =>
  findAlerts({ ...well, ...situation }, given, new Set(standing));
const ids = (situation: Partial<Situation>, standing: string[] = [], given = limits): string[] =>
  find(situation, standing, given).map(({ id }) => id);
const use = (what: CapacityUse["what"], used: number, limit: number, bot?: string): Partial<Situation> => ({
  capacity: [{ what, used, limit, ...(bot === undefined ? {} : { bot }) }],
});

test("[R-G1] where all is well, nothing is said", () => {
  expect(find({ bots: [ada] })).toEqual([]);
  expect(find({ ...use("places", 0, 0, "ada"), bots: [{ ...ada, state: "stopped" }] })).toEqual([]);
});

describe("[R-G1] a limit that is passed is an alert, and one that is just kept is none", () => {
  test.each([
    ["storing over 500 ms", { storedMs: { ...none, p95: 501 } }, { storedMs: { ...none, p95: 500 } }, "delay"],
    ["an event loop late by over 500 ms", { loopDelayMs: 501 }, { loopDelayMs: 500 }, "delay"],
    ["memory over 80 %", use("memory", 801, 1000), use("memory", 800, 1000), "memory"],
    ["failures over 1 %", { turns: { ended: 199, failed: 2 } }, { turns: { ended: 200, failed: 2 } }, "errors"],
    ["[R-G10] 70 % of a bot's places", use("places", 8, 11, "ada"), use("places", 7, 10, "ada"), "places:ada"],
    ["[R-G10] 70 % of a queue", use("queue", 7001, 10_000, "ada"), use("queue", 7000, 10_000, "ada"), "queue:ada"],
    ["[R-G10] 70 % of what may wait for the disk", use("store-queue", 36_000, 50_000), use("store-queue", 35_000, 50_000), "store-queue"],
    ["less than 2 GB of a large disk", use("disk", 498.1e9, 500e9), use("disk", 497.9e9, 500e9), "disk"],
    ["[R-G10] 70 % of a small disk", use("disk", 2.9e9, 4e9), use("disk", 2.7e9, 4e9), "disk"],
    [
      "a worker over 80 % of its memory",
      { bots: [{ ...ada, largest: { name: "1", memoryMb: 81, limitMb: 100 } }] },
      { bots: [{ ...ada, largest: { name: "1", memoryMb: 80, limitMb: 100 } }] },
      "worker-memory:ada",
    ],
  ] as [string, Partial<Situation>, Partial<Situation>, string][])("%s", (_, over, kept, id) => {
    expect(ids(over)).toEqual([id]);
    expect(ids(kept)).toEqual([]);
  });
});

test("how long whole answers take is an alert only where somebody has said what is too long: models differ", () => {
  const slow = { answerMs: { ...none, p95: 20_000 } };
  expect(ids(slow)).toEqual([]);
  expect(find(slow, [], { ...limits, answerMs: 10_000 })).toMatchObject([{ id: "answers", title: expect.stringContaining("20.0 s") }]);
  expect(ids({ storedMs: { ...none, p95: 9000 }, loopDelayMs: 9000 }, [], { delayMs: 0, answerMs: 0 })).toEqual([]);
});

test("an alert that stands goes when its figure is a tenth below the limit: it does not come and go", () => {
  for (const [id, near, far] of [
    ["memory", use("memory", 730, 1000), use("memory", 710, 1000)],
    ["disk", use("disk", 97.9e9, 100e9), use("disk", 97.7e9, 100e9)],
    ["delay", { storedMs: { ...none, p95: 460 } }, { storedMs: { ...none, p95: 440 } }],
  ] as [string, Partial<Situation>, Partial<Situation>][]) {
    expect(ids(near)).toEqual([]);
    expect(ids(near, [id])).toEqual([id]);
    expect(ids(far, [id])).toEqual([]);
  }
});

test("bots that need somebody: failed, ended for good, to be signed in, some of the workers", () => {
  const found = find({
    bots: [
      { ...ada, failedWorkers: 1 },
      { ...ada, name: "bee", state: "failed", reason: "it crashed 10 times", down: "it crashed 10 times", failedWorkers: 2 },
      { ...ada, name: "cat", state: "login-needed", reason: "Run `agent login`." },
      { ...ada, name: "dog", state: "stopped", down: "exited", reason: "exited" },
      { ...ada, name: "elk", state: "stopped" },
    ],
  });
  expect(found.map(({ id, severity, bot }) => [id, severity, bot])).toEqual([
    ["bot-failed:bee", "critical", "bee"],
    ["bot-login:cat", "critical", "cat"],
    ["bot-failed:dog", "critical", "dog"],
    ["workers-failed:ada", "warning", "ada"],
  ]);
  expect(found[0]).toMatchObject({ title: "bee has failed: it crashed 10 times.", advice: expect.stringContaining("skep bot why bee") });
  expect(found[1]?.advice).toContain("Run `agent login`.");
});

test("[D1] a store that takes no writes comes first, and says whether the disk is full or broken", () => {
  const full = find({ storeFailed: { reason: "", full: true }, turns: { ended: 1, failed: 1 } });
  expect(full.map(({ id }) => id)).toEqual(["store", "errors"]);
  expect(full[0]?.advice).toMatch(/make room/i);
  expect(find({ storeFailed: { reason: "disk I/O error", full: false } })[0]).toMatchObject({
    title: "The store takes no writes: disk I/O error",
    advice: expect.stringContaining("restart Skep"),
  });
});

test("every alert says what is the case and what to do, as sentences", () => {
  const all = find({
    storeFailed: { reason: "gone", full: true },
    storedMs: { ...none, p95: 1500 },
    turns: { ended: 3, failed: 1 },
    capacity: [
      { what: "memory", used: 900, limit: 1000 },
      { what: "disk", used: 99.9e9, limit: 100e9 },
      { what: "store-queue", used: 50_000, limit: 50_000 },
      { what: "places", bot: "ada", used: 16, limit: 16 },
      { what: "queue", bot: "ada", used: 9500, limit: 10_000 },
    ],
    bots: [{ ...ada, failedWorkers: 1, largest: { name: "1", memoryMb: 95, limitMb: 100 } }],
  });
  expect(all).toHaveLength(10);
  for (const { title, advice } of all) {
    expect(title).toMatch(/^[\p{L}\d].*\d|full/u);
    expect(title).toMatch(/[.:)].*$/);
    expect(advice).toMatch(/^[A-Z].*\.$/);
  }
});
