import fc from "fast-check";
import { expect, test } from "vitest";
import type { Health } from "./health.ts";
import { afterFailure, failuresUntilOut, healthy, stateOf } from "./health.ts";

const failing = (times: number, from: Health = healthy, now = 0): Health => {
  let health = from;
  for (let i = 0; i < times; i++) health = afterFailure(health, now);
  return health;
};

test("[R-D5] a worker is out after three failures in a row, on trial after a second, and out for longer when the trial fails", () => {
  expect(stateOf(failing(failuresUntilOut - 1), 0)).toBe("in");
  let health = failing(failuresUntilOut);
  expect([0, 999, 1000].map((now) => stateOf(health, now))).toEqual(["out", "out", "trial"]);
  health = afterFailure(health, 1000);
  expect([1000, 2999, 3000].map((now) => stateOf(health, now))).toEqual(["out", "out", "trial"]);
});

test("[R-D5] turns that fail together take a worker out once: the pause does not grow by them", () => {
  expect(stateOf(failing(100), 1000)).toBe("trial");
});

test("[R-D5] the pause is never longer than a minute, and after it there is always a trial", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100_000), { maxLength: 200 }), (pauses) => {
      let health = healthy;
      let now = 1;
      for (const pause of pauses) {
        now += pause;
        health = afterFailure(health, now);
        expect(stateOf(health, now)).not.toBe("trial");
        expect(stateOf(health, now + 60_000)).not.toBe("out");
      }
    }),
  );
});
