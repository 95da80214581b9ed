import { stripVTControlCharacters, styleText } from "node:util";
import { visibleText } from "@skep/client";

const width = (cell: string): number => stripVTControlCharacters(cell).length;

/** Text of others in one line: what would steer the terminal is named, and so are line ends. */
export const printable = (text: string): string => visibleText(text).replaceAll("\n", "‹LF›").replaceAll("\t", " ");

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
