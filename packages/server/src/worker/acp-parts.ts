/**
 * What an agent reports while it works, as lines of the bot protocol. Every text is bounded (B8), and whatever the agent leaves unfinished is
 * finished when the attempt ends, so that nothing looks as if it were still running.
 */
import type { ContentBlock, SessionUpdate, ToolCallContent, ToolCallUpdate } from "@agentclientprotocol/sdk";
import type { PlanPart, ToolPart } from "@skep/protocol/bot";
import { bounded } from "./bounded-text.ts";
import { diffText } from "./acp-diff.ts";
import type { RunningTurn } from "./running-turn.ts";

const titleLimit = 500;
const inputLimit = 16_384;
const outputLimit = 32_768;
const pathLimit = 1000;
const most = { paths: 50, steps: 200, tools: 1000 };
/** UTF-16 units of all thoughts of one attempt. */
const thoughtLimit = 1024 * 1024;

const kinds = new Set<string>(["read", "edit", "delete", "move", "search", "execute", "think", "fetch"]);
const states: Record<string, ToolPart["state"]> = {
  pending: "pending",
  in_progress: "running",
  completed: "completed",
  failed: "failed",
};

export const toolOf = (kind: unknown): ToolPart["tool"] =>
  typeof kind === "string" && kinds.has(kind) ? (kind as ToolPart["tool"]) : "other";

/** What one attempt has reported. */
export class ReportedParts {
  readonly #turn: Pick<RunningTurn, "delta" | "thought" | "part">;
  readonly #terminalOutput: (terminal: string) => string;
  readonly #tools = new Map<string, { call: ToolCallUpdate; part: ToolPart }>();
  readonly #refused = new Set<string>();
  #last = "";
  #endsLine = true;
  #thoughts = 0;
  #thoughtUnits = 0;
  #said = false;

  constructor(turn: Pick<RunningTurn, "delta" | "thought" | "part">, terminalOutput: (terminal: string) => string) {
    this.#turn = turn;
    this.#terminalOutput = terminalOutput;
  }

  /** Has it done anything that people saw? */
  get any(): boolean {
    return this.#last !== "";
  }

  take(update: SessionUpdate): void {
    switch (update.sessionUpdate) {
      case "agent_message_chunk":
        this.#text(contentText(update.content), update.messageId ?? "");
        return;
      case "agent_thought_chunk":
        this.#thought(contentText(update.content));
        return;
      case "tool_call":
      case "tool_call_update":
        this.tool(update);
        return;
      case "plan":
        this.#plan(update.entries);
        return;
      case "notice":
        this.#text(`${update.title}${update.description ? `: ${update.description}` : ""}\n\n`, "notice");
        return;
      // Its own modes, commands, sessions and figures are not part of an answer; what people said is known.
      case "user_message_chunk":
      case "available_commands_update":
      case "current_mode_update":
      case "config_option_update":
      case "session_info_update":
      case "usage_update":
      case "compaction_update":
      case "compaction_summary_chunk":
        return;
      default:
        // A newer agent may say more than this knows.
        update satisfies never;
    }
  }

  /** Messages before and after a tool call are paragraphs of one answer. */
  #text(text: string, message: string): void {
    if (text === "") return;
    const last = `text ${message}`;
    if (this.#said && this.#last !== last && !this.#endsLine) this.#turn.delta("\n\n");
    this.#last = last;
    this.#said = true;
    this.#endsLine = text.endsWith("\n");
    this.#turn.delta(text);
  }

  #thought(text: string): void {
    if (this.#last !== "thought") this.#thoughts++;
    this.#last = "thought";
    const left = thoughtLimit - this.#thoughtUnits;
    this.#thoughtUnits += text.length;
    if (left > 0) this.#turn.thought(`thought-${this.#thoughts}`, bounded(text, left));
  }

