import fc from "fast-check";
import { expect, test } from "vitest";
import { RowHeights } from "./row-heights.ts";

test("sums and places are those of a plain list of heights, whatever is measured, added and taken away", () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant("set" as const), row: fc.nat(3000), height: fc.integer({ min: 1, max: 900 }) }),
    fc.record({ type: fc.constant("resize" as const), count: fc.nat(3000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(200_000), (steps, y) => {
      const heights = new RowHeights(80);
      let plain: number[] = [];
      for (const one of steps) {
        if (one.type === "set") {
          heights.set(one.row, one.height);
          if (one.row < plain.length) plain[one.row] = one.height;
        } else {
          heights.resize(one.count);
          plain = Array.from({ length: one.count }, (_, row) => plain[row] ?? 80);
        }
      }
      const total = plain.reduce((sum, height) => sum + height, 0);
      expect(heights.total).toBe(total);
      let row = 0;
      let above = 0;
      while (row < plain.length - 1 && above + (plain[row] ?? 0) <= y) above += plain[row++] ?? 0;
      expect(heights.rowAt(y)).toBe(row);
      if (plain.length > 0) expect(heights.offset(row)).toBe(above);
    }),
    { numRuns: 300 },
  );
});
