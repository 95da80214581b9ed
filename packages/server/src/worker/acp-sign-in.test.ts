import type { FromBot } from "@skep/protocol/bot";
import { expect, test, vi } from "vitest";
import { SignIn } from "./acp-sign-in.ts";
import type { Output } from "./output.ts";
import { RunningTurn } from "./running-turn.ts";

function signIn(check: () => Promise<string | null>) {
  const lines: FromBot[] = [];
  const output: Output = { write: (line) => lines.push(line), raw: () => {}, drained: () => undefined, flushed: () => Promise.resolve() };
  const one = new SignIn(output, 1000, check);
  const turn = (id: string) => new RunningTurn({ type: "turn", turn: id, attempt: 1, conversation: "c", author: "a", text: "x" }, output);
  return { one, turn, lines, logins: () => lines.flatMap((line) => (line.type === "login" ? [line.needed] : [])) };
}

const withTimers = async (run: () => Promise<void>): Promise<void> => {
  vi.useFakeTimers();
  try {
    await run();
  } finally {
    vi.useRealTimers();
  }
};

test("is checked until nothing is needed; what is needed is told once, and only after the hello", () =>
  withTimers(async () => {
    const answers = ["sign in", "sign in", null];
    const { one, turn, logins } = signIn(() => Promise.resolve(answers.shift() ?? null));
    one.need("sign in", false);
    expect(logins()).toEqual([]);
    one.announce();
    let passed = false;
    const waiting = one.pass(turn("t")).then(() => (passed = true));
    await vi.advanceTimersByTimeAsync(2000);
    expect([logins(), passed]).toEqual([[true], false]);
    await vi.advanceTimersByTimeAsync(1000);
    await waiting;
    expect(logins()).toEqual([true, false]);
  }));

test("a turn that tries for longer than the time between two checks is waited for", () =>
  withTimers(async () => {
    const { one, turn, logins } = signIn(() => Promise.resolve(null));
    one.announce();
    one.need("sign in", true);
    const trying = turn("t");
    const waiting = one.pass(trying);
    await vi.advanceTimersByTimeAsync(1000);
    await waiting;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(logins()).toEqual([true]);
    one.fine();
    expect(logins()).toEqual([true, false]);
  }));

test("seen by a prompt, and no turn is left to try: it counts as done, and the next turn finds out", () =>
  withTimers(async () => {
    const { one, turn, logins } = signIn(() => Promise.resolve(null));
    one.announce();
    one.need("sign in", true);
    const cancelled = turn("t");
    const waiting = one.pass(cancelled);
    cancelled.cancel();
    await waiting;
    await vi.advanceTimersByTimeAsync(1000);
    expect(logins()).toEqual([true, false]);
  }));
