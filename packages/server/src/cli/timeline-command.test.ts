import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { describe } from "./timeline-command.ts";

const at = "2026-11-21T10:00:00.000Z";

test("[R-C5] an end is told with all that is known about it, and what others wrote cannot command the terminal", () => {
  const text = describe({
    number: 7,
    at,
    what: "ended",
    pid: 42,
    reason: "was ended by SIGABRT",
    signal: "SIGABRT",
    uptimeMs: 4908,
    memoryMb: 133.6,
    attempts: [{ conversation: "c1", attempt: "t1.1.1" }],
    output: ["FATAL ERROR: out of memory", "\u001b[2Jred"],
    decision: "restart",
    restartInMs: 331,
  });
  expect(stripVTControlCharacters(text)).toBe(
    [
      `${at}  42 ended: was ended by SIGABRT`,
      "    it had run for 4.9 s; it took 133.6 MB; started again in 331 ms",
      "    at work on t1.1.1 in c1",
      "    | FATAL ERROR: out of memory",
      "    | ‹ESC›[2Jred",
    ].join("\n"),
  );
});

test.each([
  [{ what: "ready" as const, uptimeMs: 52 }, "42 ready\n    after 52 ms"],
  [{ what: "ended" as const, decision: "failed" as const }, "42 ended\n    it has failed too often and is not started again"],
  [{ what: "login-needed" as const, reason: "run `agent login`" }, "42 somebody has to sign in: run `agent login`"],
  [{ what: "stop" as const, pid: null }, "stopped by hand"],
])("[R-C5] %j reads as a sentence", (entry, sentence) => {
  expect(stripVTControlCharacters(describe({ number: 1, at, pid: 42, reason: "", ...entry }))).toBe(`${at}  ${sentence}`);
});
