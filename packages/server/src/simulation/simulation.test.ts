import fc from "fast-check";
import { expect, test } from "vitest";
import { simulate } from "./simulation.ts";

/** Thousands by hand: SKEP_SCHEDULES=5000 npx vitest run simulation. A failing seed replays: SKEP_SEED=… */
const schedules = Number(process.env["SKEP_SCHEDULES"] ?? 150);
const replay = process.env["SKEP_SEED"];

test("[O1 O2 O3 K1 K3 S1 S2 T1 T2 B1 B2 B3 D1] whatever is cut, killed or hangs, everything accepted is there once, in order, answered once", async () => {
  if (replay !== undefined) {
    expect((await simulate(Number(replay))).broken).toEqual([]);
    return;
  }
  let kills = 0;
  let cuts = 0;
  let messages = 0;
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), async (seed) => {
      const result = await simulate(seed);
      kills += result.kills;
      cuts += result.cuts;
      messages += result.messages;
      expect(result.broken, `replay with SKEP_SEED=${seed}`).toEqual([]);
    }),
    { numRuns: schedules },
  );
  console.log(`${schedules} schedules: ${kills} kills, ${cuts} cuts, ${messages} messages`);
  expect(kills).toBeGreaterThan(0);
}, 1_800_000);
