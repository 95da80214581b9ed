import { expect, test } from "vitest";
import { MessageRate } from "./message-rate.ts";

test("a minute's worth may come at once, then one at a time as it is refilled", () => {
  const rate = new MessageRate(60, 1000);
  for (let i = 0; i < 60; i++) expect(rate.take(1000)).toBe(0);
  expect(rate.take(1000)).toBe(1000);
  expect(rate.take(1500)).toBe(500);
  expect(rate.take(2000)).toBe(0);
  expect(rate.take(2000)).toBe(1000);
});

test("it never holds more than a minute's worth, and a clock that goes back gives nothing", () => {
  const rate = new MessageRate(60, 0);
  for (let i = 0; i < 60; i++) expect(rate.take(3_600_000)).toBe(0);
  expect(rate.take(3_600_000)).toBeGreaterThan(0);
  expect(rate.take(0)).toBeGreaterThan(0);
  expect(rate.take(3_601_000)).toBe(0);
});
