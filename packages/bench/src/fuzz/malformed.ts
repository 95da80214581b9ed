/** Makes input that is nearly right, from the schemas of what would be: pure, from a seed. */
import type { SeededRandom } from "../seeded-random.ts";

/** The part of JSON Schema that the doors' descriptions use. */
export interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: readonly unknown[];
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  additionalProperties?: boolean | Schema;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  $ref?: string;
}
export type Resolve = (reference: string) => Schema;

/** What is often taken for something else. No value names a kind of bot that starts programs. */
const strings = [
  "",
  " ",
  "echo",
  "bee",
  "0",
  "-1",
  "null",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "..%2f..",
  "%00",
  "\0",
  "\n\r\t",
  "\ufeff",
  "\ud800",
  "\udfff\ud800",
  "\u202e",
  "👩‍👩‍👧‍👦",
  "'; DROP TABLE message; --",
  "<script>alert(1)</script>",
  "${7*7}",
  "{{7*7}}",
  "$(id)",
  "`id`",
  "%s%n",
  "2026-02-30",
  "1e309",
  "a".repeat(64),
  "a".repeat(65),
  "a".repeat(129),
  "é".repeat(5121),
  "c1",
  "t1",
  "p1",
  "s1",
  "*",
  "NEAR(",
  '"',
  "\\",
];
const numbers = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e21,
  1e308,
  -1e308,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER + 2,
  Number.MIN_VALUE,
  4_294_967_296,
  300,
];
const junk: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  "",
  "x",
  "\ud800",
  [],
  {},
  [[]],
  [null],
  { type: "send" },
  { __proto__: null, a: 1 },
  [1, "a", {}],
];

/** A value that the schema allows, or nearly. */
export function valueOf(schema: Schema, random: SeededRandom, resolve: Resolve, depth = 0): unknown {
  if (schema.$ref !== undefined) return depth > 6 ? {} : valueOf(resolve(schema.$ref), random, resolve, depth + 1);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return random.pick(schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return valueOf(random.pick(choices), random, resolve, depth + 1);
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
  switch (type) {
    case "object": {
      const value: Record<string, unknown> = {};
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        if (schema.required?.includes(name) || random.chance(0.5)) value[name] = valueOf(field, random, resolve, depth + 1);
      }
      return value;
    }
    case "array":
      return Array.from({ length: random.between(0, 3) }, () => valueOf(schema.items ?? {}, random, resolve, depth + 1));
    case "string":
      return random.pick(strings);
    case "integer":
    case "number":
      return random.chance(0.5) ? random.between(schema.minimum ?? 0, Math.min(schema.maximum ?? 1000, 1000)) : random.pick(numbers);
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    default:
      return random.pick(junk);
  }
}

const nested = (random: SeededRandom): unknown => {
  let value: unknown = 1;
  for (let depth = random.between(10, 200); depth > 0; depth--) value = random.chance(0.5) ? [value] : { a: value };
  return value;
};

/** Breaks one thing in it. */
export function broken(value: unknown, random: SeededRandom): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return random.pick(junk);
  const fields: Record<string, unknown> = { ...value };
  const names = Object.keys(fields);
  const name = names.length === 0 ? "x" : random.pick(names);
  switch (random.between(0, 7)) {
    case 0:
      delete fields[name];
      return fields;
    case 1:
      fields[random.pick(["extra", "__proto__x", "constructor", "toString", "", "type ", "Type", "\0"])] = random.pick(junk);
      return fields;
    case 2:
      fields[name] = random.pick(junk);
      return fields;
    case 3:
      fields[name] = random.pick(strings);
      return fields;
    case 4:
      fields[name] = random.pick(numbers);
      return fields;
    case 5:
      fields[name] = nested(random);
      return fields;
    case 6:
      fields[name] = broken(fields[name], random);
      return fields;
    default:
      return random.pick<unknown>([[fields, fields], [], [fields, null, 5], { ...fields, type: "nothing" }, JSON.stringify(fields)]);
  }
}

/** As text, sometimes with the text itself broken. */
export function brokenText(value: unknown, random: SeededRandom): string {
  const text = JSON.stringify(value) ?? "";
  if (random.chance(0.7)) return text;
  const at = random.between(0, text.length);
  switch (random.between(0, 7)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + random.pick(["{", "}", "[", "]", '"', ",", ":", "\\", "\0", "\u2028", "NaN", "'"]) + text.slice(at);
    case 2:
      return `${text}${text}`;
    case 3:
      return `\ufeff${text}`;
    case 4:
      return text.replace("{", '{"__proto__":{"polluted":1},');
    case 5:
      return text.replace("{", '{"type":"send","type":"watch",');
    case 6:
      return random.pick([
        "",
        " ",
        "null",
        "nul",
        "[",
        "[[[[",
        "{}",
        "[]",
        '"',
        "-",
        "1e999",
        "\\u0000",
        "undefined",
        "{'a':1}",
        "/*x*/{}",
      ]);
    default:
      return "[".repeat(random.between(1, 3000));
  }
}

/** Where text stands in a path or a query. */
export const escaped = (value: unknown, random: SeededRandom): string => {
  const text = (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed();
  return random.chance(0.9) ? encodeURIComponent(text) : random.pick(["%zz", "%", "..", "%2e%2e%2f", "%00", "%ff", "a%2fb", ""]);
};
