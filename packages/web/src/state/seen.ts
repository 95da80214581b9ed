/** How far the person has read each conversation, in all tabs of this browser. */
import type { Conversation } from "@skep/protocol";
import { readStored, useStored, writeStored } from "./stored.ts";

const name = "skep.seen";
const kept = 2000;

interface Seen {
  /** When this browser began to count: what was there before is no news. */
  since: string;
  /** Number of the newest message that was seen, by conversation. */
  heads: Record<string, number>;
}

function parse(stored: string | null): Seen {
  try {
    const seen = JSON.parse(stored ?? "null") as Seen | null;
    if (seen && typeof seen.since === "string" && typeof seen.heads === "object") return seen;
  } catch {
    // Begins anew.
  }
  return { since: new Date().toISOString(), heads: {} };
}

let parsed: { stored: string | null; seen: Seen } | null = null;

function current(stored: string | null): Seen {
  if (parsed?.stored !== stored || !parsed) parsed = { stored, seen: parse(stored) };
  return parsed.seen;
}

export function markSeen(conversation: string, head: number): void {
  const { since, heads } = current(readStored(name));
  if ((heads[conversation] ?? -1) >= head) return;
  const entries = Object.entries(heads).filter(([id]) => id !== conversation);
  writeStored(name, JSON.stringify({ since, heads: Object.fromEntries([...entries.slice(-kept), [conversation, head]]) }));
}

/** @returns how many messages of a conversation were not seen */
export function useUnread(): (conversation: Conversation) => number {
  const { since, heads } = current(useStored(name));
  return ({ id, head, activeAt }) => {
    const seen = heads[id];
    if (seen !== undefined) return Math.max(0, head - seen);
    return activeAt < since ? 0 : head;
  };
}
