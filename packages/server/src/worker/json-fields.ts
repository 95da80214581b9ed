/** Careful looks into JSON that somebody else wrote: another type than expected is the same as nothing. */
export type Fields = Record<string, unknown>;

export const fieldsOf = (value: unknown): Fields | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

export const firstOf = (value: unknown): unknown => (Array.isArray(value) ? (value as unknown[])[0] : undefined);

export function parseFields(text: string): Fields | null {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The message out of an error body: Ollama says `{"error": "…"}`, OpenAI `{"error": {"message": "…"}}`. Else the body itself, unless it is a web page. */
export function errorMessage(body: string): string {
  const fields = parseFields(body);
  if (!fields) return /^\s*</.test(body) ? "" : body;
  const error = fields["error"] ?? fields["message"] ?? fields["detail"];
  return textOf(error) || textOf(fieldsOf(error)?.["message"]);
}
