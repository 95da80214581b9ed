/**
 * A bot, as a program of its own, that writes Markdown at a steady pace. A message is `{shape, bytes, before, go, perSecond, piece}` as JSON: how the
 * answer is built, how long it is in all, how many characters of it come at once before all others, the file that has the rest begin when it is there, how
 * many pieces a second, and how many characters each.
 */
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { answerOf, type Shape } from "./long-answers.ts";

const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

interface Order {
  shape: Shape;
  bytes: number;
  before: number;
  go: string;
  perSecond: number;
  piece: number;
}

function write(turn: string, { shape, bytes, before, go, perSecond, piece }: Order): void {
  const text = answerOf(shape, bytes);
  if (before > 0) say({ type: "delta", turn, text: text.slice(0, before) });
  let at = before;
  let began: number | null = null;
  const timer = setInterval(() => {
    if (began === null && !existsSync(go)) return;
    began ??= performance.now();
    const due = Math.min(text.length, before + Math.floor(((performance.now() - began) / 1000) * perSecond) * piece);
    for (; at < due; at += piece) say({ type: "delta", turn, text: text.slice(at, at + piece) });
    if (at < text.length) return;
    clearInterval(timer);
    say({ type: "answer", turn });
  }, 4);
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as { type: string; turn: string; text: string };
  if (message.type === "hello") say({ type: "hello", protocol: 1, concurrency: 4 });
  else if (message.type === "turn") write(message.turn, JSON.parse(message.text) as Order);
}
