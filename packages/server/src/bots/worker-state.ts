/**
 * What a worker is in, and what moves it (B6). Pure: `move` says what comes of an event, the worker does it.
 *
 *   stopped ──start──> starting ──hello──> ready ──login──> login-needed ──signed in──> ready
 *   starting, ready, login-needed ──replace (it hangs, takes too much memory, …)──> hung
 *   starting, ready, login-needed, hung ──its process ends──> backoff | stopped | failed     (restart-policy.ts decides)
 *   starting, ready, login-needed, hung ──its program elsewhere has gone──> starting, where the next one is waited for
 *   backoff ──pause over, or start──> starting
 *   failed ──start──> starting
 *   any with a process ──stop──> stopping ──its process ends──> stopped
 *   stopping ──start──> restarting ──its process ends──> starting,   restarting ──stop──> stopping
 *
 * There is a process in starting, ready, login-needed, hung, stopping and restarting, and none in the others. Turns are given in `ready` alone.
 */
export const workerStates = [
  "stopped",
  "starting",
  "ready",
  "login-needed",
  "hung",
  "backoff",
  "failed",
  "stopping",
  "restarting",
] as const;
export type WorkerState = (typeof workerStates)[number];

/** `ended-…`: its process is gone or could not be started, and what the restart policy says about that. */
export const workerEvents = [
  "start",
  "stop",
  "hello",
  "login",
  "signed-in",
  "replace",
  "pause-over",
  "ended-again",
  "ended-for-good",
  "ended-failed",
  "ended-away",
] as const;
export type WorkerEvent = (typeof workerEvents)[number];

/** `pause`: start it again after the pause that the policy gave. */
export type WorkerAction = "launch" | "ask-to-end" | "kill" | "pause";

export interface Move {
  to: WorkerState;
  action?: WorkerAction;
}

/** Nothing comes of it: it is so already, or comes too late. */
const stays = null;
const launched: Move = { to: "starting", action: "launch" };
const ending: Move = { to: "stopping", action: "ask-to-end" };
const replacing: Move = { to: "hung", action: "kill" };
const ends = {
  "ended-again": { to: "backoff", action: "pause" },
  "ended-for-good": { to: "stopped" },
  "ended-failed": { to: "failed" },
  // Not ours to start: it is waited for at once, in starting.
  "ended-away": launched,
} as const satisfies Partial<Record<WorkerEvent, Move>>;
/** Without a process nothing is said and nothing ends. */
const silent = {
  hello: stays,
  login: stays,
  "signed-in": stays,
  replace: stays,
  "ended-again": stays,
  "ended-for-good": stays,
  "ended-failed": stays,
  "ended-away": stays,
} as const;

const moves: Readonly<Record<WorkerState, Readonly<Record<WorkerEvent, Move | null>>>> = {
  stopped: { ...silent, start: launched, stop: stays, "pause-over": stays },
  starting: {
    ...ends,
    start: stays,
    stop: ending,
    hello: { to: "ready" },
    // Said before hello it counts from hello on.
    login: stays,
    "signed-in": stays,
    replace: replacing,
    "pause-over": stays,
  },
  ready: {
    ...ends,
    start: stays,
    stop: ending,
    hello: stays,
    login: { to: "login-needed" },
    "signed-in": stays,
    replace: replacing,
    "pause-over": stays,
  },
  "login-needed": {
    ...ends,
    start: stays,
    stop: ending,
    hello: stays,
    // Another way to sign in, perhaps: the detail may have changed.
    login: { to: "login-needed" },
    "signed-in": { to: "ready" },
    replace: replacing,
    "pause-over": stays,
  },
  hung: { ...ends, start: stays, stop: ending, hello: stays, login: stays, "signed-in": stays, replace: stays, "pause-over": stays },
  backoff: { ...silent, start: launched, stop: { to: "stopped" }, "pause-over": launched },
  failed: { ...silent, start: launched, stop: { to: "stopped" }, "pause-over": stays },
  stopping: {
    start: { to: "restarting" },
    stop: stays,
    hello: stays,
    login: stays,
    "signed-in": stays,
    replace: stays,
    "pause-over": stays,
    "ended-again": { to: "stopped" },
    "ended-for-good": { to: "stopped" },
    "ended-failed": { to: "stopped" },
    "ended-away": { to: "stopped" },
  },
  restarting: {
    start: stays,
    stop: { to: "stopping" },
    hello: stays,
    login: stays,
    "signed-in": stays,
    replace: stays,
    "pause-over": stays,
    "ended-again": launched,
    "ended-for-good": launched,
    "ended-failed": launched,
    "ended-away": launched,
  },
};

/** @returns null when nothing comes of it. */
export const move = (state: WorkerState, event: WorkerEvent): Move | null => moves[state][event];

/** Was it asked to end, so that its end says nothing about its health? */
export const isEnding = (state: WorkerState): boolean => state === "stopping" || state === "restarting";
