import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoorUnderTest } from "../door-under-test.ts";
import { openDoor, problem } from "../door-under-test.ts";
import { botsOverviewShape, overviewShape } from "./overview-shapes.ts";
import { botShape } from "./shapes.ts";

let door: DoorUnderTest;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("the overview", () => {
  test.each(["15m", "1h", "24h"])("[R-G1] %s: every column is as long as the times", async (range) => {
    const answer = await door.ask("GET", `/api/overview?range=${range}`);
    expect(answer.status).toBe(200);
    const overview = overviewShape.strict().parse(answer.json);
    expect(overview.range).toBe(range);
    const { at, ...columns } = overview.series;
    for (const [name, column] of Object.entries(columns)) expect([name, column.length]).toEqual([name, at.length]);
  });

  test("[R-G1] real messages make the figures: accepted, answered, failed, stored; and the failure is an alert that says what to do", async () => {
    const id = await door.conversation();
    for (const text of ["one", "two", "three"]) await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, { body: { text } });
    await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, { body: { text: "/refuse" } });
    // The next sample has them.
    await expect
      .poll(async () => overviewShape.parse((await door.ask("GET", "/api/overview")).json).now.turns, { timeout: 15_000 })
      .toEqual({ ended: 4, failed: 1 });
    const { now, series, alerts, capacity } = overviewShape.parse((await door.ask("GET", "/api/overview?range=1h")).json);
    expect(now.messagesPerSecond).toBeGreaterThan(0);
    expect(series.ended.reduce<number>((sum, one) => sum + (one ?? 0), 0)).toBe(4);
    for (const { p50, p95, p99 } of [now.answerMs, now.storedMs]) {
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50 as number);
      expect(p99).toBeGreaterThanOrEqual(p95 as number);
    }
    expect(now.memoryMb.controller).toBeGreaterThan(20);
    expect(alerts.find(({ what }) => what === "errors")).toMatchObject({ severity: "warning", title: expect.stringContaining("1 of 4") });
    const bot = (await door.ask("GET", "/api/conversations/" + id)).json as { bot: string };
    expect(capacity).toContainEqual({ what: "places", bot: bot.bot, used: 0, limit: 16 });
    expect(capacity).toContainEqual({ what: "queue", bot: bot.bot, used: 0, limit: 10_000 });
    expect(capacity.map(({ what }) => what)).toEqual(expect.arrayContaining(["memory", "disk", "store-queue"]));

    const bots = botsOverviewShape.strict().parse((await door.ask("GET", `/api/overview/bots?bot=${bot.bot}`)).json);
    expect(bots.bots.map(({ name }) => name)).toEqual([bot.bot]);
    expect(bots.bots[0]?.answerP95.at(-1)).toBeGreaterThan(0);
  });

  test("[R-B5] only ranges and bots that there are", async () => {
    const range = await door.ask("GET", "/api/overview?range=1y");
    expect([range.status, problem(range).field]).toEqual([400, "range"]);
    expect((await door.ask("GET", "/api/overview?since=1")).status).toBe(400);
    expect((await door.ask("GET", "/api/overview/bots?bot=nobody")).status).toBe(404);
    expect((await door.ask("GET", "/api/overview", { unknown: true })).status).toBe(401);
    expect((await door.ask("GET", "/api/overview/bots", { unknown: true })).status).toBe(401);
  });
});

describe("weights", () => {
  const workers = (weights: number[]): object[] =>
    weights.map((weight, i) => ({ name: `w${i + 1}`, weight, options: { prefix: `w${i + 1}:` } }));
  const pids = (bot: unknown): (number | null)[] => botShape.parse(bot).processes.map(({ pid }) => pid);

  test("[R-D2] other weights and another balance leave the processes alone and count at once, also after the next change; other options start them anew", async () => {
    await door.ask("POST", "/api/bots", { body: { name: "shared", kind: "echo", workers: workers([1, 1]), balance: "weighted" } });
    await expect
      .poll(async () => botShape.parse((await door.ask("GET", "/api/bots/shared")).json).processes.map(({ state }) => state))
      .toEqual(["ready", "ready"]);
    const before = pids((await door.ask("GET", "/api/bots/shared")).json);
    const changed = await door.ask("PATCH", "/api/bots/shared", { body: { workers: workers([90, 10]) } });
    expect(changed.json).toMatchObject({ processes: [{ weight: 90 }, { weight: 10 }], workers: [{ weight: 90 }, { weight: 10 }] });
    expect(pids(changed.json)).toEqual(before);

    // Every ten messages of the fixed round: nine and one.
    const { id } = (await door.ask("POST", "/api/conversations", { body: { bot: "shared" } })).json as { id: string };
    const answers: string[] = [];
    for (let i = 0; i < 20; i++) {
      const { json } = await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, { body: { text: "hi" } });
      answers.push((json as { answer: { text: string } }).answer.text);
    }
    expect(["w1:hi", "w2:hi"].map((said) => answers.filter((text) => text === said).length)).toEqual([18, 2]);

    expect(pids((await door.ask("PATCH", "/api/bots/shared", { body: { balance: "least-busy" } })).json)).toEqual(before);
    expect((await door.ask("GET", "/api/bots/shared")).json).toMatchObject({
      balance: "least-busy",
      workers: [{ weight: 90 }, { weight: 10 }],
    });
    const anew = await door.ask("PATCH", "/api/bots/shared", { body: { limits: { concurrency: 2 } } });
    expect(pids(anew.json).some((pid) => before.includes(pid))).toBe(false);
  });

  test("workers that were a number get weights of their own, and go on", async () => {
    await door.ask("POST", "/api/bots", { body: { name: "alike", kind: "echo", workers: 2 } });
    const before = pids((await door.ask("GET", "/api/bots/alike")).json);
    const { json } = await door.ask("PATCH", "/api/bots/alike", { body: { workers: [{ weight: 3 }, { weight: 1 }] } });
    expect(json).toMatchObject({
      processes: [
        { name: "1", weight: 3 },
        { name: "2", weight: 1 },
      ],
    });
    expect(pids(json)).toEqual(before);
  });
});
