import fc from "fast-check";
import { expect, test } from "vitest";
import { Sticky } from "./sticky.ts";

test("[R-D3] a key keeps what it was dealt until that is no good, then gets another one and keeps that, also when the first is good again", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(3), fc.boolean()), { maxLength: 300 }), (steps) => {
      const sticky = new Sticky<number>(100);
      const dead = new Set<number>();
      const model = new Map<number, number>();
      let dealt = 0;
      const deal = (): number | null => {
        for (let i = 0; i < 4; i++) {
          const worker = dealt++ % 4;
          if (!dead.has(worker)) return worker;
        }
        return null;
      };
      for (const [key, worker, toggle] of steps) {
        if (toggle && !dead.delete(worker)) dead.add(worker);
        const got = sticky.of(String(key), (bound) => !dead.has(bound), deal);
        const before = model.get(key);
        if (got === null) expect(dead.size).toBe(4);
        else {
          expect(dead.has(got)).toBe(false);
          if (before !== undefined && !dead.has(before)) expect(got).toBe(before);
          model.set(key, got);
        }
      }
    }),
  );
});

test("[R-D3] only so many keys are remembered: the one that was not used for longest is forgotten", () => {
  const sticky = new Sticky<string>(3);
  const ask = (key: string): string | null =>
    sticky.of(
      key,
      () => true,
      () => `new ${key}`,
    );
  const known = (key: string): boolean => {
    let asked = false;
    sticky.of(
      key,
      () => true,
      () => {
        asked = true;
        return null;
      },
    );
    return !asked;
  };
  for (const key of ["a", "b", "c", "a", "d"]) ask(key);
  expect(sticky.size).toBe(3);
  expect(["a", "b", "c", "d"].filter(known)).toEqual(["a", "c", "d"]);
});
