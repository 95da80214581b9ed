/**
 * The echo bot: answers with the text itself, at once, in one line. It measures what everything around a bot costs, and can be told
 * to misbehave in every way that a bot can:
 *
 * | text | what it does |
 * |---|---|
 * | `/help` | answers with this list |
 * | `/stream [pieces=200] [ms=10]` | streams so many pieces, so far apart |
 * | `/wait [ms=1000]` | answers that much later |
 * | `/loading [ms=6000]` | says that it is loading, goes on after that time |
 * | `/long [bytes=1000000]` | answers with so many bytes |
 * | `/stall` | never answers; heartbeats go on |
 * | `/hang [attempts]` | blocks its event loop for ever, so that heartbeats stop |
 * | `/crash [attempts]` | ends the process at once with code 1 |
 * | `/crash-after [pieces=5] [attempts]` | streams so many pieces, then ends the process with code 1 |
 * | `/exit [code=0]` | ends the process with this code |
 * | `/fail [reason]` | the attempt fails, another may help |
 * | `/refuse [reason]` | the attempt fails, no other can help |
 * | `/garbage` | writes a line that is not JSON, then answers |
 * | `/babble [bytes=10000000] [line]` | writes so many bytes that are not protocol, in lines or (`line`) in one, then answers |
 * | `/stderr [bytes=10000]` | writes so many bytes to the standard error, then answers |
 * | `/thought [text]` | thinks that, in pieces, then answers |
 * | `/tool [title]` | runs a tool that it only pretends to have, then answers |
 * | `/plan [steps=3]` | makes a plan of so many steps and goes through it, then answers |
 * | `/permission [title]` | runs that tool if it is allowed to, and answers with what was decided |
 * | `/memory [megabytes=256]` | takes so much memory and keeps it, then answers |
 *
 * With `attempts`, it happens only in the first so many attempts at the turn; a later one answers. The option `commands: false`
 * makes all of these plain text.
 */
import type { CreateDriver } from "./driver.ts";
import { parseCommand, perform } from "./echo-commands.ts";
import type { EchoOptions } from "./echo-options.ts";
import { echoDefaults } from "./echo-options.ts";
import type { RunningTurn } from "./running-turn.ts";
import { bytesOf } from "./turn-files.ts";
import { sleep } from "./sleep.ts";

const slash = 47;

export const createDriver: CreateDriver = async (given, output) => {
  const options: EchoOptions = { ...echoDefaults, ...given };
  if (options.crashAtStart) process.exit(1);
  if (options.startMs > 0) await new Promise((resolve) => setTimeout(resolve, options.startMs));
  const plain = options.delayMs === 0 && options.pieces === 0;
  return {
    context: "message",
    concurrency: 1024,
    ahead: 32,
    run(turn) {
      if (options.commands && turn.text.charCodeAt(0) === slash) {
        const command = parseCommand(turn.text);
        if (command) return perform(command, turn, output, sleep);
      }
      const text = options.prefix + (turn.files.length === 0 ? turn.text : withFiles(turn));
      if (plain) turn.answer(text);
      else return answerSlowly(turn, text, options);
    },
  };
};

/** What it was given, so that somebody can tell whether it was the same to the last byte. */
function withFiles({ text, files }: RunningTurn): string {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const lines = files.map((file) => {
    const bytes = bytesOf(file);
    return `${file.name} (${file.type}, ${bytes.length} bytes, sha256 ${createHash("sha256").update(bytes).digest("hex")})`;
  });
  return [...(text === "" ? [] : [text]), ...lines].join("\n");
}

async function answerSlowly(turn: RunningTurn, text: string, options: EchoOptions): Promise<void> {
  if (!(await sleep(options.delayMs, turn))) return;
  for (const piece of cutInto(text, options.pieces)) {
    turn.delta(piece);
    await turn.drained();
    if (!(await sleep(options.pieceMs, turn))) return;
  }
  turn.answer(text);
}

/** At most `pieces` parts of nearly the same length; together they are the text. */
export function cutInto(text: string, pieces: number): string[] {
  if (pieces <= 0) return [];
  const size = Math.max(1, Math.ceil(text.length / pieces));
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(text.slice(at, at + size));
  return parts;
}
