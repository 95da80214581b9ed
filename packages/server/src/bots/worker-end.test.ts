import { expect, test } from "vitest";
import { noRestarts } from "./restart-policy.ts";
import { endingOf } from "./worker-end.ts";
import type { Circumstances } from "./worker-end.ts";
import { offerOf } from "./worker-offer.ts";
import { newRun } from "./worker-run.ts";

const run = { ...newRun(1000), readyAt: 1100 };
const crash = { clean: false, reason: "exited with code 1", code: 1, signal: null };
const now: Circumstances = {
  asked: null,
  restart: { policy: "always", maxRestarts: 1, windowMs: 60_000 },
  history: noRestarts,
  held: [],
  now: 2000,
  random: 0.5,
};

test("[B6] a process that dies is started again, and that counts", () => {
  expect(endingOf(run, crash, now)).toMatchObject({
    event: "ended-again",
    reason: "exited with code 1",
    entry: { what: "ended", decision: "restart", code: 1, uptimeMs: 1000, restartInMs: 0 },
    again: { history: { restarts: [2000] }, pauseMs: 0 },
  });
});

test("[B6] after too many restarts it has failed; by its policy it stays stopped", () => {
  expect(endingOf(run, crash, { ...now, history: { restarts: [1500], inARow: 1 } })).toMatchObject({
    event: "ended-failed",
    entry: { decision: "failed" },
    again: null,
  });
  expect(endingOf(run, crash, { ...now, restart: { ...now.restart, policy: "never" } })).toMatchObject({
    event: "ended-for-good",
    entry: { decision: "stays-stopped" },
    again: null,
  });
});

test("[R-C5] whoever was asked to end stays stopped for that reason, however it ended", () => {
  const ending = endingOf(run, crash, { ...now, asked: "stopped by hand" });
  expect(ending).toMatchObject({
    event: "ended-for-good",
    reason: "stopped by hand",
    entry: { decision: "stopped", reason: "exited with code 1 (stopped by hand)" },
    again: null,
  });
});

test("[B6] a program elsewhere that has left may come back: nothing is counted", () => {
  const away = { clean: true, reason: "has left", away: true };
  expect(endingOf(run, away, now)).toMatchObject({ event: "ended-away", reason: "has left", again: null });
  expect(endingOf(run, away, { ...now, asked: "removed" })).toMatchObject({ event: "ended-for-good", reason: "removed" });
});

test("[B2] a process works on what it offers, within what its definition allows, and on one turn at least", () => {
  expect(offerOf({}, 16)).toEqual({ places: 16, ahead: 1 });
  expect(offerOf({ concurrency: 4.7, ahead: 3.9 }, 16)).toEqual({ places: 4, ahead: 3 });
  expect(offerOf({ concurrency: 1e9, ahead: 1e9 }, 1e9)).toEqual({ places: 10_000, ahead: 64 });
  expect(offerOf({ concurrency: 0, ahead: 0 }, 16)).toEqual({ places: 1, ahead: 1 });
});
