/**
 * A bot, as a program of its own, that says hostile texts. `answer N` streams text N in pieces, every fourth after a thought, a tool call and a plan that hold it too;
 * `ask FROM TO` asks for permission with each of those; `log` writes all of them into its log; `die` says some as its last words.
 */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { hostileTexts } from "./hostile/index.ts";

const pieces = 3;
const partsEvery = 4;
const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
const textOf = (number: number): string => (hostileTexts[number] ?? "").toWellFormed();
const short = (text: string): string => text.slice(0, 300).toWellFormed();

const options = (text: string): object[] => [
  { id: "yes", label: short(text).slice(0, 60).toWellFormed(), effect: "allow", always: false },
  { id: "no", label: "No", effect: "reject", always: false },
];

async function answer(turn: string, number: number): Promise<void> {
  const text = textOf(number);
  if (number % partsEvery === 0) sayParts(turn, text);
  const characters = Array.from(text);
  const size = Math.max(1, Math.ceil(characters.length / pieces));
  for (let at = 0; at < characters.length; at += size) {
    say({ type: "delta", turn, text: characters.slice(at, at + size).join("") });
    await pause(1);
  }
  say({ type: "answer", turn });
}

function sayParts(turn: string, text: string): void {
  say({ type: "thought", turn, id: "thought", text: short(text) });
  const tool = {
    type: "tool",
    id: "tool",
    title: short(text),
    tool: "execute",
    state: "completed",
    input: short(text),
    output: short(text),
  };
  say({ type: "part", turn, part: { ...tool, paths: [short(text)] } });
  say({ type: "part", turn, part: { type: "plan", id: "plan", steps: [{ text: short(text), state: "running" }] } });
}

async function work({ turn, text }: { turn: string; text: string }): Promise<void> {
  const [what, from = "0", to = "0"] = text.split(" ");
  if (what === "answer") await answer(turn, Number(from));
  else if (what === "ask") {
    for (let n = Number(from); n < Number(to); n++)
      say({ type: "permission", turn, id: String(n), title: short(textOf(n)), detail: short(textOf(n)), options: options(textOf(n)) });
  } else if (what === "log") {
    for (const one of hostileTexts) say({ type: "log", level: "warn", text: short(one) });
    say({ type: "answer", turn, text: "logged" });
  } else if (what === "fail") say({ type: "failure", turn, reason: textOf(Number(from)), retry: false });
  else if (what === "die") {
    process.stderr.write(`${hostileTexts.slice(0, 30).map(short).join("\n")}\n`, () => process.exit(1));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as { type: string; turn: string; text: string };
  if (message.type === "hello") say({ type: "hello", protocol: 1, concurrency: 8 });
  else if (message.type === "turn") void work(message);
}
