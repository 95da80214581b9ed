import fc from "fast-check";
import { expect, test } from "vitest";
import type { StoredMessage } from "../store/store.ts";
import { encode, encodeMessage, toMessage } from "./encode.ts";

const anyMessage = fc.record<StoredMessage>({
  id: fc.nat(),
  seq: fc.nat(),
  role: fc.constantFrom("person", "bot", "system"),
  author: fc.oneof(fc.constant("bee"), fc.string({ unit: "binary" })),
  key: fc.option(fc.string({ unit: "binary" })),
  text: fc.string({ unit: "binary" }),
  turn: fc.option(fc.nat()),
  outcome: fc.option(fc.constantFrom("completed", "cancelled", "failed")),
  parts: fc.option(
    fc
      .array(
        fc.record({
          at: fc.nat(),
          part: fc.record({ type: fc.constant("thought"), id: fc.string(), text: fc.string({ unit: "binary" }) }),
        }),
      )
      .map((parts) => JSON.stringify(parts)),
  ),
  files: fc.option(
    fc
      .array(fc.record({ id: fc.string(), name: fc.string({ unit: "binary" }), type: fc.string(), size: fc.nat() }))
      .map((files) => JSON.stringify(files)),
  ),
  createdAt: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});

test("[R-B4] the written-out encoding of a message is the plain one, whatever is in it", () => {
  fc.assert(
    fc.property(anyMessage, (stored) => {
      expect(encodeMessage("c1", stored, "bee")).toBe(
        encode({ type: "message", conversation: "c1", message: toMessage("c1", stored, "bee") }),
      );
    }),
    { numRuns: 1000 },
  );
});
