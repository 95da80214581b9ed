/** What the agent is given for one turn. Pure. */
import type { ContentBlock, PromptCapabilities } from "@agentclientprotocol/sdk";
import type { HistoryEntry, TurnFile } from "@skep/protocol/bot";
import { pathToFileURL } from "node:url";
import { fitHistory } from "./fit-history.ts";
import { isImage, isText, readFor } from "./turn-files.ts";

export interface PromptOf {
  text: string;
  attempt: number;
  history: readonly HistoryEntry[];
}

/** A text file goes into the prompt itself up to so many bytes; the agent opens a larger one by itself. */
const embeddedBytes = 256 * 1024;

/** What every agent takes is a link to a file; what it offers to take itself (an image, a text) it gets. */
export function fileBlocks(files: readonly TurnFile[], { image = false, embeddedContext = false }: PromptCapabilities): ContentBlock[] {
  return files.map((file): ContentBlock => {
    const { name, type: mimeType, size, path = "" } = file;
    const uri = pathToFileURL(path).href;
    const link: ContentBlock = { type: "resource_link", uri, name, mimeType, size };
    const kept = isImage(file) ? image : embeddedContext && size <= embeddedBytes && isText(file);
    if (!kept) return link;
    const read = readFor(file, false);
    if (read.kind === "image") return { type: "image", mimeType, data: read.data };
    return read.kind === "text" ? { type: "resource", resource: { uri, mimeType, text: read.text } } : link;
  });
}

const block = (text: string): ContentBlock => ({ type: "text", text });

/**
 * A session that has just begun gets the conversation so far, as much of it as fits; one that goes on knows it. A later attempt in a session
 * that went through an earlier one is told so: what it did then may be done.
 */
export function promptFor({ text, attempt, history }: PromptOf, session: { fresh: boolean }, historyTokens: number): ContentBlock[] {
  if (!session.fresh) {
    return attempt > 1
      ? [block("(Your work on the following message was broken off before. Some of it may be done already.)"), block(text)]
      : [block(text)];
  }
  const earlier = fitHistory("", history, text, historyTokens).slice(0, -1);
  if (earlier.length === 0) return [block(text)];
  const said = earlier.map(({ role, content }) => `${role === "assistant" ? "You" : "Person"}: ${content}`).join("\n\n");
  return [block(`(This conversation began in an earlier session of yours. What was said in it:)\n\n${said}`), block(text)];
}
