import { expect, test } from "vitest";
import { pathOf } from "./sparkline.tsx";

test("a line goes from left to right, from zero up; where nothing was measured it has a hole", () => {
  expect(pathOf([], 0)).toBe("");
  expect(pathOf([null, null], 0)).toBe("");
  const path = pathOf([10, 20, null, 20, 0], 20);
  expect(path).toBe("M94.4 14.4H95.6L96.7 4.8M97.8 4.8H98.9L100 24");
  // More than an hour is cut at its beginning.
  expect(pathOf([99, ...Array.from({ length: 90 }, () => 0)], 0)).toMatch(/^M0 24H1\.1L/);
});
