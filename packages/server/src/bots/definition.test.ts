import { Refusal, botCreateSchema, botLimitsSchema, botPatchSchema, parseWith } from "@skep/protocol";
import { describe, expect, test } from "vitest";
import { changedDefinition, newDefinition, storedDefinition, storedPlans } from "./definition.ts";
import type { Definition } from "./definition.ts";
import { kinds } from "./kinds/index.ts";
import type { Kind } from "./kinds/kind.ts";

const ollama = kinds.get("ollama") as Kind;
const define = (fields: object): Definition =>
  newDefinition(ollama, parseWith(botCreateSchema, { name: "bee", kind: "ollama", ...fields }));
const refused = (fields: object): [string | undefined, string] => {
  try {
    define(fields);
  } catch (error) {
    if (error instanceof Refusal) return [error.extra.field, error.message];
    throw error;
  }
  throw new Error("was not refused");
};

test("[R-D2] three hosts with weights: each worker has the bot's options and its own over them", () => {
  const definition = define({
    options: { model: "llama3.2", system: "You are a bee." },
    workers: [
      { name: "attic", weight: 50, options: { url: "http://10.0.0.7:11434" } },
      { name: "desk", weight: 30, options: { url: "http://10.0.0.8:11434", model: "llama3.2:1b" } },
      { weight: 20, count: 2 },
    ],
    balance: "weighted",
  });
  const plans = storedPlans(ollama, definition);
  expect(plans.map(({ name, weight, options }) => [name, weight, options["url"], options["model"], options["system"]])).toEqual([
    ["attic", 50, "http://10.0.0.7:11434", "llama3.2", "You are a bee."],
    ["desk", 30, "http://10.0.0.8:11434", "llama3.2:1b", "You are a bee."],
    ["3", 20, "http://127.0.0.1:11434", "llama3.2", "You are a bee."],
    ["4", 20, "http://127.0.0.1:11434", "llama3.2", "You are a bee."],
  ]);
  expect(storedDefinition(JSON.stringify(definition))).toEqual(definition);
});

test("a definition that was stored before workers had specs still loads, with the defaults of what came later", () => {
  const stored = {
    options: { model: "m", url: "http://x" },
    workers: 3,
    restart: { policy: "never", maxRestarts: 1, windowMs: 1000 },
    limits: { concurrency: 2, queue: 3, turnMs: 1000, attempts: 4, answerBytes: 5, delivery: "at-most-once" },
  };
  expect(storedDefinition(JSON.stringify(stored))).toEqual({
    ...stored,
    balance: "least-busy",
    fallback: [],
    drained: [],
    limits: botLimitsSchema.parse(stored.limits),
  });
});

describe("every mistake is refused by the name of its field, as it was written", () => {
  const options = { model: "m" };
  test.each<[object, string, string]>([
    [{ options, workers: 0 }, "workers", ">=1"],
    [{ options, workers: "two" }, "workers", "a number from 1 to 64, or a list"],
    [{ options, workers: [] }, "workers", ">=1"],
    [{ options, workers: [{ count: 40 }, { count: 25 }] }, "workers", "at most 64 workers"],
    [{ options, workers: [{ weight: 0 }] }, "workers.0.weight", ">=1"],
    [{ options, workers: [{}, { name: "two words" }] }, "workers.1.name", "letters"],
    [{ options, workers: [{}, { wieght: 1 }] }, "workers.1.wieght", "Unknown field"],
    [{ options, workers: [{ name: "a" }, { name: "a" }] }, "workers", 'two workers are named "a"'],
    [{ options, workers: [{ name: "2" }, {}] }, "workers", 'two workers are named "2"'],
    [{ options, workers: [{}, { options: { url: "ftp://x" } }] }, "workers.1.options.url", "http or https"],
    [{ options, workers: [{}, { options: { uri: "http://x" } }] }, "workers.1.options.uri", ""],
    [{ options: { ...options, url: "ftp://x" }, workers: [{}] }, "options.url", "http or https"],
    [{ options: {}, workers: [{ options: { model: "m" } }, {}] }, "options.model", ""],
    [{ options, balance: "fair" }, "balance", "least-busy"],
    [{ options, fallback: ["a", "a"] }, "fallback", "twice"],
    [{ options, limits: { perMinute: -1 } }, "limits.perMinute", ">=0"],
  ])("%j: %s", (fields, field, words) => {
    const [named, message] = refused(fields);
    expect(named).toBe(field);
    expect(message).toContain(words);
  });
});

test("a change keeps what it does not name; workers that are gone are no longer drained", () => {
  const before = { ...define({ options: { model: "m" }, workers: 3, balance: "round-robin" }), drained: ["1", "3"] };
  const after = changedDefinition(ollama, before, parseWith(botPatchSchema, { workers: 2, limits: { perMinute: 5 } }));
  expect(after).toMatchObject({ workers: 2, balance: "round-robin", drained: ["1"], options: { model: "m" } });
  expect(after.limits).toEqual({ ...before.limits, perMinute: 5 });
});
