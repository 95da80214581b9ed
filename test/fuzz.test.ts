import { expect, test } from "vitest";
import { fuzzRun } from "../packages/bench/src/fuzz/fuzz-run.ts";

/** SKEP_FUZZ_SEED replays a run; `npm run fuzz` is the long one. */
const seed = Number(process.env["SKEP_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test("[R-B5] [R-B6] malformed frames and requests, made from the schemas, neither end it nor make it fail or grow", async () => {
  console.log(`malformed input: SKEP_FUZZ_SEED=${seed}`);
  const { failures, alive, memoryMiB, statuses, connections } = await fuzzRun({ frames: 5000, requests: 2000, seed });
  expect(failures, `SKEP_FUZZ_SEED=${seed}`).toEqual([]);
  expect(alive).toBe(true);
  if (memoryMiB) expect(memoryMiB.after - memoryMiB.before).toBeLessThan(50);
  // A run in which hardly anything was understood shows nothing.
  for (const status of ["200", "400", "404", "415"]) expect(statuses[status] ?? 0, `answers with ${status}`).toBeGreaterThan(0);
  expect(connections).toBeGreaterThan(20);
}, 180_000);
