import type { Conversation } from "@skep/protocol";

const longest = 60;

/** A name for a conversation, from its first words. */
export function titleFrom(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  if (line.length <= longest) return line.toWellFormed();
  return `${line.slice(0, longest).replace(/\s+\S*$/, "")}…`.toWellFormed();
}

/** A conversation that has no title is called by the time when it began. */
export const titleOf = ({ title, createdAt }: Pick<Conversation, "title" | "createdAt">): string =>
  title || new Date(createdAt).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
