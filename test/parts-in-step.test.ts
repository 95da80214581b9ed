/** The server's parts and the client's, against each other: whoever is told when, all have the same in the end. */
import * as fc from "fast-check";
import type { ServerMessage } from "@skep/protocol";
import { expect, test } from "vitest";
import { type ConversationInput, conversationFrom, conversationStep } from "../packages/client/src/conversation-state.ts";
import { AnswerParts } from "../packages/server/src/conversations/answer-parts.ts";

const conversation = "c1";
const text = fc.oneof(fc.constantFrom("bees ", "🐝", "\ud83d", "\udc1d", "\u202e", "蜂"), fc.string({ unit: "binary", maxLength: 400 }));
const id = fc.constantFrom("a", "b", "c", "d");
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("thought" as const), id, text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("tool" as const), id, text, output: fc.option(text) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("plan" as const), id, text }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("tell" as const), reader: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tell all" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("snapshot" as const), reader: fc.nat(2) }) },
);

test("[T6] [C4] readers that are told at any time, merged or in step, have the parts that are stored; and these are bounded", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), fc.constantFrom(300, 3000, 1_000_000), (acts, most) => {
      const parts = new AnswerParts(most);
      const readers = [0, 1, 2].map(() => {
        const begin: ConversationInput[] = [{ type: "subscribe" }, { type: "resumed", conversation, epoch: "e", from: 0, head: 0 }];
        return { version: 0, state: begin.reduce((state, input) => conversationStep(state, input).state, conversationFrom(null)) };
      });
      const tell = (reader: (typeof readers)[number] | undefined): void => {
        if (!reader || reader.version >= parts.version) return;
        for (const encoded of parts.changesFrom(reader.version, conversation, "t1", "s1")) {
          const step = conversationStep(reader.state, JSON.parse(encoded) as ServerMessage & { type: "part" | "thought" });
          expect(step.effects).toEqual([]);
          reader.state = step.state;
        }
        reader.version = parts.version;
      };
      for (const [at, one] of acts.entries()) {
        if (one.do === "thought") parts.thought(one.id, one.text, at);
        else if (one.do === "plan") parts.put({ type: "plan", id: one.id, steps: [{ text: one.text, state: "running" }] }, at);
        else if (one.do === "tool") {
          const tool = { type: "tool", id: one.id, title: one.text, tool: "other", state: "running" } as const;
          parts.put(one.output === null ? tool : { ...tool, output: one.output }, at);
        } else if (one.do === "tell") tell(readers[one.reader]);
        else if (one.do === "tell all") readers.forEach(tell);
        else {
          const reader = readers[one.reader];
          if (reader) reader.version = 0;
          tell(reader);
        }
      }
      readers.forEach(tell);
      const stored = parts.stored();
      for (const { state } of readers) expect(state.drafts.get("t1")?.parts ?? []).toEqual(JSON.parse(stored ?? "[]"));
      expect(Buffer.byteLength(stored ?? "")).toBeLessThan(most + 2000);
      expect((stored ?? "").isWellFormed()).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
