/** What the coding agent for tests can be told to do by the text of a message; the list stands at the head of `main.ts`. */
import type { AgentContext, RequestPermissionRequest, SessionUpdate, StopReason, ToolKind } from "@agentclientprotocol/sdk";
import { methods, RequestError } from "@agentclientprotocol/sdk";
import { spawn } from "node:child_process";
import type { AgentSession } from "./sessions.ts";

export interface Work {
  session: AgentSession;
  client: AgentContext;
  /** The words after the command. */
  words: readonly string[];
  /** How often this text has been given to this session, this time included. */
  times: number;
  /** Sessions that are open in this process. */
  open: number;
}

type Action = (work: Work) => Promise<StopReason>;

const forever = (): Promise<never> => new Promise(() => {});
const figure = ({ words }: Work, place: number, otherwise: number): number => Number(words[place] ?? otherwise);

export const tell = ({ session, client }: Work, update: SessionUpdate): Promise<void> =>
  client.notify(methods.client.session.update, { sessionId: session.id, update });

export async function say(work: Work, text: string): Promise<void> {
  work.session.add("agent", text);
  await tell(work, { sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
}

/** @returns false when it was cancelled meanwhile */
const pause = ({ session }: Work, ms: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), ms);
    session.onCancel = () => {
      clearTimeout(timer);
      resolve(false);
    };
  });

async function stream(work: Work, pieces: number, ms: number): Promise<boolean> {
  for (let piece = 1; piece <= pieces; piece++) {
    await say(work, `piece ${piece} 🐝 `);
    if (ms > 0 && !(await pause(work, ms))) return false;
  }
  return !work.session.cancelled;
}

/** An answer is the JSON of what came of it. */
async function report(work: Work, doing: Promise<unknown>): Promise<StopReason> {
  const result = await doing.catch((error: unknown) => ({ error: (error as Error).message, code: (error as RequestError).code }));
  await say(work, JSON.stringify(result));
  return "end_turn";
}

