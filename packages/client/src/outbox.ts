/**
 * Sends that have no final answer yet, as a pure function: kept until they are accepted or refused for good, sent in the
 * order in which they were given (O3), under the same key every time (K3).
 *
 * Each conversation is a lane. The sends of a lane have the numbers `next`, `next + 1`, …, by their place in it; what the
 * server took has left the lane. Up to `window` of them are under way at a time. A lane is
 *
 *   flowing    whatever is in it goes out at once
 *     refused -> draining
 *   draining   one was refused, so the server will refuse those behind it as well: their answers are awaited, nothing goes out.
 *              (Answering each of these refusals with a send of its own would double the traffic at every round.)
 *     last answer -> flowing, numbered anew; or -> resting, if the server asked for time or three rounds brought nothing
 *   resting    until `until`
 *     timer -> flowing, from the first send on
 *
 * The server takes a number only after the one before it, so those that are under way together keep their order as long as their numbers are not too low: of two
 * that are, the first would be refused, and the second might be taken. Where they may be (a record of an earlier life may be old; a send was accepted
 * before one that had been put off), the lane is `unsure` and has one send under way, until the server has taken a new one or has said what it expects.
 *
 * A cut takes all of them back to "nothing is under way"; what became of it is unknown (K2), so it goes out again.
 */
import { errorTable, type WireError } from "@skep/protocol/errors";
import { type Content, contentOf } from "./content.ts";
import { type BackOff, defaultBackOff, fullJitter } from "./back-off.ts";

export interface Send extends Content {
  key: string;
  /** `unsent`: not given to this connection yet; `flying`: no answer yet; `queued`: on the server's disk, not in the log yet (K6). */
  state: "unsent" | "flying" | "queued";
  /** Times the server failed on it (`internal`). */
  failures: number;
}

export interface Lane {
  /** The number of the first send. */
  next: number;
  sends: readonly Send[];
  /** How many are `flying`. */
  flying: number;
  draining: boolean;
  /** `next` may be too low. */
  unsure: boolean;
  /** What the server said it expects, in this round. */
  expected: number | null;
  /** The refusal that asked for time, in this round. */
  wait: WireError | null;
  /** Resting until then, by the caller's clock; null when not resting. */
  until: number | null;
  /** Why, for people. */
  waitingFor: WireError | null;
  /** Rounds in a row that brought nothing. */
  fruitless: number;
}

export interface Outbox {
  /** Names this outbox to the server, which numbers each sender's sends separately. */
  sender: string;
  connected: boolean;
  lanes: ReadonlyMap<string, Lane>;
}

/** What has to survive a restart of the program or a reload of the page. JSON. */
export interface OutboxRecord {
  sender: string;
  lanes: Record<string, { next: number; sends: ({ key: string } & Content)[] }>;
}

export interface Acceptance {
  epoch: string;
  seq: number;
  /** The message had been accepted before, under the same key. */
  duplicate: boolean;
  turn: string | null;
}

export type OutboxEvent =
  | ({ type: "add"; conversation: string; key: string } & Content)
  /** `hello` was heard. */
  | { type: "connected" }
  | { type: "disconnected" }
  | ({ type: "accepted"; conversation: string; key: string } & Acceptance)
  | { type: "queued"; conversation: string; key: string }
  | { type: "refused"; conversation: string; key: string; error: WireError }
  | { type: "timer" };

export type OutboxEffect =
  | ({ type: "transmit"; conversation: string; key: string; n: number } & Content)
  | ({ type: "accepted"; conversation: string; key: string; acceptance: Acceptance } & Content)
  /** For good: it is not stored and never will be. */
  | ({ type: "refused"; conversation: string; key: string; error: WireError } & Content);

export interface OutboxWorld {
  now: number;
  random: number;
  window: number;
  backOff: BackOff;
}

export const defaultOutboxWorld = { window: 256, backOff: defaultBackOff };

export interface OutboxStep {
  outbox: Outbox;
  effects: readonly OutboxEffect[];
}

