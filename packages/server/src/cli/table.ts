import { stripVTControlCharacters, styleText } from "node:util";

const width = (cell: string): number => stripVTControlCharacters(cell).length;

/** Text of others may hold characters that move the cursor: they are shown as what they are. */
export const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (c) => (c === "\t" ? " " : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`));

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = head.map((title) => styleText("bold", title));
  const widths = head.map((title, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ""))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - width(cell)))
      .join("  ")
      .trimEnd();
  return [titles, ...rows].map(line).join("\n");
}
