import type { FromBot } from "@skep/protocol/bot";
import { describe, expect, test } from "vitest";
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

test("[T2] no thought is cut between the halves of a character, and another thought begins clean", () => {
  const { lines, running } = turn();
  for (const unit of "a🐝".split("")) running.thought("one", unit);
  running.thought("one", "\ud83d");
  running.thought("two", "\udc1db");
  expect(lines.map((line) => line.type === "thought" && [line.id, line.text])).toEqual([
    ["one", "a"],
    ["one", "🐝"],
    ["two", "\ufffdb"],
  ]);
});

describe("permission", () => {
  const options = [{ id: "yes", label: "Yes", effect: "allow" as const, always: false }];

  test("each request gets the decision with its id", async () => {
    const { running } = turn();
    const asked = [running.permission({ id: "1", title: "a", options }), running.permission({ id: "2", title: "b", options })];
    running.decided("2", "yes");
    running.decided("2", null);
    running.decided("1", null);
    expect(await Promise.all(asked)).toEqual([null, "yes"]);
  });

  test("is refused when the turn ends, and when it has ended", async () => {
    const { lines, running } = turn();
    const asked = running.permission({ id: "1", title: "a", options });
    running.answer("done");
    expect(await asked).toBeNull();
    expect(await running.permission({ id: "2", title: "b", options })).toBeNull();
    expect(lines.map(({ type }) => type)).toEqual(["permission", "answer"]);
  });

  test("[T3] is refused when the turn is cancelled, also when the driver ends it later", async () => {
    const { lines, running } = turn();
    let requests = 0;
    running.onCancelRequest = () => requests++;
    const asked = running.permission({ id: "1", title: "a", options });
    running.cancel();
    running.cancel();
    expect(await asked).toBeNull();
    expect([requests, running.ended, running.cancelRequested]).toEqual([1, false, true]);
    running.failure("Cancelled", false);
    expect(lines.map(({ type }) => type)).toEqual(["permission", "failure"]);
  });
});
