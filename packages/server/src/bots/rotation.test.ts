import fc from "fast-check";
import { expect, test } from "vitest";
import { Rotation, smoothRound } from "./rotation.ts";

const all = (): boolean => true;
const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 });
const countOf = (picks: readonly (number | null)[], worker: number): number => picks.filter((pick) => pick === worker).length;

test("[R-D2] weights 50, 30 and 20 are dealt 5, 3 and 2 in every 10, smoothly", () => {
  const rotation = new Rotation([50, 30, 20]);
  const picks = Array.from({ length: 1000 }, () => rotation.next(all));
  expect(
    picks
      .slice(0, 10)
      .map((pick) => "ABC"[pick ?? 9])
      .join(""),
  ).toBe("ABCAABACBA");
  for (let from = 0; from + 10 <= picks.length; from++) {
    const ten = picks.slice(from, from + 10);
    expect([0, 1, 2].map((worker) => countOf(ten, worker))).toEqual([5, 3, 2]);
  }
});

test("[R-D2] whatever the weights are: exact over every round, wherever one begins to count; nobody is left out of one", () => {
  fc.assert(
    fc.property(weights, fc.nat(2000), (given, begin) => {
      const length = smoothRound(given).length;
      const rotation = new Rotation(given);
      for (let i = 0; i < begin % (length + 1); i++) rotation.next(all);
      const picks = Array.from({ length }, () => rotation.next(all));
      const sum = given.reduce((a, b) => a + b, 0);
      for (const [worker, weight] of given.entries()) expect(countOf(picks, worker)).toBe((weight * length) / sum);
    }),
  );
});

test("[R-D1] round robin: between two turns of a worker everybody else who was there all the time gets exactly one, while others come and go", () => {
  const steps = fc.array(fc.nat(0b1111111), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), steps, (workers, absences) => {
      const rotation = new Rotation(Array.from({ length: workers }, () => 1));
      const history: { pick: number | null; there: boolean[] }[] = [];
      for (const absence of absences) {
        const there = Array.from({ length: workers }, (_, i) => (absence & (1 << i)) === 0);
        history.push({ pick: rotation.next((i) => there[i] ?? false), there });
      }
      for (const [at, { pick, there: now }] of history.entries()) {
        if (pick === null) expect(now).not.toContain(true);
        else expect(now[pick]).toBe(true);
        const next = history.findIndex((later, i) => i > at && later.pick === pick);
        if (pick === null || next < 0) continue;
        const between = history.slice(at + 1, next);
        const there = (worker: number): boolean => history.slice(at, next + 1).every((one) => one.there[worker]);
        for (let other = 0; other < workers; other++) {
          const times = between.filter((one) => one.pick === other).length;
          if (other !== pick && there(other) && there(pick)) expect(times).toBe(1);
        }
      }
    }),
  );
});

test("[R-D2] the shares of those that stay are exact beside each other, whoever comes and goes", () => {
  fc.assert(
    fc.property(weights, fc.infiniteStream(fc.boolean()), (given, coin) => {
      // The first worker comes and goes at random; the others stay.
      const flickering = [...given, 1];
      const rotation = new Rotation(flickering);
      const counts = flickering.map(() => 0);
      const round = smoothRound(flickering);
      const stays = round.filter((worker) => worker !== 0).length;
      let left = stays * 3;
      while (left > 0) {
        const first = coin.next().value;
        const pick = rotation.next((i) => i > 0 || first) ?? 0;
        counts[pick] = (counts[pick] ?? 0) + 1;
        if (pick > 0) left--;
      }
      for (let worker = 1; worker < flickering.length; worker++) {
        expect(counts[worker]).toBe(3 * round.filter((one) => one === worker).length);
      }
    }),
    { numRuns: 50 },
  );
});

test("[R-D1] nobody there: nobody is chosen, and nobody loses its turn", () => {
  const rotation = new Rotation([1, 1]);
  expect(rotation.next(all)).toBe(0);
  expect(rotation.next(() => false)).toBeNull();
  expect(rotation.next(all)).toBe(1);
});
