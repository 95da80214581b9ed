import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lineSplitter } from "./line-splitter.ts";

test("however text is chunked, the lines are the same", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 12 }), { maxLength: 20 }), (chunks) => {
      const lines = lineSplitter();
      const seen: string[] = [];
      for (const chunk of chunks) lines.push(chunk, (line) => seen.push(line));
      expect([...seen, lines.rest]).toEqual(chunks.join("").split("\n"));
    }),
  );
});
