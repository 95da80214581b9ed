import type { FromBot } from "@skep/protocol/bot";
import { expect, test } from "vitest";
import type { Output } from "./output.ts";
import { RunningTurn } from "./running-turn.ts";

function turn() {
  const lines: FromBot[] = [];
  const output: Output = { write: (line) => lines.push(line), raw: () => {}, drained: () => undefined, flushed: () => Promise.resolve() };
  const running = new RunningTurn({ type: "turn", turn: "t", attempt: 1, conversation: "c", author: "a", text: "x" }, output);
  const streamed = (): string => lines.map((line) => (line.type === "delta" ? line.text : "")).join("");
  return { lines, running, streamed };
}

test("[T4] ends once, and nothing follows", () => {
  const { lines, running } = turn();
  let ends = 0;
  running.onEnd = () => ends++;
  running.delta("a");
  running.answer();
  running.delta("b");
  running.answer("c");
  running.failure("d", true);
  running.status("loading", "e");
  running.cancel();
  expect(lines.map((line) => line.type)).toEqual(["delta", "answer"]);
  expect(ends).toBe(1);
});

test("[T2] no delta ends between the halves of a character", () => {
  const { lines, running, streamed } = turn();
  for (const unit of "a🐝b".split("")) running.delta(unit);
  running.answer();
  expect(streamed()).toBe("a🐝b");
  expect(lines.every((line) => line.type !== "delta" || line.text.isWellFormed())).toBe(true);
});

test("[R-B4] an unpaired surrogate never gets out", () => {
  const { lines, running, streamed } = turn();
  running.delta("a\ud83d");
  running.delta("b\udc1dc\ud83d");
  running.answer();
  expect(streamed()).toBe("a\ufffdb\ufffdc\ufffd");
  const whole = turn();
  whole.running.answer("\ud83d");
  expect(whole.lines).toEqual([{ type: "answer", turn: "t", text: "\ufffd" }]);
  expect(lines.at(-1)).toEqual({ type: "answer", turn: "t" });
});

test("[T3] cancel ends it and tells the driver", () => {
  const { lines, running } = turn();
  let told = 0;
  running.onCancel = () => told++;
  running.cancel();
  running.cancel();
  expect(lines).toEqual([{ type: "failure", turn: "t", reason: "Cancelled", retry: false }]);
  expect(told).toBe(1);
});
