/** A conversation in the terminal. For people line by line; with piped input one message, and on standard output nothing but the answer. */
import { readFile, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { styleText } from "node:util";
import { connect, newId, Refusal, visibleText } from "@skep/client";
import type { Client, Conversation, SocketClass } from "@skep/client";
import type { Conversation as ConversationView, MessageFile } from "@skep/protocol";
import { limits } from "@skep/protocol/limits";
import { WebSocket } from "ws";
import { findControl } from "../http/control.ts";
import { askControl, callControl } from "./control-client.ts";
import { Failure } from "./failure.ts";
import { PermissionPrompt } from "./permission-prompt.ts";
import type { Terminal } from "./terminal.ts";

export async function chat(terminal: Terminal, data: string, bot: string, conversationId: string | null): Promise<void> {
  const view =
    conversationId === null
      ? await callControl<ConversationView>(data, "POST", "/api/conversations", { bot })
      : await callControl<ConversationView>(data, "GET", `/api/conversations/${encodeURIComponent(conversationId)}`);
  if (view.bot !== bot) throw new Failure(`Conversation ${view.id} is with ${view.bot}, not with ${bot}.`);
  const client = connect({ url: "http://127.0.0.1", WebSocket: controlSocket(data), fetch: controlFetch(data) });
  try {
    const conversation = client.conversation(view.id);
    if (terminal.interactive) await talk(terminal, client, conversation, view);
    else await answerOnce(terminal, conversation);
  } catch (error) {
    throw error instanceof Refusal ? new Failure(error.message) : error;
  } finally {
    client.close();
  }
}

/** WebSockets over the control socket. Its place is looked up for every connection: a restarted server may have another one. */
function controlSocket(data: string): SocketClass {
  class ControlWebSocket extends WebSocket {
    constructor(_url: string) {
      super("ws://localhost/ws", { createConnection: () => createConnection(findControl(data) ?? data) });
    }
  }
  return ControlWebSocket as unknown as SocketClass;
}

const controlFetch =
  (data: string): typeof fetch =>
  async (input, init) => {
    const { pathname, search } = new URL(input as string);
    const given = init?.body;
    const body: unknown =
      typeof given === "string" ? JSON.parse(given) : given instanceof Blob ? new Uint8Array(await given.arrayBuffer()) : undefined;
    const { status, text } = await askControl(data, init?.method ?? "GET", pathname + search, body);
    return new Response(text === "" ? null : text, { status });
  };

async function answerOnce(terminal: Terminal, conversation: Conversation): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of terminal.input) pieces.push(Buffer.from(piece));
  const text = Buffer.concat(pieces).toString("utf8").replace(/\n$/, "");
  // Not streamed: what an interrupted attempt has written could not be taken back from a pipe.
  for await (const part of conversation.ask(text)) {
    if (part.type === "permission" && part.permission.state === "pending") {
      const { id, title } = part.permission;
      terminal.error(`skep: waits for a decision: ${visibleText(title)} (${id}; see: skep permissions list)`);
    }
    if (part.type !== "answer") continue;
    if (part.message.outcome !== "completed") throw new Failure(part.message.text);
    terminal.out(part.message.text);
  }
}

const dim = (text: string): string => styleText("dim", text);

/** Text of others may hold sequences that command the terminal: they are named. */
const harmless = (text: string): string => visibleText(text, "read");

async function talk(terminal: Terminal, client: Client, conversation: Conversation, view: ConversationView): Promise<void> {
  const write = (text: string): void => void terminal.output.write(text);
  terminal.out(
    dim(
      `Talking to ${view.bot}. Ctrl-C stops an answer, Ctrl-D ends, /file PATH attaches a file. To go on later: --conversation ${view.id}`,
    ),
  );
  let answering: { turn: string | null; stop: AbortController } | null = null;
  let lost = false;
  client.onConnection(({ name }) => {
    if (name === "waiting" && !lost) {
      lost = true;
      write(dim("\n(connection lost, trying again; what was sent is safe)\n"));
    } else if (name === "open" && lost) {
      lost = false;
      write(dim("(connected again)\n"));
    }
  });
  const lines = createInterface({ input: terminal.input, output: terminal.output, terminal: true, prompt: styleText("bold", "you> ") });
  const input = { open: true };
  const ended = new Promise<null>((resolve) =>
    lines.once("close", () => {
      input.open = false;
      resolve(null);
    }),
  );
  lines.on("SIGINT", () => {
    if (answering === null) lines.close();
    else if (answering.turn === null) answering.stop.abort();
    else conversation.cancel(answering.turn).catch(() => answering?.stop.abort());
  });

  const prompt = new PermissionPrompt(conversation, write);
  lines.on("line", (line) => {
    if (answering) void prompt.line(line);
  });

  const files: MessageFile[] = [];
  // The input may end while an answer is written; that answer is shown to its end.
  while (input.open) {
    lines.prompt();
    const line = await Promise.race([new Promise<string>((resolve) => lines.once("line", resolve)), ended]);
    if (line === null) break;
    const path = /^\/file\s+(.+)$/.exec(line.trim())?.[1];
    if (path !== undefined) {
      const attached = await attach(client, path);
      if (typeof attached !== "string") files.push(attached);
      const said =
        typeof attached === "string" ? styleText("red", attached) : dim(`(${harmless(attached.name)} goes with your next message)`);
      write(`${said}\n`);
      continue;
    }
    if (line.trim() === "" && files.length === 0) continue;
    const current: { turn: string | null; stop: AbortController } = { turn: null, stop: new AbortController() };
    answering = current;
    try {
      const { turn, epoch, seq } = await conversation.send(line.trim() === "" ? "" : line, { key: newId(), files: files.splice(0) });
      current.turn = turn;
      if (turn !== null) await follow(conversation, turn, { epoch, seq }, current.stop.signal, view.bot, write, prompt);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      write(`${styleText("red", error.message)}\n`);
    }
    answering = null;
    prompt.end();
  }
  write("\n");
}

/** @returns what was uploaded, or why it was not */
async function attach(client: Client, path: string): Promise<MessageFile | string> {
  try {
    const { size } = await stat(path);
    if (size > limits.fileBytes) return `${harmless(path)} is larger than ${limits.fileBytes} bytes.`;
    return await client.upload({ name: basename(path), bytes: Uint8Array.from(await readFile(path)) });
  } catch (error) {
    return harmless((error as Error).message);
  }
}

async function follow(
  conversation: Conversation,
  turn: string,
  after: { epoch: string; seq: number },
  signal: AbortSignal,
  bot: string,
  write: (text: string) => void,
  prompt: PermissionPrompt,
): Promise<void> {
  const tools = new Set<number>();
  write(styleText("bold", `${bot}> `));
  for await (const part of conversation.turn(turn, { after, signal })) {
    if (part.type === "delta") write(harmless(part.text));
    else if (part.type === "restart") {
      tools.clear();
      write(dim("\n(interrupted, once more from the beginning)\n"));
    } else if (part.type === "part" && part.part.type === "tool" && !tools.has(part.index)) {
      tools.add(part.index);
      write(dim(`\n· ${visibleText(part.part.title)}\n`));
    } else if (part.type === "permission") prompt.changed(part.permission);
    else if (part.type === "state" && part.turn.state === "waiting") continue;
    else if (part.type === "state" && part.turn.reason !== "") write(dim(`(${harmless(part.turn.reason)}) `));
    else if (part.type === "answer" && part.message.outcome !== "completed") write(styleText("red", harmless(part.message.text)));
  }
  write("\n");
}
