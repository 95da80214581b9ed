import type { BotWorker } from "@skep/protocol";
import { expect, test } from "vitest";
import { parts, sharesOf, withWeights } from "./shares.ts";

const processes = (...names: string[]): BotWorker[] => names.map((name) => ({ name }) as BotWorker);
const gpu = { name: "gpu", weight: 3, count: 2, options: { url: "http://a" } };
const cpu = { weight: 2, count: 1, options: {} };

test("[R-D2] a share for each entry of the definition, several workers that are alike together; their parts make one", () => {
  const shares = sharesOf({ workers: [gpu, cpu], processes: processes("gpu-1", "gpu-2", "3") });
  expect(shares).toEqual([
    { name: "gpu-1 to gpu-2", weight: 3, count: 2 },
    { name: "3", weight: 2, count: 1 },
  ]);
  expect(parts(shares)).toEqual([0.75, 0.25]);
  expect(sharesOf({ workers: 2, processes: processes("1", "2") })).toEqual([
    { name: "1", weight: 1, count: 1 },
    { name: "2", weight: 1, count: 1 },
  ]);
});

test("other weights leave all else of the workers as it is; a number stays one while all are alike", () => {
  expect(withWeights([gpu, cpu], [10, 5])).toEqual([
    { ...gpu, weight: 10 },
    { ...cpu, weight: 5 },
  ]);
  expect(withWeights(2, [1, 1])).toBe(2);
  expect(withWeights(2, [4, 1])).toEqual([
    { weight: 4, count: 1, options: {} },
    { weight: 1, count: 1, options: {} },
  ]);
});
