/** What the agent is given for one turn. Pure. */
import type { ContentBlock } from "@agentclientprotocol/sdk";
import type { HistoryEntry } from "@skep/protocol/bot";
import { fitHistory } from "./fit-history.ts";

export interface PromptOf {
  text: string;
  attempt: number;
  history: readonly HistoryEntry[];
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
