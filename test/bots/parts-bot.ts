/**
 * A bot of the bot protocol for tests: the text of a message is JSON, an array of lines. Each is sent as a line of that turn; instead of a line,
 * `{"await": "id"}` waits for that decision and streams it, `{"exit": 1}` ends the process in the first attempt, `{"stall": true}` waits for ever.
 */
import { createInterface } from "node:readline";

interface Turn {
  type: "turn";
  turn: string;
  attempt: number;
  text: string;
}
type Line =
  | { type: "hello" }
  | Turn
  | { type: "decision"; turn: string; id: string; option: string | null }
  | { type: "cancel"; turn: string };

const decisions = new Map<string, (option: string | null) => void>();
const early = new Map<string, string | null>();
const cancelled = new Set<string>();
const send = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function work({ turn, attempt, text }: Turn): Promise<void> {
  for (const step of JSON.parse(text) as Record<string, unknown>[]) {
    if (cancelled.has(turn)) return;
    if (typeof step["await"] === "string") {
      const key = `${turn} ${step["await"]}`;
      const option = early.has(key) ? (early.get(key) ?? null) : await new Promise<string | null>((resolve) => decisions.set(key, resolve));
      send({ type: "delta", turn, text: `[${option ?? "null"}]` });
    } else if (step["exit"] !== undefined) {
      if (attempt === 1) process.exit(1);
    } else if (step["stall"] === true) {
      await new Promise(() => {});
    } else send({ ...step, turn });
  }
  send({ type: "answer", turn });
}

createInterface({ input: process.stdin }).on("line", (raw) => {
  const line = JSON.parse(raw) as Line;
  if (line.type === "hello") send({ type: "hello", protocol: 1, concurrency: 16 });
  else if (line.type === "turn") void work(line);
  else if (line.type === "decision") {
    const key = `${line.turn} ${line.id}`;
    early.set(key, line.option);
    decisions.get(key)?.(line.option);
  } else {
    cancelled.add(line.turn);
    send({ type: "failure", turn: line.turn, reason: "cancelled", retry: false });
  }
});
