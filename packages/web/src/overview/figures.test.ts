import { expect, test } from "vitest";
import { alone, beginOf, bytes, count, duration, highest, megabytes, newest, nothing, percent, roundTop, withHoles } from "./figures.ts";

test("figures are short, with their unit, and what was not measured is a dash", () => {
  expect([0.42, 7.04, 345.6, 1234, 61_000, 600_000].map(duration)).toEqual(["0.42 ms", "7.04 ms", "346 ms", "1.23 s", "61 s", "10 min"]);
  expect([18.4, 999, 1234].map(megabytes)).toEqual(["18 MB", "999 MB", "1.23 GB"]);
  expect(bytes(98.4e9)).toBe("98.4 GB");
  expect([0, 0.004, 0.5, 1].map(percent)).toEqual(["0 %", "0.4 %", "50 %", "100 %"]);
  expect([0, 0.25, 12, 1234].map(count)).toEqual(["0", "0.25", "12", "1,234"]);
  for (const write of [duration, megabytes, percent, count]) expect([write(null), write(undefined)]).toEqual([nothing, nothing]);
});

test("where steps are missing there is a hole; one late step is none", () => {
  expect(withHoles([0, 10, 30, 100, 110], [[1, 2, 3, null, 5]], 10)).toEqual({
    at: [0, 10, 30, 40, 100, 110],
    columns: [[1, 2, 3, null, null, 5]],
  });
  expect(withHoles([], [[], []], 10)).toEqual({ at: [], columns: [[], []] });
});

test("the newest and the highest of a column pass over what was not measured", () => {
  expect([newest([1, 5, null]), highest([1, 5, null])]).toEqual([5, 5]);
  expect([newest([null]), highest([])]).toEqual([null, null]);
});

test("a value that stands alone is found, so that it can be drawn as a point", () => {
  expect(alone([1, null, 2, 3, undefined, 4])).toEqual([0, 5]);
  expect(alone([])).toEqual([]);
});

test("a plot begins with its range, or with the program where that is younger, and never shows less than a sixth of the range", () => {
  expect([beginOf(1000, 600, 0), beginOf(1000, 600, 600), beginOf(1000, 600, 990)]).toEqual([400, 600, 900]);
});

test("a plot's top is round, never below what is drawn, and stays while values move a little", () => {
  for (const most of [0, 0.3, 1, 9.9, 101, 480, 999, 12_345]) expect(roundTop(most, 1)).toBeGreaterThanOrEqual(most);
  expect([roundTop(0, 10), roundTop(101, 1), roundTop(104, 1), roundTop(480, 1)]).toEqual([10, 150, 150, 600]);
});
