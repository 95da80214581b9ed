/** Which part of a conversation a model gets: what fits its budget, newest first. */
import type { HistoryEntry } from "@skep/protocol/bot";

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/** Good enough for a budget: tokenizers of today give 3 to 5 bytes a token in most languages. */
const bytesPerToken = 4;
/** What role and separators of one message cost. */
const messageTokens = 4;

export const estimateTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken) + messageTokens;

/**
 * The system prompt and the current message are always kept; the oldest earlier messages go first. When some went, what is left
 * begins with a person's: many chat templates refuse anything else.
 */
export function fitHistory(system: string, history: readonly HistoryEntry[], text: string, contextTokens: number): ChatMessage[] {
  let left = contextTokens - estimateTokens(text) - (system === "" ? 0 : estimateTokens(system));
  let first = history.length;
  while (first > 0) {
    const cost = estimateTokens(history[first - 1]?.text ?? "");
    if (cost > left) break;
    left -= cost;
    first--;
  }
  if (first > 0) while (history[first]?.role === "bot") first++;
  const messages: ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
  for (const entry of history.slice(first)) messages.push({ role: entry.role === "bot" ? "assistant" : "user", content: entry.text });
  messages.push({ role: "user", content: text });
  return messages;
}
