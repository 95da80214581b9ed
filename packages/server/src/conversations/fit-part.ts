/** What a bot says of its parts, made fit to be kept: known fields only, whole characters, bounded sizes. Pure. */
import type { PlanPart, ToolPart } from "@skep/protocol";

/** UTF-16 units of one field, or entries of one list. */
const longestId = 200;
const longestTitle = 500;
const longestStep = 1000;
const mostSteps = 200;
const mostPaths = 50;
const longestPath = 1000;

const endsInHighSurrogate = /[\uD800-\uDBFF]$/;

export const cutMark = "… (cut)";

/** At most `units` UTF-16 units and the mark, whole characters only. */
export function cut(text: string, units: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= units) return whole;
  return whole.slice(0, Math.max(0, units)).replace(endsInHighSurrogate, "") + cutMark;
}

export const partId = (id: string): string => cut(id, longestId);

/** UTF-8 bytes as JSON. */
export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

export const cleanPlan = ({ id, steps }: PlanPart): PlanPart => ({
  type: "plan",
  id: partId(id),
  steps: steps.slice(0, mostSteps).map(({ text, state }) => ({ text: cut(text, longestStep), state })),
});

export function cleanTool({ id, title, tool, state, input, output, paths }: ToolPart): ToolPart {
  return {
    type: "tool",
    id: partId(id),
    title: cut(title, longestTitle),
    tool,
    state,
    ...(input === undefined ? {} : { input: input.toWellFormed() }),
    ...(output === undefined ? {} : { output: output.toWellFormed() }),
    ...(paths === undefined ? {} : { paths: paths.slice(0, mostPaths).map((path) => cut(path, longestPath)) }),
  };
}

/** The part within so many bytes: of a tool, its output and its input are cut, visibly, and its paths left out. null when not even that helps. */
export function fit<P extends ToolPart | PlanPart>(part: P, bytes: number): P | null {
  if (bytesOf(part) <= bytes) return part;
  if (part.type !== "tool") return null;
  const { input, output, paths: _, ...bare } = part;
  if (bytesOf(bare) > bytes) return null;
  // Characters take 1 to 6 bytes as JSON: halved until it fits.
  for (let units = bytes; units >= 1; units = Math.floor(units / 2)) {
    const smaller = {
      ...bare,
      ...(input === undefined ? {} : { input: cut(input, Math.floor(units / 2)) }),
      ...(output === undefined ? {} : { output: cut(output, units) }),
    };
    if (bytesOf(smaller) <= bytes) return smaller as P;
  }
  return bare as P;
}
