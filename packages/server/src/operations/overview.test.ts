import type { Alert } from "@skep/protocol";
import { expect, test } from "vitest";
import { sampleMs } from "./history.ts";
import { watchLoopDelay } from "./loop-delay.ts";
import type { OverviewSources } from "./overview.ts";
import { memoryLimitMb, OverviewKeeper } from "./overview.ts";

const start = 1_700_000_000_000;

/** A keeper whose clock jumps from sample to sample, over a machine that the test describes. */
function kept(machine: Partial<OverviewSources> = {}) {
  let now = start;
  let next: (() => void) | null = null;
  const told: string[] = [];
  const keeper = new OverviewKeeper({
    time: {
      now: () => now,
      after: (ms, run) => {
        expect(ms).toBe(sampleMs);
        next = run;
        return () => (next = null);
      },
    },
    limits: { delayMs: 500, answerMs: 0 },
    memoryLimitMb: 1000,
    onAlert: ({ id }: Alert, what) => void told.push(`${id} ${what}`),
    sources: {
      connections: () => 3,
      waitingOperations: () => ({ used: 0, limit: 50_000 }),
      bots: () => [],
      placesOf: () => 0,
      down: () => null,
      storeBroken: () => null,
      memory: () => 100e6,
      loopDelayMs: () => 1,
      disk: async () => ({ size: 500e9, free: 400e9 }),
      ...machine,
    },
  });
  keeper.run();
  const pass = (samples: number): void => {
    for (let i = 0; i < samples; i++) {
      now += sampleMs;
      next?.();
    }
  };
  return { keeper, pass, told, waits: () => next !== null };
}

test("[R-G1] an alert keeps its beginning for as long as it stands; its beginning and its end are told once", () => {
  let memory = 100e6;
  const { keeper, pass, told } = kept({ memory: () => memory });
  pass(1);
  expect(keeper.read("15m").alerts).toEqual([]);
  memory = 850e6;
  pass(1);
  const since = new Date(start + 2 * sampleMs).toISOString();
  expect(keeper.read("15m").alerts).toMatchObject([{ id: "memory", since }]);
  // Just below the limit, it stands still.
  memory = 790e6;
  pass(5);
  expect(keeper.read("15m").alerts).toMatchObject([{ id: "memory", since, title: expect.stringContaining("790 MB of 1000 MB") }]);
  memory = 100e6;
  pass(2);
  expect(keeper.read("15m").alerts).toEqual([]);
  expect(told).toEqual(["memory begins", "memory ends"]);
});

test("[D1] a full disk is an alert until something is stored again; a store that has stopped is one for good", () => {
  let broken: string | null = null;
  const { keeper, pass, told } = kept({ storeBroken: () => broken });
  keeper.diskIsFull();
  pass(1);
  keeper.stored(3, 1);
  pass(1);
  expect(told).toEqual(["store begins", "store ends"]);
  broken = "disk I/O error";
  pass(1);
  expect(keeper.read("15m").alerts).toMatchObject([
    { id: "store", severity: "critical", title: expect.stringContaining("disk I/O error") },
  ]);
});

test("cancelled turns are neither answered nor failed; after its stop no more samples are taken", () => {
  const { keeper, pass, waits } = kept();
  keeper.turnEnded("completed", "ada", 100);
  keeper.turnEnded("cancelled", "ada", 100);
  keeper.turnEnded("failed", "ada", 100);
  pass(1);
  expect(keeper.read("15m").now).toMatchObject({
    turns: { ended: 2, failed: 1 },
    connections: 3,
    memoryMb: { controller: 100, bots: 0, limit: 1000 },
  });
  keeper.stop();
  expect(waits()).toBe(false);
});

test("the memory limit is what was configured, else what the machine or its container has", () => {
  expect(memoryLimitMb(512)).toBe(512);
  expect(memoryLimitMb(0)).toBeGreaterThan(50);
});

test("an event loop that was held up for 200 ms is late by so much, and the next reading begins anew", async () => {
  const delay = watchLoopDelay();
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
  try {
    await turn();
    const until = performance.now() + 200;
    while (performance.now() < until);
    await turn();
    expect(delay.read()).toBeGreaterThan(150);
    expect(delay.read()).toBe(0);
  } finally {
    delay.stop();
  }
});
