/** A change of a file, for people: the lines that differ, with three around them. */
const around = 3;

export function diffText(path: string, before: string | null, after: string): string {
  if (before === null) return `+++ ${path}\n${prefixed("+", linesOf(after))}`;
  const old = linesOf(before);
  const now = linesOf(after);
  const shorter = Math.min(old.length, now.length);
  let first = 0;
  while (first < shorter && old[first] === now[first]) first++;
  let last = 0;
  while (last < shorter - first && old[old.length - 1 - last] === now[now.length - 1 - last]) last++;
  const from = Math.max(0, first - around);
  return [
    `--- ${path}`,
    `@@ line ${from + 1} @@`,
    prefixed(" ", old.slice(from, first)),
    prefixed("-", old.slice(first, old.length - last)),
    prefixed("+", now.slice(first, now.length - last)),
    prefixed(" ", old.slice(old.length - last, old.length - last + around)),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
const prefixed = (sign: string, lines: readonly string[]): string => lines.map((line) => sign + line).join("\n");
