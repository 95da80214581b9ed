import { expect, test } from "vitest";
import { BotHistory, botStepMs } from "./bot-history.ts";
import type { Gauges } from "./history.ts";
import { History, sampleMs, stepMs } from "./history.ts";
import { Ring } from "./ring.ts";

const start = 1_700_000_000_000;
const still: Gauges = { queued: 0, running: 0, controllerMb: 100, botsMb: 20, loopDelayMs: 1, connections: 2 };

/** A history whose clock is turned by the test. */
function kept() {
  const history = new History(start);
  let now = start;
  return {
    history,
    /** Takes so many samples, one every 5 s. `between` happens before each. */
    pass: (samples: number, between: (i: number) => void = () => {}, gauges: Partial<Gauges> = {}): void => {
      for (let i = 0; i < samples; i++) {
        between(i);
        now += sampleMs;
        history.sample(now, { ...still, ...gauges });
      }
    },
    move: (ms: number): void => {
      now += ms;
    },
    get now(): number {
      return now;
    },
  };
}

test("[R-G1] what was counted is in its step: messages a second, answers, failures, times", () => {
  const { history, pass } = kept();
  pass(1);
  pass(1, () => {
    for (let i = 0; i < 50; i++) history.accepted();
    for (let i = 1; i <= 100; i++) history.ended(false, i * 10);
    history.ended(true, 99_999);
    history.stored(2, 150);
  });
  pass(1);
  const series = history.series("15m", start + 3 * sampleMs);
  expect(series.at).toEqual([1, 2, 3].map((i) => start + i * sampleMs));
  expect(series.messagesPerSecond).toEqual([0, 10, 0]);
  expect(series.ended).toEqual([0, 101, 0]);
  expect(series.failed).toEqual([0, 1, 0]);
  // Within the 4.5 % of `Latency`; how long a failure took does not count.
  for (const [column, truth] of [
    ["answerP50", 500],
    ["answerP95", 950],
    ["answerP99", 990],
    ["storedP95", 2],
  ] as const) {
    expect(series[column][0]).toBeNull();
    expect(Math.abs((series[column][1] ?? 0) / truth - 1)).toBeLessThan(0.045);
  }
});

test.each(["15m", "1h", "24h"] as const)("%s: as many steps as the range has, and never more memory", (range) => {
  const { history, pass } = kept();
  pass(100 * 180);
  const steps = { "15m": 15 * 60_000, "1h": 3_600_000, "24h": 86_400_000 }[range] / stepMs(range);
  expect(steps).toBe(180);
  const { at, connections } = history.series(range, start + 100 * 180 * sampleMs);
  expect(at.length).toBeLessThanOrEqual(steps);
  expect(at.length).toBeGreaterThan(steps - 3);
  expect(at.every((one, i) => i === 0 || one > (at[i - 1] as number))).toBe(true);
  expect(connections.every((one) => one === 2)).toBe(true);
});

test("a long range shows the step that is under way; of what stands, the highest value of a step counts", () => {
  const { history, pass } = kept();
  pass(2, () => history.accepted());
  expect(history.series("24h", start + 2 * sampleMs)).toMatchObject({ at: [start + 2 * sampleMs], messagesPerSecond: [0.2] });
  pass(1, () => {}, { queued: 70 });
  pass(5);
  const hour = history.series("1h", start + 8 * sampleMs);
  expect(hour.at).toEqual([start + 4 * sampleMs, start + 8 * sampleMs]);
  expect(hour.queued).toEqual([70, 0]);
  expect(history.series("24h", start + 8 * sampleMs).queued).toEqual([70]);
});

test("quantiles of a long step are those of all its answers, not of its shorter steps'", () => {
  const { history, pass } = kept();
  pass(4, (i) => {
    // One slow answer in a quiet moment, a thousand quick ones in another.
    if (i === 0) history.ended(false, 10_000);
    if (i === 1) for (let n = 0; n < 1000; n++) history.ended(false, 10);
  });
  const [p99] = history.series("1h", start + 4 * sampleMs).answerP99;
  expect(p99).toBeLessThan(11);
});

