import { expect, test } from "vitest";
import type { GroupCommitOptions } from "./group-commit.ts";
import { GroupCommit, OutcomeUnknown } from "./group-commit.ts";
import type { Answer, Append, Operation } from "./store.ts";
import { StoreFailure } from "./store.ts";

const say = (text: string): Append => ({
  op: "append",
  conversation: 1,
  person: "p",
  key: null,
  sender: "s",
  n: null,
  text,
  bot: null,
  at: 0,
});
const textOf = (operation: Operation): string => (operation.op === "append" ? operation.text : operation.op);

/** A store whose commits end when the test says so, and a tick that the test runs. */
function rig(options: Pick<GroupCommitOptions, "maxBatch" | "maxWaiting" | "clock" | "onStored"> = {}) {
  const batches: { texts: string[]; end(): void; fail(error: Error): void }[] = [];
  const ticks: (() => void)[] = [];
  const failures: StoreFailure[] = [];
  const commit = new GroupCommit({
    ...options,
    store: {
      commit: (batch) =>
        new Promise((resolve, reject) => {
          const answers = batch.map((operation): Answer => ({ ok: true, changed: textOf(operation) !== "" }));
          batches.push({ texts: batch.map(textOf), end: () => resolve(answers), fail: reject });
        }),
    },
    time: { soon: (run) => void ticks.push(run) },
    onFailure: (failure) => failures.push(failure),
  });
  const tick = (): void => {
    for (const run of ticks.splice(0)) run();
  };
  return { commit, batches, tick, failures };
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "stored",
    (error: unknown) => error,
  );

test("[K4] an idle store commits in the same turn of the event loop, with everything of that turn", () => {
  const { commit, batches, tick } = rig();
  void commit.add(say("a"));
  void commit.add(say("b"));
  expect(batches).toHaveLength(0);
  tick();
  expect(batches.map((batch) => batch.texts)).toEqual([["a", "b"]]);
});

test("[K4] what comes during a commit shares the next one, in order", async () => {
  const { commit, batches, tick } = rig({ maxBatch: 3 });
  void commit.add(say("first"));
  tick();
  const all = ["a", "b"].map((text) => commit.add(say(text)));
  tick();
  expect(batches).toHaveLength(1);
  batches[0]?.end();
  await Promise.resolve();
  await Promise.resolve();
  expect(batches[1]?.texts).toEqual(["a", "b"]);
  batches[1]?.end();
  await Promise.all(all);
  await commit.idle();
});

test("[K4] a full batch goes out at once, beside one that is under way, and no third one", async () => {
  const { commit, batches } = rig({ maxBatch: 2 });
  const all = ["a", "b", "c", "d", "e", "f"].map((text) => commit.add(say(text)));
  expect(batches.map((batch) => batch.texts)).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  batches[0]?.end();
  await all[1];
  expect(batches[2]?.texts).toEqual(["e", "f"]);
  batches[1]?.end();
  batches[2]?.end();
  await Promise.all(all);
  await commit.idle();
});

test("[K5] more than may wait is refused with busy and a time to try again; what a bot says always gets in", async () => {
  const { commit, batches, tick } = rig({ maxWaiting: 2 });
  const first = [commit.add(say("a")), commit.add(say("b"))];
  await expect(commit.add(say("c"))).rejects.toMatchObject({ code: "busy", extra: { retryAfterMs: 1000 } });
  const cancel = commit.add({ op: "request-cancel", turn: 1 });
  tick();
  expect(batches[0]?.texts).toEqual(["a", "b", "request-cancel"]);
  batches[0]?.end();
  await Promise.all([...first, cancel]);
  void commit.add(say("c"));
  tick();
  expect(batches[1]?.texts).toEqual(["c"]);
});

test("[K2] a batch that is not stored is refused, with the reason, and the next one is tried", async () => {
  const { commit, batches, tick, failures } = rig();
  const one = outcome(commit.add(say("a")));
  tick();
  const two = outcome(commit.add(say("b")));
  batches[0]?.fail(new StoreFailure("full", "not-stored", false, "no room"));
  expect(await one).toMatchObject({ name: "Refusal", code: "store_full" });
  batches[1]?.end();
  expect(await two).toBe("stored");
  expect(commit.broken).toBeNull();
  expect(failures).toHaveLength(1);
});

test("[K2] of a batch whose outcome is unknown nothing is said, and what waited behind it is refused", async () => {
  const { commit, batches, tick } = rig();
  const one = outcome(commit.add(say("a")));
  tick();
  const two = outcome(commit.add(say("b")));
  batches[0]?.fail(new StoreFailure("io", "unknown", true, "sync failed"));
  expect(await one).toBeInstanceOf(OutcomeUnknown);
  expect(await two).toMatchObject({ name: "Refusal", code: "store_unavailable" });
  expect(batches).toHaveLength(1);
});

test("[D1] after a final failure everything is refused at once, and the store is not asked again", async () => {
  const { commit, batches, tick } = rig();
  const one = outcome(commit.add(say("a")));
  tick();
  batches[0]?.fail(new StoreFailure("io", "not-stored", true, "write failed"));
  expect(await one).toMatchObject({ name: "Refusal", code: "store_unavailable" });
  expect(await outcome(commit.add(say("b")))).toMatchObject({ code: "store_unavailable" });
  tick();
  expect(batches).toHaveLength(1);
  expect(commit.broken).toMatchObject({ final: true });
  await commit.idle();
});

test("[K2] an error that nobody expected counts as unknown and final", async () => {
  const { commit, batches, tick } = rig();
  const one = outcome(commit.add(say("a")));
  tick();
  batches[0]?.fail(new TypeError("a bug"));
  expect(await one).toBeInstanceOf(OutcomeUnknown);
  expect(commit.broken).toMatchObject({ reason: "io", outcome: "unknown", final: true });
});

test("[R-G1] how long a transaction took is counted from the first of its operations, waiting included; a failed one is not counted", async () => {
  let now = 0;
  const stored: [number, number][] = [];
  const { commit, batches, tick } = rig({ clock: () => now, onStored: (ms, operations) => void stored.push([ms, operations]) });
  const first = outcome(commit.add(say("a")));
  tick();
  now = 10;
  // These wait for the first one.
  const later = [outcome(commit.add(say("b"))), outcome(commit.add(say("c")))];
  now = 25;
  batches[0]?.end();
  await first;
  now = 30;
  batches[1]?.end();
  await Promise.all(later);
  expect(stored).toEqual([
    [25, 1],
    [20, 2],
  ]);
  const failing = outcome(commit.add(say("d")));
  tick();
  batches[2]?.fail(new StoreFailure("full", "not-stored", false, "no room"));
  await failing;
  expect(stored).toHaveLength(2);
});
