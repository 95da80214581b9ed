/**
 * A bot, as a program of its own, that writes Markdown at a steady pace. A message is `{shape, bytes, perSecond, piece}` as JSON: how the answer is
 * built, how long it is in all, how many pieces a second, and how many characters each.
 */
import { createInterface } from "node:readline";
import { answerOf, type Shape } from "./long-answers.ts";

const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

function write(turn: string, { shape, bytes, perSecond, piece }: { shape: Shape; bytes: number; perSecond: number; piece: number }): void {
  const text = answerOf(shape, bytes);
  const began = performance.now();
  let at = 0;
  const timer = setInterval(() => {
    const due = Math.min(text.length, Math.floor(((performance.now() - began) / 1000) * perSecond) * piece);
    for (; at < due; at += piece) say({ type: "delta", turn, text: text.slice(at, at + piece) });
    if (at < text.length) return;
    clearInterval(timer);
    say({ type: "answer", turn });
  }, 4);
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as { type: string; turn: string; text: string };
  if (message.type === "hello") say({ type: "hello", protocol: 1, concurrency: 4 });
  else if (message.type === "turn") write(message.turn, JSON.parse(message.text) as Parameters<typeof write>[1]);
}