test("the present figures are of five minutes (answers) and of one minute (messages)", () => {
  const { history, pass } = kept();
  pass(12, () => {
    for (let i = 0; i < 5; i++) history.accepted();
    history.ended(false, 100);
    history.ended(true, 1);
  });
  expect(history.recent()).toMatchObject({ messagesPerSecond: 1, turns: { ended: 24, failed: 12 } });
  pass(12);
  expect(history.recent()).toMatchObject({ messagesPerSecond: 0, turns: { ended: 24, failed: 12 } });
  expect(Math.abs((history.recent().answerMs.p95 ?? 0) / 100 - 1)).toBeLessThan(0.045);
  pass(5 * 12);
  expect(history.recent()).toEqual({
    messagesPerSecond: 0,
    answerMs: { p50: null, p95: null, p99: null },
    storedMs: { p50: null, p95: null, p99: null },
    turns: { ended: 0, failed: 0 },
  });
});

test("a machine that slept is a gap, and the rate afterwards is that of the whole gap; a clock that was set back breaks nothing", () => {
  const kit = kept();
  kit.pass(3);
  kit.move(600_000 - sampleMs);
  kit.pass(1, () => {
    for (let i = 0; i < 600; i++) kit.history.accepted();
  });
  const series = kit.history.series("15m", kit.now);
  expect(series.messagesPerSecond.at(-1)).toBe(1);
  expect((series.at.at(-1) ?? 0) - (series.at.at(-2) ?? 0)).toBe(600_000);
  kit.move(-3_600_000);
  kit.pass(2, () => kit.history.accepted());
  const after = kit.history.series("15m", kit.now);
  expect(after.at).toEqual([kit.now - sampleMs, kit.now]);
  expect(after.messagesPerSecond).toEqual([0.2, 0.2]);
});

test("bots: memory and answer times of an hour, each its own; who was removed is forgotten, who is new begins", () => {
  const history = new BotHistory();
  let now = start;
  const pass = (samples: number, bots: { name: string; memoryMb: number | null }[]): void => {
    for (let i = 0; i < samples; i++) history.sample((now += sampleMs), bots);
  };
  const [ada, bee] = [
    { name: "ada", memoryMb: 20 },
    { name: "bee", memoryMb: null },
  ];
  history.answered("ada", 1000);
  pass(8, [ada, bee]);
  history.answered("bee", 10);
  pass(1, [{ ...ada, memoryMb: 30 }, bee]);
  const read = history.read(now);
  expect(read.stepMs).toBe(botStepMs);
  expect(read.bots.map(({ name, memoryMb, at }) => ({ name, memoryMb, steps: at.length }))).toEqual([
    { name: "ada", memoryMb: [20, 30], steps: 2 },
    { name: "bee", memoryMb: [null, null], steps: 2 },
  ]);
  expect(read.bots[0]?.answerP95[0]).toBeGreaterThan(950);
  expect(read.bots[0]?.answerP95[1]).toBeNull();
  expect(history.read(now, "bee").bots.map(({ name }) => name)).toEqual(["bee"]);
  pass(1, [bee]);
  expect(history.read(now).bots.map(({ name }) => name)).toEqual(["bee"]);
  pass(8 * 200, [bee]);
  expect(history.read(now).bots[0]?.at.length).toBeLessThanOrEqual(91);
});

test("a ring gives what came after a moment, oldest first, and keeps so many rows", () => {
  const ring = new Ring(3, 1);
  expect(ring.after(0)).toEqual([]);
  for (let i = 1; i <= 5; i++) ring.push(i, [i * 10]);
  const values = (moment: number): number[] => ring.after(moment).map(({ at, values: [value = 0] }) => at * 1000 + value);
  expect(values(0)).toEqual([3030, 4040, 5050]);
  expect(values(3)).toEqual([4040, 5050]);
  expect(ring.after(0, 1)).toHaveLength(1);
});
