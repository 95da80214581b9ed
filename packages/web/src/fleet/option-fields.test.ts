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
  expect(optionsFrom(fields, { temperature: "warm" })).toMatchObject({ field: "temperature" });
  expect(optionsFrom(fields, { set: "{" })).toMatchObject({ field: "set" });
});