const emptyLane: Lane = {
  next: 1,
  sends: [],
  flying: 0,
  draining: false,
  unsure: false,
  expected: null,
  wait: null,
  until: null,
  waitingFor: null,
  fruitless: 0,
};
const roundsWithoutRest = 3;
const internalFailures = 8;

/** May the same send succeed later? A code of a newer server is judged by its status. */
const mayRetry = (error: WireError): boolean =>
  Object.hasOwn(errorTable, error.code) ? errorTable[error.code].retry : error.status === 429 || error.status >= 500;

function transmit(outbox: Outbox, conversation: string, lane: Lane, window: number): { lane: Lane; effects: OutboxEffect[] } {
  if (!outbox.connected || lane.draining || lane.until !== null) return { lane, effects: [] };
  const effects: OutboxEffect[] = [];
  let sends: Send[] | null = null;
  let flying = lane.flying;
  const most = lane.unsure ? 1 : window;
  // What is not sent yet stands behind everything that is: the lane goes out in order.
  for (let i = lane.sends.findIndex((send) => send.state === "unsent"); i >= 0 && i < lane.sends.length && flying < most; i++) {
    const send = lane.sends[i] as Send;
    sends ??= [...lane.sends];
    sends[i] = { ...send, state: "flying" };
    flying++;
    effects.push({ type: "transmit", conversation, key: send.key, n: lane.next + i, ...contentOf(send) });
  }
  return { lane: sends ? { ...lane, sends, flying } : lane, effects };
}

/** The end of a round: number anew, then rest or go on. */
function endRound(lane: Lane, world: OutboxWorld): Lane {
  if (!lane.draining || lane.flying > 0) return lane;
  const fruitless = lane.fruitless + 1;
  const resting = lane.sends.length > 0 && (lane.wait !== null || fruitless > roundsWithoutRest);
  const jitter = fullJitter(fruitless, world.random, world.backOff);
  const asked = lane.wait?.retryAfterMs;
  return {
    ...lane,
    next: lane.expected ?? lane.next,
    unsure: lane.unsure && lane.expected === null,
    sends: lane.sends.map((send) => (send.state === "unsent" ? send : { ...send, state: "unsent" })),
    draining: false,
    expected: null,
    wait: null,
    until: resting ? world.now + (asked === undefined ? jitter : asked * (1 + world.random / 4)) : null,
    waitingFor: resting ? lane.wait : null,
    fruitless: lane.sends.length > 0 ? fruitless : 0,
  };
}

function put(outbox: Outbox, conversation: string, lane: Lane, effects: readonly OutboxEffect[], world: OutboxWorld): OutboxStep {
  const out = transmit(outbox, conversation, endRound(lane, world), world.window);
  const lanes = new Map(outbox.lanes).set(conversation, out.lane);
  return { outbox: { ...outbox, lanes }, effects: [...effects, ...out.effects] };
}

/** Every lane that `change` changes is sent from. */
function putAll(outbox: Outbox, change: (lane: Lane) => Lane, world: OutboxWorld): OutboxStep {
  const effects: OutboxEffect[] = [];
  const lanes = new Map<string, Lane>();
  for (const [conversation, lane] of outbox.lanes) {
    const out = transmit(outbox, conversation, change(lane), world.window);
    lanes.set(conversation, out.lane);
    effects.push(...out.effects);
  }
  return { outbox: { ...outbox, lanes }, effects };
}

