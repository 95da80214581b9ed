/** Text that others wrote, cut to what may be passed on: never within a character, and marked. */
export function bounded(text: string, limit: number): string {
  if (text.length <= limit) return text.toWellFormed();
  return `${text
    .slice(0, limit)
    .toWellFormed()
    .replace(/\uFFFD$/, "")}… (${text.length - limit} more characters)`;
}
