/** From the JSON Schema of a kind's options to the fields of a form, and from what was typed back to options. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
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
  min?: number;
  max?: number;
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
    ...(one.minimum === undefined ? {} : { min: one.minimum }),
    ...(one.maximum === undefined ? {} : { max: one.maximum }),
  }));

/** Those that nearly everybody needs stand open, the others wait folded. */
export function inFront(fields: readonly Field[]): Set<string> {
  const simple = fields.filter(({ type, required }) => required || type === "text" || type === "long" || type === "choice");
  const sorted = [...simple.filter(({ required }) => required), ...simple.filter(({ required }) => !required)];
  return new Set(sorted.slice(0, shownAtFirst).map(({ name }) => name));
}

/** @returns options without what was left empty; `field` names the first one that cannot be read */
export function optionsFrom(
  fields: readonly Field[],
  typed: Typed,
): { options: Record<string, unknown> } | { field: string; problem: string } {
  const options: Record<string, unknown> = {};
  for (const { name, type } of fields) {
    const text = typed[name];
    if (text === undefined || (text.trim() === "" && type !== "switch")) continue;
    switch (type) {
      case "switch":
        options[name] = text === "true";
        break;
      case "number":
        if (!Number.isFinite(Number(text))) return { field: name, problem: "This is not a number." };
        options[name] = Number(text);
        break;
      case "lines":
        options[name] = text.split("\n").filter((line) => line !== "");
        break;
      case "json":
        try {
          options[name] = JSON.parse(text);
        } catch {
          return { field: name, problem: "This is not valid JSON." };
        }
        break;
      case "text":
      case "long":
      case "choice":
        options[name] = text;
    }
  }
  return { options };
}