export const actions: Record<string, Action> = {
  history: async (work) => {
    await say(work, JSON.stringify(work.session.said.slice(0, -1)));
    return "end_turn";
  },
  slow: async (work) => ((await stream(work, figure(work, 0, 10), figure(work, 1, 50))) ? "end_turn" : "cancelled"),
  crash: async (work) => {
    await stream(work, figure(work, 1, 3), 0);
    if (work.times > figure(work, 0, Number.MAX_SAFE_INTEGER)) return "end_turn";
    // What was written to a pipe before an exit may be lost.
    await new Promise((resolve) => setImmediate(resolve));
    process.exit(1);
  },
  hang: async (work) => {
    await new Promise<void>((resolve) => (work.session.onCancel = resolve));
    return "cancelled";
  },
  "ignore-cancel": async (work) => {
    await say(work, "started");
    return forever();
  },
  permission: async (work) => {
    const kind = (work.words[0] ?? "execute") as ToolKind;
    const toolCall = {
      toolCallId: "call-1",
      title: `Run "rm -rf build"`,
      kind,
      status: "pending" as const,
      rawInput: { command: "rm -rf build" },
    };
    await tell(work, { sessionUpdate: "tool_call", ...toolCall });
    const request: RequestPermissionRequest = {
      sessionId: work.session.id,
      toolCall,
      options: [
        { optionId: "yes", name: "Allow", kind: "allow_once" as const },
        { optionId: "always", name: "Always allow", kind: "allow_always" as const },
        { optionId: "no", name: "Reject", kind: "reject_once" as const },
      ],
    };
    const { outcome } = await work.client.request(methods.client.session.requestPermission, request);
    await say(work, JSON.stringify(outcome));
    return outcome.outcome === "cancelled" && work.session.cancelled ? "cancelled" : "end_turn";
  },
  tool: async (work) => {
    const toolCallId = "call-1";
    await say(work, "I look at it.");
    await tell(work, {
      sessionUpdate: "tool_call",
      toolCallId,
      title: "Edit hive.txt",
      kind: "edit",
      status: "pending",
      rawInput: { path: "hive.txt" },
    });
    await tell(work, {
      sessionUpdate: "tool_call_update",
      toolCallId,
      status: "in_progress",
      locations: [{ path: "/work/hive.txt", line: 2 }],
    });
    await tell(work, {
      sessionUpdate: "tool_call_update",
      toolCallId,
      status: "completed",
      content: [
        { type: "diff", path: "hive.txt", oldText: "queen\ndrone\n", newText: "queen\nworker\n" },
        { type: "content", content: { type: "text", text: "1 line changed" } },
      ],
    });
    await say(work, "It is done.");
    return "end_turn";
  },
  "open-tool": async (work) => {
    await tell(work, { sessionUpdate: "tool_call", toolCallId: "open", title: "Think for ever", kind: "think", status: "in_progress" });
    await new Promise<void>((resolve) => (work.session.onCancel = resolve));
    return "cancelled";
  },
  plan: async (work) => {
    const entries = (first: "in_progress" | "completed") => [
      { content: "Look", priority: "high" as const, status: first },
      { content: "Act", priority: "low" as const, status: "pending" as const },
    ];
    await tell(work, { sessionUpdate: "plan", entries: entries("in_progress") });
    await tell(work, { sessionUpdate: "plan", entries: entries("completed") });
    await say(work, "planned");
    return "end_turn";
  },
  thought: async (work) => {
    for (const text of ["The bees ", "are well 🐝"]) {
      await tell(work, { sessionUpdate: "agent_thought_chunk", content: { type: "text", text } });
    }
    await say(work, "They are well.");
    return "end_turn";
  },
  garbage: async (work) => {
    const bytes = figure(work, 0, 1000);
    for (let written = 0; written < bytes; written += 100) process.stdout.write(`${"g".repeat(99)}\n`);
    await say(work, "garbage written");
    return "end_turn";
  },
  huge: async (work) => {
    await say(work, "h".repeat(figure(work, 0, 20_000_000)));
    return "end_turn";
  },
  "huge-tool": async (work) => {
    const rawInput = { text: "i".repeat(figure(work, 0, 1_000_000)) };
    await tell(work, {
      sessionUpdate: "tool_call",
      toolCallId: "huge",
      title: "t".repeat(10_000),
      kind: "other",
      status: "completed",
      rawInput,
    });
    return "end_turn";
  },
  children: async (work) => {
    const inGroup = spawn("sleep", ["1000"], { stdio: "ignore" });
    // One that leaves the process group, and whose parent ends at once.
    const script = `const child = require("node:child_process").spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }); child.unref(); console.log(child.pid)`;
    const away = spawn(process.execPath, ["-e", script], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
    const text = await new Promise<string>((resolve) => away.stdout.once("data", (data) => resolve(String(data))));
    await say(work, JSON.stringify([inGroup.pid, Number(text)]));
    return "end_turn";
  },
  read: (work) =>
    report(
      work,
      work.client.request(methods.client.fs.readTextFile, { sessionId: work.session.id, path: JSON.parse(work.words.join(" ")) as string }),
    ),
  write: (work) => {
    const [path = "", content = ""] = JSON.parse(work.words.join(" ")) as string[];
    return report(work, work.client.request(methods.client.fs.writeTextFile, { sessionId: work.session.id, path, content }));
  },
  terminal: async (work) => {
    const { command, args, cwd, limit, end } = JSON.parse(work.words.join(" ")) as {
      command: string;
      args?: string[];
      cwd?: string;
      limit?: number;
      end?: "kill" | "leave";
    };
    const run = async (): Promise<unknown> => {
      const terminal = await work.client.createTerminal({
        sessionId: work.session.id,
        command,
        ...(args ? { args } : {}),
        ...(cwd === undefined ? {} : { cwd }),
        ...(limit === undefined ? {} : { outputByteLimit: limit }),
      });
      if (end === "leave") return terminal.currentOutput();
      if (end === "kill") await terminal.kill();
      const exit = await terminal.waitForExit();
      const { output, truncated } = await terminal.currentOutput();
      await terminal.release();
      return { output, truncated, ...exit };
    };
    return report(work, run());
  },
  environment: async (work) => {
    await say(work, JSON.stringify(Object.keys(process.env).toSorted()));
    return "end_turn";
  },
  where: async (work) => {
    await say(work, JSON.stringify([process.pid, process.cwd()]));
    return "end_turn";
  },
  session: async (work) => {
    const { mode, servers } = work.session;
    await say(work, JSON.stringify({ mode, servers, open: work.open }));
    return "end_turn";
  },
  flood: async (work) => {
    const text = "f".repeat(10_000);
    for (let left = figure(work, 0, 10) * 100; left > 0; left--) {
      await tell(work, { sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
    }
    return "end_turn";
  },
  commands: async (work) => {
    await tell(work, { sessionUpdate: "available_commands_update", availableCommands: [{ name: "web", description: "Search the web" }] });
    await tell(work, { sessionUpdate: "from_the_future", content: 1 } as unknown as SessionUpdate);
    await say(work, "told");
    return "end_turn";
  },
  empty: async () => "end_turn",
  refuse: async () => "refusal",
  "max-tokens": async (work) => {
    await say(work, "So far");
    return "max_tokens";
  },
  error: async ({ words }) => {
    throw new RequestError(Number(words[0] ?? -32603), words.slice(1).join(" ") || "It broke", { details: "a detail" });
  },
};
