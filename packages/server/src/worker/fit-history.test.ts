import * as fc from "fast-check";
import { expect, test } from "vitest";
import { estimateTokens, fitHistory } from "./fit-history.ts";

const person = (text: string) => ({ role: "person" as const, author: "ann", text });
const bot = (text: string) => ({ role: "bot" as const, author: "bot", text });

test("everything, when it fits", () => {
  expect(fitHistory("be kind", [bot("welcome"), person("hi"), bot("hello")], "how are you?", 1000)).toEqual([
    { role: "system", content: "be kind" },
    { role: "assistant", content: "welcome" },
    { role: "user", content: "hi" },
    { role: "assistant", content: "hello" },
    { role: "user", content: "how are you?" },
  ]);
});

test("without a system prompt there is no system message", () => {
  expect(fitHistory("", [], "hi", 10)).toEqual([{ role: "user", content: "hi" }]);
});

test("the oldest are left out first; what is left begins with a person", () => {
  const history = [person("x".repeat(400)), bot("an answer to it"), person("short"), bot("yes")];
  expect(fitHistory("", history, "and now?", 60).map((message) => message.content)).toEqual(["short", "yes", "and now?"]);
});

test("system prompt and current message are kept, whatever they cost", () => {
  expect(fitHistory("s".repeat(1000), [person("hi")], "t".repeat(1000), 1)).toHaveLength(2);
});

test("bytes count, not characters", () => {
  expect(estimateTokens("你好你好")).toBe(7);
  expect(estimateTokens("abcd")).toBe(5);
});

test("never over the budget, always the newest, in order", () => {
  const entry = fc.record({ role: fc.constantFrom("person" as const, "bot" as const), author: fc.constant("a"), text: fc.string() });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), fc.integer({ min: 1, max: 100 }), (history, budget) => {
      const kept = fitHistory("", history, "now", budget).slice(0, -1);
      const cost = kept.reduce((sum, message) => sum + estimateTokens(message.content), estimateTokens("now"));
      if (kept.length > 0) expect(cost).toBeLessThanOrEqual(budget);
      expect(kept.map((message) => message.content)).toEqual(history.slice(history.length - kept.length).map((each) => each.text));
    }),
  );
});