function answered(
  outbox: Outbox,
  event: Extract<OutboxEvent, { type: "accepted" | "queued" | "refused" }>,
  world: OutboxWorld,
): OutboxStep {
  const { conversation, key } = event;
  const lane = outbox.lanes.get(conversation);
  const at = lane?.sends.findIndex((send) => send.key === key) ?? -1;
  const send = lane?.sends[at];
  if (!lane || !send) return { outbox, effects: [] };
  const flying = lane.flying - (send.state === "flying" ? 1 : 0);

  if (event.type === "queued") {
    const sends = lane.sends.with(at, { ...send, state: "queued" });
    return put(outbox, conversation, { ...lane, sends, flying }, [], world);
  }
  if (event.type === "accepted") {
    const { epoch, seq, duplicate, turn } = event;
    // Only the first can be the one that used up the number `next`.
    const unsure = at > 0 || (lane.unsure && duplicate);
    const rest = { next: at === 0 ? lane.next + 1 : lane.next, unsure, sends: lane.sends.toSpliced(at, 1), expected: null, fruitless: 0 };
    const effect: OutboxEffect = { type: "accepted", conversation, key, ...contentOf(send), acceptance: { epoch, seq, duplicate, turn } };
    return put(outbox, conversation, { ...lane, ...rest, flying, waitingFor: null }, [effect], world);
  }
  const { error } = event;
  const failures = send.failures + (error.code === "internal" ? 1 : 0);
  const kept = lane.sends.with(at, { ...send, state: "unsent", failures });
  const drained = { ...lane, flying, draining: true };
  if (error.code === "send_gap") {
    const expected = error.expected ?? lane.expected;
    return put(outbox, conversation, { ...drained, sends: kept, expected }, [], world);
  }
  if (mayRetry(error) && failures < internalFailures) {
    return put(outbox, conversation, { ...drained, sends: kept, wait: error }, [], world);
  }
  // Its number was not used up, so those behind it move up by one: by their place in the lane they just did.
  const effect: OutboxEffect = { type: "refused", conversation, key, ...contentOf(send), error };
  return put(outbox, conversation, { ...drained, sends: lane.sends.toSpliced(at, 1), fruitless: 0 }, [effect], world);
}

const unsent = (lane: Lane): Lane => ({
  ...lane,
  sends: lane.sends.map((send) => (send.state === "unsent" ? send : { ...send, state: "unsent" })),
  flying: 0,
  draining: false,
  expected: null,
  wait: null,
});

/** One event. Never throws, never drops a send that has no final answer. */
export function outboxStep(outbox: Outbox, event: OutboxEvent, world: OutboxWorld): OutboxStep {
  switch (event.type) {
    case "add": {
      const { conversation, key } = event;
      const lane = outbox.lanes.get(conversation) ?? emptyLane;
      // The key names the message (K3): the same key again is the same send.
      if (lane.sends.some((send) => send.key === key)) return { outbox, effects: [] };
      const sends: readonly Send[] = [...lane.sends, { key, ...contentOf(event), state: "unsent", failures: 0 }];
      return put(outbox, conversation, { ...lane, sends }, [], world);
    }
    case "connected":
      return putAll({ ...outbox, connected: true }, unsent, world);
    case "disconnected":
      return putAll({ ...outbox, connected: false }, unsent, world);
    case "timer":
      return putAll(outbox, (lane) => (lane.until !== null && lane.until <= world.now ? { ...lane, until: null } : lane), world);
    case "accepted":
    case "queued":
    case "refused":
      return answered(outbox, event, world);
  }
}

/** When a `timer` event is due next; null when none is. */
export function outboxDueAt(outbox: Outbox): number | null {
  let due: number | null = null;
  for (const { until } of outbox.lanes.values()) if (until !== null && (due === null || until < due)) due = until;
  return due;
}

export const emptyOutbox = (sender: string): Outbox => ({ sender, connected: false, lanes: new Map() });

export function outboxFrom(record: OutboxRecord): Outbox {
  const lanes = new Map<string, Lane>();
  for (const [conversation, { next, sends }] of Object.entries(record.lanes)) {
    lanes.set(conversation, {
      ...emptyLane,
      next,
      unsure: true,
      sends: sends.map((send) => ({ key: send.key, ...contentOf(send), state: "unsent", failures: 0 })),
    });
  }
  return { sender: record.sender, connected: false, lanes };
}

export function recordOf(outbox: Outbox): OutboxRecord {
  const lanes: OutboxRecord["lanes"] = {};
  for (const [conversation, { next, sends }] of outbox.lanes) {
    lanes[conversation] = { next, sends: sends.map((send) => ({ key: send.key, ...contentOf(send) })) };
  }
  return { sender: outbox.sender, lanes };
}
