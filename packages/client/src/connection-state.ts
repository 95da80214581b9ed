/**
 * The connection, as a pure state machine: no socket, no clock and no randomness in it.
 *
 *   idle            nothing was asked for yet
 *     start -> connecting
 *   connecting      a socket is being opened; given up after `openMs`
 *     opened -> authenticating · lost, timer -> waiting · nudge -> connecting again, if this try is older than a second
 *   authenticating  the socket is open, the token (if any) is sent, `hello` is awaited; given up after `openMs`
 *     hello -> open · lost, timer -> waiting
 *   open            hello was heard: subscriptions and sends may go out
 *     lost -> waiting (0 ms for the first try: C2) · timer -> waiting, when nothing was heard for `silentMs` (C1)
 *   waiting         between two tries, with full jitter
 *     timer, nudge -> connecting
 *   closed          by us; start -> connecting
 *   refused         a close code said not to come back (C3); start -> connecting, when a person asks for it
 *
 * In every state: stop -> closed. Failures are counted until a connection has been open for `stableMs`: a server that
 * says hello and dies at once is not hammered.
 */
import { mayReconnect } from "@skep/protocol/errors";
import { type BackOff, defaultBackOff, fullJitter } from "./back-off.ts";

/** `tries` counts failures in a row; times are those of the caller's clock, in milliseconds. */
export type ConnectionState =
  | { name: "idle" }
  | { name: "connecting"; tries: number; since: number; dueAt: number }
  | { name: "authenticating"; tries: number; dueAt: number }
  | { name: "open"; tries: number; since: number; dueAt: number }
  | { name: "waiting"; tries: number; dueAt: number; code: number; reason: string }
  | { name: "closed" }
  | { name: "refused"; code: number; reason: string };

export type ConnectionEvent =
  | { type: "start" }
  /** The socket is open. */
  | { type: "opened" }
  | { type: "hello" }
  /** Any frame. */
  | { type: "heard" }
  /** The socket is gone, with its close code (1006 when there was none). */
  | { type: "lost"; code: number; reason: string }
  /** `dueAt` may have come; an early timer changes nothing. */
  | { type: "timer" }
  /** The network may be back, or a person does not want to wait. */
  | { type: "nudge" }
  | { type: "stop" };

/** What the caller does, in this order. After `drop` nothing of the old socket counts any more. */
export type ConnectionAction = "drop" | "open" | "authenticate";

export interface ConnectionTimes {
  silentMs: number;
  openMs: number;
  stableMs: number;
  backOff: BackOff;
}

export const defaultTimes: ConnectionTimes = { silentMs: 45_000, openMs: 10_000, stableMs: 1000, backOff: defaultBackOff };

/** The world at the moment of the event. */
export interface World {
  now: number;
  random: number;
  times: ConnectionTimes;
}

export interface ConnectionStep {
  state: ConnectionState;
  actions: readonly ConnectionAction[];
}

type Name = ConnectionState["name"];
type Type = ConnectionEvent["type"];
type Table = {
  readonly [S in Name]: {
    readonly [E in Type]: (
      state: Extract<ConnectionState, { name: S }>,
      event: Extract<ConnectionEvent, { type: E }>,
      world: World,
    ) => ConnectionStep;
  };
};

const stay = (state: ConnectionState): ConnectionStep => ({ state, actions: [] });
const stop = (): ConnectionStep => ({ state: { name: "closed" }, actions: ["drop"] });

const connect = (tries: number, { now, times }: World, actions: readonly ConnectionAction[] = ["open"]): ConnectionStep => ({
  state: { name: "connecting", tries, since: now, dueAt: now + times.openMs },
  actions,
});

function lose(tries: number, code: number, reason: string, { now, random, times }: World): ConnectionStep {
  if (!mayReconnect(code)) return { state: { name: "refused", code, reason }, actions: ["drop"] };
  const dueAt = now + fullJitter(tries, random, times.backOff);
  return { state: { name: "waiting", tries, dueAt, code, reason }, actions: ["drop"] };
}

const noAnswer = 4003;
const failuresAfterOpen = (state: { tries: number; since: number }, { now, times }: World): number =>
  now - state.since >= times.stableMs ? 0 : state.tries + 1;

const table: Table = {
  idle: {
    start: (_, __, world) => connect(0, world),
    opened: stay,
    hello: stay,
    heard: stay,
    lost: stay,
    timer: stay,
    nudge: stay,
    stop,
  },
  connecting: {
    start: stay,
    opened: (state, _, { now, times }) => ({
      state: { name: "authenticating", tries: state.tries, dueAt: now + times.openMs },
      actions: ["authenticate"],
    }),
    hello: stay,
    heard: stay,
    lost: (state, { code, reason }, world) => lose(state.tries + 1, code, reason, world),
    timer: (state, _, world) => (world.now < state.dueAt ? stay(state) : lose(state.tries + 1, noAnswer, "no connection", world)),
    // A try that began before the network came back may hang for many seconds in the kernel's own retries.
    nudge: (state, _, world) => (world.now - state.since < 1000 ? stay(state) : connect(state.tries, world, ["drop", "open"])),
    stop,
  },
  authenticating: {
    start: stay,
    opened: stay,
    hello: (state, _, { now, times }) => ({
      state: { name: "open", tries: state.tries, since: now, dueAt: now + times.silentMs },
      actions: [],
    }),
    heard: stay,
    lost: (state, { code, reason }, world) => lose(state.tries + 1, code, reason, world),
    timer: (state, _, world) => (world.now < state.dueAt ? stay(state) : lose(state.tries + 1, noAnswer, "no hello", world)),
    nudge: stay,
    stop,
  },
  open: {
    start: stay,
    opened: stay,
    hello: stay,
    heard: (state, _, { now, times }) => stay({ ...state, dueAt: now + times.silentMs }),
    lost: (state, { code, reason }, world) => lose(failuresAfterOpen(state, world), code, reason, world),
    timer: (state, _, world) =>
      world.now < state.dueAt ? stay(state) : lose(failuresAfterOpen(state, world), noAnswer, "nothing was heard", world),
    nudge: stay,
    stop,
  },
  waiting: {
    start: (state, _, world) => connect(state.tries, world),
    opened: stay,
    hello: stay,
    heard: stay,
    lost: stay,
    timer: (state, _, world) => (world.now < state.dueAt ? stay(state) : connect(state.tries, world)),
    nudge: (state, _, world) => connect(state.tries, world),
    stop,
  },
  closed: {
    start: (_, __, world) => connect(0, world),
    opened: stay,
    hello: stay,
    heard: stay,
    lost: stay,
    timer: stay,
    nudge: stay,
    stop: stay,
  },
  refused: {
    start: (_, __, world) => connect(0, world),
    opened: stay,
    hello: stay,
    heard: stay,
    lost: stay,
    timer: stay,
    nudge: stay,
    stop,
  },
};

export const initialConnection: ConnectionState = { name: "idle" };

/** One event. Never throws: an event that cannot happen in a state changes nothing there. */
export function connectionStep(state: ConnectionState, event: ConnectionEvent, world: World): ConnectionStep {
  const step = table[state.name][event.type] as (state: ConnectionState, event: ConnectionEvent, world: World) => ConnectionStep;
  return step(state, event, world);
}

/** When a `timer` event is due next, by the caller's clock; null when no timer is needed. */
export const connectionDueAt = (state: ConnectionState): number | null => ("dueAt" in state ? state.dueAt : null);
