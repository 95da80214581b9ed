/** Which part of a conversation a model gets: what fits its budget, newest first. */
import type { HistoryEntry, TurnFile } from "@skep/protocol/bot";
import { asText, isEarlierImage, readEarlier } from "./turn-files.ts";
import type { Readable } from "./turn-files.ts";

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
  /** What cannot be said as text. */
  files?: MediaFile[];
}

export type MediaFile = Extract<Readable, { kind: "image" | "pdf" }>;

/** Good enough for a budget: tokenizers of today give 3 to 5 bytes a token in most languages. */
const bytesPerToken = 4;
/** Of an image, whatever its size: models take from 250 to 1600 for one. */
const imageTokens = 800;
/** What role and separators of one message cost. */
const messageTokens = 4;

export const estimateTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken) + messageTokens;

const costOf = ({ content, files }: ChatMessage): number => estimateTokens(content) + (files?.length ?? 0) * imageTokens;

const costOfEarlier = (files: readonly TurnFile[]): number =>
  files.reduce((sum, file) => sum + (isEarlierImage(file) ? imageTokens : estimateTokens(file.name)), 0);

/** Files that are text go behind what was said, the others beside it. */
function withFiles(message: ChatMessage, files: readonly Readable[]): ChatMessage {
  if (files.length === 0) return message;
  const texts: string[] = message.content === "" ? [] : [message.content];
  const media: MediaFile[] = [];
  for (const file of files) {
    if (file.kind === "text" || file.kind === "name") texts.push(asText(file));
    else media.push(file);
  }
  return { ...message, content: texts.join("\n\n"), ...(media.length > 0 ? { files: media } : {}) };
}

/**
 * The system prompt and the current message are always kept; the oldest earlier messages go first. When some went, what is left
 * begins with a person's: many chat templates refuse anything else. Images count with the message that they came with.
 */
export function fitHistory(
  system: string,
  history: readonly HistoryEntry[],
  text: string,
  contextTokens: number,
  files: readonly Readable[] = [],
): ChatMessage[] {
  const current = withFiles({ role: "user", content: text }, files);
  let left = contextTokens - costOf(current) - (system === "" ? 0 : estimateTokens(system));
  let first = history.length;
  while (first > 0) {
    const entry = history[first - 1];
    const cost = estimateTokens(entry?.text ?? "") + costOfEarlier(entry?.files ?? []);
    if (cost > left) break;
    left -= cost;
    first--;
  }
  if (first > 0) while (history[first]?.role === "bot") first++;
  const messages: ChatMessage[] = system === "" ? [] : [{ role: "system", content: system }];
  for (const entry of history.slice(first)) {
    const message: ChatMessage = { role: entry.role === "bot" ? "assistant" : "user", content: entry.text };
    messages.push(entry.files ? withFiles(message, entry.files.map(readEarlier)) : message);
  }
  messages.push(current);
  return messages;
}
