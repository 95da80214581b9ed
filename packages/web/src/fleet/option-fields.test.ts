import { expect, test } from "vitest";
import { kinds } from "../../../server/src/bots/kinds/index.ts";
import { describeKind } from "../../../server/src/bots/kinds/kind.ts";
import { fieldsOf, inFront, optionsFrom } from "./option-fields.ts";

const all = [...kinds.values()].map((kind) => ({ kind, description: describeKind(kind) }));

test.each(all.map(({ kind, description }) => [description.name, kind, description] as const))(
  "of %s, every option has a field with words that explain it, and what must be given stands in front",
  (_, _kind, { options }) => {
    const fields = fieldsOf(options);
    expect(fields.length).toBeGreaterThan(0);
    expect(fields.filter(({ description }) => description === "")).toEqual([]);
    const front = inFront(fields);
    for (const field of fields.filter(({ required }) => required)) expect(front.has(field.name)).toBe(true);
  },
);

test("what is left empty is left out, the rest is read by its type, and what cannot be read is named", () => {
  const fields = fieldsOf({
    properties: {
      model: { type: "string" },
      temperature: { anyOf: [{ type: "number" }, { type: "null" }] },
      args: { type: "array", items: { type: "string" } },
      set: { type: "object" },
      commands: { type: "boolean", default: true },
      system: { type: "string" },
    },
    required: ["model"],
  });
  const typed = { model: "llama", temperature: "0.5", args: "-a\nb c\n", set: '{"A":"1"}', commands: "false", system: " " };
  expect(optionsFrom(fields, typed)).toEqual({
    options: { model: "llama", temperature: 0.5, args: ["-a", "b c"], set: { A: "1" }, commands: false },
  });
  expect(optionsFrom(fields, { temperature: "warm", set: "{" })).toEqual({
    problems: new Map([
      ["model", "This is needed."],
      ["temperature", "This is not a number."],
      ["set", "This is not valid JSON."],
    ]),
  });
});

test("what the schema does not allow is said before the server is asked, at each field, with the range", () => {
  const fields = fieldsOf({
    properties: {
      model: { type: "string", minLength: 1, maxLength: 5 },
      tokens: { type: "integer", minimum: 1, maximum: 10_000_000 },
      silenceMs: { anyOf: [{ type: "number", minimum: 10 }, { type: "null" }] },
      keepAlive: { anyOf: [{ type: "string", maxLength: 3 }, { type: "number" }] },
    },
  });
  expect(fields.map(({ range }) => range)).toEqual(["", "From 1 to 10,000,000.", "At least 10.", ""]);
  expect(optionsFrom(fields, { model: "llama3", tokens: "0", silenceMs: "5", keepAlive: "for ever" })).toEqual({
    problems: new Map([
      ["model", "This has 6 characters; at most 5 are allowed."],
      ["tokens", "This must be from 1 to 10,000,000."],
      ["silenceMs", "This must be at least 10."],
      ["keepAlive", "This has 8 characters; at most 3 are allowed."],
    ]),
  });
  expect(optionsFrom(fields, { tokens: "1.5" })).toEqual({ problems: new Map([["tokens", "This must be a whole number."]]) });
  expect(optionsFrom(fields, { model: "bee", tokens: "7", silenceMs: "10", keepAlive: "5m" })).toEqual({
    options: { model: "bee", tokens: 7, silenceMs: 10, keepAlive: "5m" },
  });
});

test.each(all.map(({ kind, description }) => [description.name, kind, description] as const))(
  "of %s, what the fields let through for its numbers is what its own schema lets through",
  (_, kind, { options }) => {
    for (const field of fieldsOf(options).filter(({ type }) => type === "number")) {
      for (const value of [-1, 0, 0.5, 1, 9, 10, 1e6, 1e9, 1e12]) {
        const schema = kind.options.shape[field.name] as { safeParse(value: unknown): { success: boolean } };
        expect({ field: field.name, value, fine: field.check(String(value)) === null }).toEqual({
          field: field.name,
          value,
          fine: schema.safeParse(value).success,
        });
      }
    }
  },
);
