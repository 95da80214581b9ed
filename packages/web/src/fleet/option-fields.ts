/** From the JSON Schema of a kind's options to the fields of a form, and from what was typed back to options. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  anyOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
}

/** `lines`: a text for each line. `json`: what has no better field. */
export type FieldType = "text" | "long" | "number" | "switch" | "choice" | "lines" | "json";

export interface Field {
  name: string;
  type: FieldType;
  description: string;
  required: boolean;
  /** What counts when nothing is given, for people. */
  otherwise: string;
  choices: readonly string[];
  /** What is wrong with what was typed, in a sentence; null when nothing is known to be. The server knows more. */
  check: (text: string) => string | null;
  /** What may be given, for people; "" when there is nothing to say. */
  range: string;
}

/** What was typed: nothing means that the default counts. */
export type Typed = Readonly<Record<string, string | undefined>>;

const longText = 1000;
const shownAtFirst = 4;

function typeOf(schema: Schema): FieldType {
  if (schema.enum) return "choice";
  switch (schema.type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return "number";
    case "string":
      return (schema.maxLength ?? 0) > longText && /prompt/i.test(schema.description ?? "") ? "long" : "text";
    case "array":
      return schema.items?.type === "string" ? "lines" : "json";
    case undefined: {
      const types = new Set((schema.anyOf ?? []).map(typeOf));
      if (types.has("text")) return "text";
      return types.has("number") ? "number" : "json";
    }
    default:
      return "json";
  }
}

const written = (value: unknown): string => {
  if (value === undefined || value === null || value === "") return "";
  if (typeof value === "string") return value;
  const text = JSON.stringify(value);
  return text === "{}" || text === "[]" ? "" : text;
};

export const fieldsOf = (schema: Schema): Field[] =>
  Object.entries(schema.properties ?? {}).map(([name, one]) => ({
    name,
    type: typeOf(one),
    description: one.description ?? "",
    required: schema.required?.includes(name) ?? false,
    otherwise: written(one.default),
    choices: (one.enum ?? []).map(String),
    check: (text) => problemOf(one, text),
    range: rangeOf(one),
  }));

/** Largest number that stands for "no bound" in a JSON Schema. */
const noBound = Number.MAX_SAFE_INTEGER;
const isNumber = ({ type }: Schema): boolean => type === "integer" || type === "number";
const figure = (value: number): string => value.toLocaleString("en");

function rangeOf(schema: Schema): string {
  const one = isNumber(schema) ? schema : (schema.anyOf?.length ?? 0) === 2 ? schema.anyOf?.find(isNumber) : undefined;
  if (!one) return "";
  const least = one.minimum !== undefined && one.minimum > -noBound ? one.minimum : undefined;
  const most = one.maximum !== undefined && one.maximum < noBound ? one.maximum : undefined;
  if (least !== undefined && most !== undefined) return `From ${figure(least)} to ${figure(most)}.`;
  if (least !== undefined) return `At least ${figure(least)}.`;
  return most === undefined ? "" : `At most ${figure(most)}.`;
}

function numberProblem(schema: Schema, text: string): string | null {
  const value = Number(text);
  if (!Number.isFinite(value)) return "This is not a number.";
  if (schema.type === "integer" && !Number.isInteger(value)) return "This must be a whole number.";
  const { minimum = -Infinity, maximum = Infinity } = schema;
  return value < minimum || value > maximum
    ? `This must be ${rangeOf(schema)
        .replace(/\.$/, "")
        .replace(/^\w/, (c) => c.toLowerCase())}.`
    : null;
}

/** By the same schema by which the server checks. What is nested deeper is left to the server. */
function problemOf(schema: Schema, text: string): string | null {
  if (isNumber(schema)) return numberProblem(schema, text);
  if (schema.anyOf) {
    const problems = schema.anyOf.filter(({ type }) => type !== "null").map((one) => problemOf(one, text));
    return problems.includes(null) ? null : (problems[0] ?? null);
  }
  if (schema.type !== "string") return null;
  const { length } = text.trim();
  if (schema.maxLength !== undefined && length > schema.maxLength)
    return `This has ${figure(length)} characters; at most ${figure(schema.maxLength)} are allowed.`;
  if (schema.minLength !== undefined && length < schema.minLength) return `This must have at least ${figure(schema.minLength)} characters.`;
  return null;
}

/** Those that nearly everybody needs stand open, the others wait folded. */
export function inFront(fields: readonly Field[]): Set<string> {
  const simple = fields.filter(({ type, required }) => required || type === "text" || type === "long" || type === "choice");
  const sorted = [...simple.filter(({ required }) => required), ...simple.filter(({ required }) => !required)];
  return new Set(sorted.slice(0, shownAtFirst).map(({ name }) => name));
}

/** What is wrong, by field. */
export type Problems = ReadonlyMap<string, string>;

/** @returns options without what was left empty; or what is wrong with each field, all of them at once */
export function optionsFrom(fields: readonly Field[], typed: Typed): { options: Record<string, unknown> } | { problems: Problems } {
  const options: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  for (const { name, type, required, check } of fields) {
    const text = typed[name];
    if (text === undefined || (text.trim() === "" && type !== "switch")) {
      if (required && type !== "choice") problems.set(name, "This is needed.");
      continue;
    }
    const problem = type === "number" || type === "text" || type === "long" ? check(text) : null;
    if (problem !== null) {
      problems.set(name, problem);
      continue;
    }
    switch (type) {
      case "switch":
        options[name] = text === "true";
        break;
      case "number":
        options[name] = Number(text);
        break;
      case "lines":
        options[name] = text.split("\n").filter((line) => line !== "");
        break;
      case "json":
        try {
          options[name] = JSON.parse(text);
        } catch {
          problems.set(name, "This is not valid JSON.");
        }
        break;
      case "text":
      case "long":
      case "choice":
        options[name] = text;
    }
  }
  return problems.size > 0 ? { problems } : { options };
}
