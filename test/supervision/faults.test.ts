import { expect, test } from "vitest";
import { hangs } from "../../packages/bench/src/faults/hangs.ts";
import { kills } from "../../packages/bench/src/faults/kills.ts";
import { pressure } from "../../packages/bench/src/faults/pressure.ts";
import { restarts } from "../../packages/bench/src/faults/restarts.ts";
import { strays } from "../../packages/bench/src/faults/strays.ts";
import type { FaultRun } from "../../packages/bench/src/faults/fault-run.ts";

/** SKEP_FAULTS=100 makes each fault so often; `npm run faults` as often as the requirements say, with the bounds. */
const times = (few: number): number => Number(process.env["SKEP_FAULTS"] ?? few);

/** The figures of a busy machine are not judged here, but for those that count things. */
async function run(faultRun: FaultRun, few: number): Promise<Map<string, number>> {
  const { figures, faults } = await faultRun.run({ times: times(few) }, () => {});
  expect(faults).toEqual([]);
  for (const { name, value, unit } of figures) console.log(`${faultRun.name}: ${name} ${Math.round(value)} ${unit}`);
  return new Map(figures.map(({ name, value }) => [name, value]));
}

test("[R-C3] a bot killed in mid-answer: readers are told, and every message has exactly one answer", async () => {
  const figures = await run(kills, 10);
  expect(figures.get("answer complete, p50")).toBeLessThan(2000);
});

test("[R-C4] a bot that hangs is seen and replaced, and its turn is done again", async () => {
  const figures = await run(hangs, 4);
  expect(figures.get("seen, p50")).toBeLessThan(3000);
});

test.runIf(process.platform === "linux")("[R-C10] restarts leave no file handles and no processes behind", async () => {
  const figures = await run(restarts, 20);
  expect(figures.get("file handles more than after a tenth")).toBeLessThanOrEqual(2);
  expect(figures.get("processes more than after a tenth")).toBeLessThanOrEqual(0);
});

test("[B7] [R-C6] the controller is killed with -9 while bots have children that left their group: none is there after the next start", async () => {
  const figures = await run(strays, 4);
  expect(figures.get("there after the next start")).toBe(0);
  // Otherwise there was nothing to find.
  expect(figures.get("left behind by one kill, at most")).toBeGreaterThan(4);
});

test.runIf(process.platform === "linux")(
  "[R-C9] controller and five bots stay inside 256 MB, also when one of them takes too much",
  async () => {
    const figures = await run(pressure, 300);
    expect(figures.get("controller and five bots, at most")).toBeLessThan(256);
  },
);
