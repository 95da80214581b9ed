import { expect, test } from "vitest";
import type { RestartHistory } from "./restart-policy.ts";
import { afterExit, noRestarts } from "./restart-policy.ts";

const always = { policy: "always", maxRestarts: 10, windowMs: 600_000 } as const;
const crash = { clean: false, reason: "exited with code 1", readyForMs: 100, answered: false };

test("[B6] the first restart is at once; the next ones wait longer and longer, with jitter, up to 30 s", () => {
  const pauses: number[] = [];
  let history: RestartHistory = noRestarts;
  for (let i = 0; i < 12; i++) {
    const next = afterExit(crash, { ...always, maxRestarts: 100 }, history, i, 1);
    if (next.kind !== "restart") throw new Error(next.kind);
    pauses.push(next.afterMs);
    history = next.history;
  }
  expect(pauses).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  expect(afterExit(crash, always, { restarts: [], inARow: 5 }, 0, 0)).toMatchObject({ afterMs: 800 });
});

test.each([{ readyForMs: 10_000 }, { answered: true }])("[B6] after a time in good health (%o) the pauses begin anew", (health) => {
  expect(afterExit({ ...crash, ...health }, always, { restarts: [], inARow: 7 }, 0, 1)).toMatchObject({ kind: "restart", afterMs: 0 });
});

test("[B6] more than 10 restarts within 10 minutes end in `failed`, with the reason; older ones do not count", () => {
  const restarts = Array.from({ length: 10 }, (_, i) => i * 1000);
  const failed = afterExit(crash, always, { restarts, inARow: 10 }, 20_000, 1);
  expect(failed).toMatchObject({ kind: "fail" });
  expect(failed.kind === "fail" && failed.reason).toContain("exited with code 1; 10 restarts in 10 min did not help");
  expect(afterExit(crash, always, { restarts, inARow: 10 }, 600_000, 1)).toMatchObject({ kind: "restart" });
});

test("[R-C5] the policy decides: never, only after a failure, always", () => {
  const clean = { ...crash, clean: true, reason: "exited with code 0" };
  expect(afterExit(crash, { ...always, policy: "never" }, noRestarts, 0, 1)).toMatchObject({ kind: "stay-stopped" });
  expect(afterExit(clean, { ...always, policy: "on-failure" }, noRestarts, 0, 1)).toMatchObject({ kind: "stay-stopped" });
  expect(afterExit(crash, { ...always, policy: "on-failure" }, noRestarts, 0, 1)).toMatchObject({ kind: "restart" });
  expect(afterExit(clean, always, noRestarts, 0, 1)).toMatchObject({ kind: "restart" });
});
