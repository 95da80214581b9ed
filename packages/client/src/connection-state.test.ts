import * as fc from "fast-check";
import { expect, test } from "vitest";
import { closeCodes } from "@skep/protocol/errors";
import {
  type ConnectionAction,
  type ConnectionEvent,
  type ConnectionState,
  connectionDueAt,
  connectionStep,
  defaultTimes,
  initialConnection,
} from "./connection-state.ts";

function walk(events: readonly ConnectionEvent[], { now = 0, random = 0.5 } = {}): { state: ConnectionState; actions: ConnectionAction[] } {
  let state: ConnectionState = initialConnection;
  const actions: ConnectionAction[] = [];
  for (const event of events) {
    const step = connectionStep(state, event, { now, random, times: defaultTimes });
    state = step.state;
    actions.push(...step.actions);
  }
  return { state, actions };
}
const toOpen: ConnectionEvent[] = [{ type: "start" }, { type: "opened" }, { type: "hello" }];
const lost = (code: number): ConnectionEvent => ({ type: "lost", code, reason: "" });

test("[C2] the first try after a connection that held is immediate, the next ones wait up to 250 ms, 500 ms … 15 s", () => {
  let { state } = walk(toOpen);
  const world = { now: 60_000, random: 0.999_999, times: defaultTimes };
  state = connectionStep(state, lost(1006), world).state;
  expect(connectionDueAt(state)).toBe(60_000);
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    state = connectionStep(state, { type: "nudge" }, world).state;
    state = connectionStep(state, lost(1006), world).state;
    waits.push(Math.round((connectionDueAt(state) ?? 0) - world.now));
  }
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
});

test("[C2] a server that says hello and dies at once is waited for longer each time", () => {
  let { state } = walk(toOpen);
  const world = { now: 10, random: 0.999_999, times: defaultTimes };
  for (const wait of [250, 500, 1000]) {
    state = connectionStep(state, lost(1006), world).state;
    expect(connectionDueAt(state)).toBeCloseTo(10 + wait, 1);
    for (const event of [{ type: "nudge" }, { type: "opened" }, { type: "hello" }] as const) {
      state = connectionStep(state, event, world).state;
    }
    expect(state.name).toBe("open");
  }
});

test("[C1] a connection that was silent for 45 s is given up, any frame puts that off", () => {
  const open = walk(toOpen).state;
  const at = (now: number) => ({ now, random: 0, times: defaultTimes });
  expect(connectionStep(open, { type: "timer" }, at(44_999)).state).toBe(open);
  expect(connectionStep(open, { type: "timer" }, at(45_000))).toMatchObject({ state: { name: "waiting" }, actions: ["drop"] });
  const heard = connectionStep(open, { type: "heard" }, at(30_000)).state;
  expect(connectionStep(heard, { type: "timer" }, at(74_999)).state.name).toBe("open");
  expect(connectionStep(heard, { type: "timer" }, at(75_000)).state.name).toBe("waiting");
});

test("[C3] 4000-4499 reconnect, 4500-4999 do not, until a person asks", () => {
  for (const [name, code] of Object.entries(closeCodes)) {
    const { state } = walk([...toOpen, lost(code)]);
    expect([name, state.name]).toEqual([name, code < 4500 ? "waiting" : "refused"]);
  }
  expect(walk([...toOpen, lost(4501), { type: "nudge" }, { type: "timer" }]).state.name).toBe("refused");
  expect(walk([...toOpen, lost(4501), { type: "start" }]).state.name).toBe("connecting");
});

const anyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.constantFrom(...(["start", "opened", "hello", "heard", "timer", "nudge"] as const)).map((type) => ({ type })),
  fc.constantFrom(1000, 1006, 4001, 4002, 4499, 4501).map(lost),
);

test("[C2] whatever happens in whatever order: one socket at a time, and a client that was started and not refused always has a next step", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyEvent, fc.nat(60_000), fc.double({ min: 0, max: 0.999, noNaN: true })), { maxLength: 60, size: "max" }),
      (steps) => {
        let state: ConnectionState = connectionStep(initialConnection, { type: "start" }, { now: 0, random: 0, times: defaultTimes }).state;
        let sockets = 1;
        let now = 0;
        for (const [event, later, random] of steps) {
          now += later;
          const step = connectionStep(state, event, { now, random, times: defaultTimes });
          state = step.state;
          for (const action of step.actions) {
            if (action === "open") sockets++;
            if (action === "drop") sockets = 0;
          }
          expect(sockets).toBeLessThanOrEqual(1);
          expect(sockets).toBe(["connecting", "authenticating", "open"].includes(state.name) ? 1 : 0);
          if (state.name === "refused") return;
          const due = connectionDueAt(state);
          expect(due).not.toBeNull();
          expect((due as number) - now).toBeLessThanOrEqual(defaultTimes.silentMs);
          // When it is due, something happens.
          const then = connectionStep(state, { type: "timer" }, { now: due as number, random, times: defaultTimes });
          expect(then.state.name).not.toBe(state.name);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("[C2] stop ends it in every state", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 20, size: "max" }), (events) => {
      const { state } = walk([...events, { type: "stop" }]);
      expect(state).toEqual({ name: "closed" });
      expect(connectionDueAt(state)).toBeNull();
    }),
  );
});
