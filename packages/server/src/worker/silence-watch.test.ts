import { expect, test } from "vitest";
import type { Clock, SilenceWatch } from "./silence-watch.ts";
import { watchSilence } from "./silence-watch.ts";

/** Time that passes when a test says so. */
function handClock() {
  let now = 0;
  const timers = new Set<{ at: number; ms: number; callback: () => void; refresh: () => void }>();
  const clock: Clock = {
    setTimeout(callback, ms) {
      const timer = {
        at: now + ms,
        ms,
        callback,
        refresh() {
          timer.at = now + ms;
          timers.add(timer);
        },
      };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as never),
  };
  async function pass(ms: number): Promise<void> {
    const end = now + ms;
    for (;;) {
      const next = [...timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (!next) break;
      timers.delete(next);
      now = next.at;
      next.callback();
      await Promise.resolve();
      await Promise.resolve();
    }
    now = end;
  }
  return { clock, pass, open: () => timers.size };
}

function watched() {
  const hand = handClock();
  const seen: string[] = [];
  const probes: ((up: boolean) => void)[] = [];
  const watch: SilenceWatch = watchSilence({
    silenceMs: 5000,
    probe: () => new Promise((resolve) => probes.push(resolve)),
    status: (state) => seen.push(state),
    gone: (failure) => seen.push(`gone: ${failure.message}`),
    clock: hand.clock,
  });
  const answer = async (up: boolean): Promise<void> => {
    probes.shift()?.(up);
    await hand.pass(0);
    await Promise.resolve();
  };
  return { ...hand, seen, probes, watch, answer };
}

const down = "gone: The model server has not answered for 5 s and does not answer its health check";

test("[R-C7] who talks is left alone", async () => {
  const { pass, watch, probes, seen } = watched();
  for (let each = 0; each < 10; each++) {
    await pass(4999);
    watch.heard();
  }
  expect([probes.length, seen]).toEqual([0, []]);
});

test("[R-C7] silent for 5 s, health answers: loading, and running when it goes on", async () => {
  const { pass, watch, seen, answer } = watched();
  await pass(5000);
  await answer(true);
  expect(seen).toEqual(["loading"]);
  watch.heard();
  expect(seen).toEqual(["loading", "running"]);
});

test("[R-C7] health does not answer: people hear of it before that is certain", async () => {
  const { pass, seen, answer } = watched();
  await pass(5250);
  expect(seen).toEqual(["waiting"]);
  await answer(false);
  expect(seen).toEqual(["waiting", down]);
});

test("[R-C7] while it loads the check goes on: a server that dies meanwhile is found out", async () => {
  const { pass, seen, answer } = watched();
  await pass(5000);
  await answer(true);
  await pass(5000);
  await answer(true);
  await pass(5000);
  await answer(false);
  expect(seen).toEqual(["loading", "waiting", down]);
});

test("a byte while the check is under way counts for more than its outcome", async () => {
  const { pass, watch, seen, answer } = watched();
  await pass(5000);
  watch.heard();
  await answer(false);
  expect(seen).toEqual([]);
});

test("no alarm while the controller itself does not keep up", async () => {
  const { pass, watch, probes } = watched();
  watch.pause();
  await pass(20_000);
  expect(probes).toHaveLength(0);
  watch.heard();
  await pass(5000);
  expect(probes).toHaveLength(1);
});

test("stopped: no timer is left and nothing is said", async () => {
  const { pass, watch, seen, answer, open } = watched();
  await pass(5100);
  watch.stop();
  await answer(false);
  await pass(20_000);
  expect([seen, open()]).toEqual([[], 0]);
});
