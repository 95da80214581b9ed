import { expect, test } from "vitest";
import type { AnswerOf, Operation } from "../store/store.ts";
import { Timeline } from "./timeline.ts";

test("[R-C5] who reads a timeline right after a change gets that change too, however slow the disk is", async () => {
  const stored: string[] = [];
  let sync = (): void => {};
  const disk = new Promise<void>((resolve) => (sync = resolve));
  const commit = {
    add: async <O extends Operation>(operation: O): Promise<AnswerOf<O>> => {
      await disk;
      if (operation.op === "note-bot") stored.push(operation.entry);
      return { ok: true } as unknown as AnswerOf<O>;
    },
  };
  const timeline = new Timeline("one", commit, { now: () => 1 });
  timeline.add({ what: "launched", pid: 1, reason: "" });
  timeline.add({ what: "ended", pid: 1, reason: "exited with code 3" });
  const reading = timeline.written().then(() => [...stored]);
  sync();
  expect((await reading).map((entry) => JSON.parse(entry).what)).toEqual(["launched", "ended"]);
});

test("[D1] an entry that cannot be stored keeps nobody waiting", async () => {
  const timeline = new Timeline("one", { add: () => Promise.reject(new Error("the disk is full")) }, { now: () => 1 });
  timeline.add({ what: "launched", pid: 1, reason: "" });
  await expect(timeline.written()).resolves.toBeUndefined();
});
