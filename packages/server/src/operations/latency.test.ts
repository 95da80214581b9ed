import fc from "fast-check";
import { expect, test } from "vitest";
import { Latency } from "./latency.ts";

const exact = (sorted: readonly number[], share: number): number => sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] as number;

test("[R-G1] quantiles are at most 4.5 % beside the true ones, whatever was measured", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.2, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.95, 0.99),
      (times, share) => {
        const latency = new Latency();
        for (const ms of times) latency.record(ms);
        const truth = exact(
          times.toSorted((a, b) => a - b),
          share,
        );
        expect(Math.abs(latency.quantile(share) / truth - 1)).toBeLessThan(0.045);
      },
    ),
  );
});

test("two that are added together are as one that has heard all; many times at once count as many", () => {
  const [one, other, both] = [new Latency(), new Latency(), new Latency()];
  for (const [latency, ms, times] of [
    [one, 3, 10],
    [other, 700, 5],
  ] as const) {
    latency.record(ms, times);
    for (let i = 0; i < times; i++) both.record(ms);
  }
  one.add(other);
  expect(one.total).toBe(15);
  for (const share of [0.5, 0.66, 0.67, 0.99]) expect(one.quantile(share)).toBe(both.quantile(share));
});

test("nothing measured is no figure; what is below or beyond the buckets counts in the first or the last", () => {
  const latency = new Latency();
  expect(latency.quantile(0.5)).toBeNaN();
  latency.record(0);
  expect(latency.quantile(0.5)).toBeLessThan(0.2);
  latency.clear();
  latency.record(10 ** 12);
  expect(latency.quantile(0.5)).toBeGreaterThan(1_000_000);
  latency.clear();
  expect([latency.total, latency.quantile(0.5)]).toEqual([0, Number.NaN]);
});
