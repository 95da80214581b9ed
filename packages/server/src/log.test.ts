import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLog, logFile } from "./log.ts";

test("[R-G3] one JSON object a line with the event and its ids, written out by a flush, for the owner alone", () => {
  const data = mkdtempSync(join(tmpdir(), "skep-log-"));
  const log = createLog({ log: "file", logLevel: "info", data });
  log.debug("too-small");
  log.info("turn-started", { conversation: "c1", bot: "ada", turn: "t1" });
  log.error("request-failed", { error: new Error("broken") });
  log.flush();
  const lines = readFileSync(logFile(data), "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: "info",
    event: "turn-started",
    conversation: "c1",
    bot: "ada",
    turn: "t1",
  });
  expect(JSON.parse(lines[1] as string)).toMatchObject({ level: "error", error: { message: "broken" } });
  expect(statSync(logFile(data)).mode & 0o777).toBe(0o600);
  rmSync(data, { recursive: true });
});

test("off writes nothing and makes no folder", () => {
  const log = createLog({ log: "off", logLevel: "debug", data: "/nowhere" });
  log.error("x");
  log.flush();
});