  /** Updates say what has changed: the part is always told as a whole. */
  tool(update: ToolCallUpdate): ToolPart | null {
    const known = this.#tools.get(update.toolCallId);
    if (!known && this.#tools.size >= most.tools) return null;
    this.#last = "tool";
    const call = merged(known?.call, update);
    const part = this.#toolPart(call);
    if (JSON.stringify(part) !== JSON.stringify(known?.part)) this.#turn.part(part);
    this.#tools.set(update.toolCallId, { call, part });
    return part;
  }

  #toolPart(call: ToolCallUpdate): ToolPart {
    const content = call.content ?? [];
    const input = [inputText(call.rawInput), ...content.flatMap((one) => (one.type === "diff" ? [diffOf(one)] : []))]
      .filter(Boolean)
      .join("\n");
    const shown = content.flatMap((one) => this.#outputOf(one)).join("\n");
    const output = shown || inputText(call.rawOutput);
    const paths = (call.locations ?? []).slice(0, most.paths).map(({ path }) => bounded(path, pathLimit));
    return {
      type: "tool",
      id: bounded(call.toolCallId, titleLimit),
      title: bounded(call.title || call.name || "Tool", titleLimit),
      tool: toolOf(call.kind),
      state: states[call.status ?? "pending"] ?? "running",
      ...(input === "" ? {} : { input: bounded(input, inputLimit) }),
      ...(output === "" ? {} : { output: bounded(output, outputLimit) }),
      ...(paths.length === 0 ? {} : { paths }),
    };
  }

  #outputOf(content: ToolCallContent): string[] {
    if (content.type === "content") return [contentText(content.content)];
    return content.type === "terminal" ? [this.#terminalOutput(content.terminalId)] : [];
  }

  #plan(entries: readonly { content: string; status: string }[]): void {
    this.#last = "plan";
    const steps: PlanPart["steps"] = entries.slice(0, most.steps).map(({ content, status }) => ({
      text: bounded(content, pathLimit),
      state: status === "completed" ? "completed" : status === "in_progress" ? "running" : "pending",
    }));
    this.#turn.part({ type: "plan", id: "plan", steps });
  }

  /** What was not permitted does not end well. */
  refused(toolCallId: string): void {
    this.#refused.add(toolCallId);
  }

  /** Called when the agent has stopped, before the attempt ends. */
  finish(well: boolean): void {
    for (const [id, { part }] of this.#tools) {
      const done = well && !this.#refused.has(id);
      if (part.state === "pending" || part.state === "running") this.tool({ toolCallId: id, status: done ? "completed" : "failed" });
    }
  }
}

/** What is null or missing has not changed. */
function merged(known: ToolCallUpdate | undefined, update: ToolCallUpdate): ToolCallUpdate {
  const changes = Object.entries(update).filter(([, value]) => value !== null && value !== undefined);
  return { ...known, ...Object.fromEntries(changes), toolCallId: update.toolCallId };
}

const diffOf = ({ path, oldText, newText }: { path: string; oldText?: string | null; newText: string }): string =>
  diffText(path, oldText ?? null, newText);

/** What a tool was called with, or gave: a command line as one reads it, anything else as JSON. */
export function inputText(raw: unknown): string {
  if (raw === undefined || raw === null) return "";
  if (typeof raw === "string") return raw;
  const command = typeof raw === "object" ? (raw as Record<string, unknown>)["command"] : undefined;
  if (typeof command === "string") return command;
  if (Array.isArray(command) && command.every((word) => typeof word === "string")) return command.join(" ");
  return JSON.stringify(raw, null, 2);
}

export function contentText(content: ContentBlock): string {
  switch (content.type) {
    case "text":
      return content.text;
    case "resource_link":
      return `[${content.title ?? content.name}](${content.uri})`;
    case "resource":
      return "text" in content.resource ? content.resource.text : `[${content.resource.uri}]`;
    case "image":
    case "audio":
      return `[${content.type}: ${content.mimeType}]`;
    default:
      return content satisfies never;
  }
}
