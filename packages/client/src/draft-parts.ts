/** The parts of an answer while it is written (T6), as pure functions: what is not known to follow is never guessed. */
import type { Part, PlacedPart } from "@skep/protocol";

/** null: something before it is missing. */
export function withPart(parts: readonly PlacedPart[], index: number, at: number, part: Part): readonly PlacedPart[] | null {
  if (index > parts.length) return null;
  return [...parts.slice(0, index), { at, part }, ...parts.slice(index + 1)];
}

/** `text` belongs at `offset` of the thought. The same array when it is known already; null when something before it is missing. */
export function withThought(
  parts: readonly PlacedPart[],
  index: number,
  at: number,
  id: string,
  offset: number,
  text: string,
): readonly PlacedPart[] | null {
  const known = parts[index]?.part;
  const have = known?.type === "thought" && known.id === id ? known.text : "";
  if (index > parts.length || offset > have.length) return null;
  if (known && have.length > 0 && offset + text.length <= have.length) return parts;
  return withPart(parts, index, at, { type: "thought", id, text: have + text.slice(have.length - offset) });
}
