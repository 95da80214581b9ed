import { expect, test } from "vitest";
import { Allowance } from "./allowance.ts";

test("[B8] a burst is read at once; who goes on writes no faster than the rate on average", () => {
  const allowance = new Allowance({ burst: 1000, perSecond: 100 }, 0);
  expect(allowance.take(1000, 0)).toBe(0);
  expect(allowance.take(10, 0)).toBe(100);
  let now = 100;
  let read = 0;
  while (now < 60_000) {
    read += 7;
    now += allowance.take(7, now);
  }
  expect(read / (now / 1000)).toBeCloseTo(100, -1);
  // Left alone for long, it may have its burst again, and not more.
  now += 1_000_000;
  expect(allowance.take(1000, now)).toBe(0);
  expect(allowance.take(1, now)).toBe(10);
});

test("[B8] a clock that is set back gives nothing and takes nothing", () => {
  const allowance = new Allowance({ burst: 10, perSecond: 1000 }, 5000);
  expect(allowance.take(10, 0)).toBe(0);
  expect(allowance.take(1, 0)).toBe(1);
});
