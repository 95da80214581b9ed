const titleLength = 60;

/** A title made from the first message. */
export function firstLine(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  if (line.length <= titleLength) return line;
  return `${line.slice(0, titleLength - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
