import { expect, test } from "vitest";
import { killRun } from "../packages/bench/src/kill/kill-run.ts";
import { seededRandom } from "../packages/bench/src/seeded-random.ts";
import { killSchedule } from "../packages/bench/src/kill/schedule.ts";

/** SKEP_KILL_SEED replays a run; `npm run kill -- --kills 200` is the long one. */
const seed = Number(process.env["SKEP_KILL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test("[K1] [K2] [K3] [O1] [O2] [O3] [B1] [B3] [D1] [R-A2] [R-A4] [R-C6] killed at random under load, nothing accepted is lost, doubled or reordered", async () => {
  console.log(`kill schedule: SKEP_KILL_SEED=${seed}`);
  const { findings, tally, kills } = await killRun({ kills: 10, seed, round: 10, servingMs: 900, settleMs: 30_000 });
  expect(findings, `SKEP_KILL_SEED=${seed}`).toEqual([]);
  expect(kills.serving + kills.starting + kills.stopping).toBe(10);
  // A run in which hardly anything happened shows nothing.
  expect(tally.accepted).toBeGreaterThan(100);
  expect(tally.cuts).toBeGreaterThan(10);
  expect(tally.answersCompleted).toBeGreaterThan(100);
}, 120_000);

test("a seed gives the same schedule again", () => {
  const schedule = (from: number): unknown => killSchedule(seededRandom(from).fork("schedule"), 50, 1000);
  expect(schedule(7)).toEqual(schedule(7));
  expect(schedule(7)).not.toEqual(schedule(8));
});
