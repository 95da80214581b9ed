import { expect, test } from "vitest";
import type { Answer } from "../store/store.ts";
import { Timeline } from "./timeline.ts";

test("[R-C5] who reads the timeline waits for what was added to it, and for nothing else", async () => {
  const committed: (() => void)[] = [];
  const commit = {
    add: <A extends Answer>(): Promise<A> => new Promise((resolve) => committed.push(() => resolve({ ok: true, changed: true } as A))),
  };
  const timeline = new Timeline("b", commit, { now: () => 1 });
  await timeline.stored();
  timeline.add({ what: "launched", pid: 1, reason: "" });
  timeline.add({ what: "ready", pid: 1, reason: "" });
  let stored = false;
  const read = timeline.stored().then(() => (stored = true));
  committed[0]?.();
  await Promise.resolve();
  expect(stored).toBe(false);
  committed[1]?.();
  await read;
});

test("[D1] a store that takes no more costs entries, and keeps nobody waiting", async () => {
  const timeline = new Timeline("b", { add: () => Promise.reject(new Error("full")) }, { now: () => 1 });
  timeline.add({ what: "launched", pid: 1, reason: "" });
  await timeline.stored();
});
