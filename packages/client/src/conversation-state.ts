/**
 * What a reader knows of one conversation, as a pure function of what the server said: messages come out in the order of
 * the log, each exactly once (O2, S1), and drafts are always a true beginning of their stream (T1).
 *
 *   detached     no subscription on this connection; what is known is kept
 *     subscribe -> subscribing
 *   subscribing  asked; everything else is ignored until the answer
 *     resumed, reset(epoch, ahead) -> replaying · reset(erased, not_allowed) -> gone
 *   replaying    the messages that were missed follow
 *     live -> live
 *   live         in step with the log
 *   gone         erased or not allowed; `reason` says which
 *
 * In every state but gone: detach -> detached. A message that is not the next one, or a `live` ahead of the position, is a
 * fault of the other side: -> subscribing, from the position; the fourth fault in a row without a message asks for another connection.
 */
import type { Message, Permission, PlacedPart, Position, ResetReason, ServerMessage, StreamOutcome, TurnState } from "@skep/protocol";
import { withPart, withThought } from "./draft-parts.ts";

/** The text of an answer while it is written. `text` is a true beginning of the stream, which began at offset 0. */
export interface Draft {
  turn: string;
  stream: string;
  text: string;
  /** What it is made of besides its text; `at` may be further than the text that is known. */
  parts: readonly PlacedPart[];
  /** null while it is being written; `interrupted`: the next attempt's text replaces it. */
  outcome: StreamOutcome | null;
  /** A `snapshot` was asked for and has not come yet; of the text, of the parts. */
  asked: boolean;
  askedParts: boolean;
}

export interface TurnView {
  turn: string;
  state: TurnState;
  attempt: number;
  /** Attempts before the turn fails. */
  attempts: number;
  reason: string;
}

export interface ConversationState {
  phase: "detached" | "subscribing" | "replaying" | "live" | "gone";
  /** null: nothing is known, everything from the first message is wanted. */
  position: Position | null;
  /** One for each turn whose answer is being written. */
  drafts: ReadonlyMap<string, Draft>;
  /** Turns that are not over. */
  turns: ReadonlyMap<string, TurnView>;
  /** Requests for permission of turns that are not over: those that wait, and what became of them. */
  permissions: ReadonlyMap<string, Permission>;
  /** Streams that have ended; a late delta of one of them is ignored. The newest 64 are enough: a server sends none after the end. */
  ended: readonly string[];
  reason: ResetReason | null;
  faults: number;
}

export type ConversationInput =
  | { type: "subscribe" }
  | { type: "detach" }
  | Extract<
      ServerMessage,
      { type: "resumed" | "reset" | "live" | "message" | "delta" | "part" | "thought" | "permission" | "stream-ended" | "turn" }
    >;

export type ConversationEffect =
  | { type: "message"; message: Message }
  /** Forget the messages so far; for `epoch` and `ahead` all of them follow again. */
  | { type: "reset"; reason: ResetReason }
  | { type: "subscribe"; after: Position | null }
  | { type: "snapshot"; stream: string; offset: number; parts?: true }
  /** This connection does not keep the protocol: take another. */
  | { type: "reconnect" };

export interface ConversationStep {
  state: ConversationState;
  effects: readonly ConversationEffect[];
}

export const conversationFrom = (position: Position | null): ConversationState => ({
  phase: "detached",
  position,
  drafts: new Map(),
  turns: new Map(),
  permissions: new Map(),
  ended: [],
  reason: null,
  faults: 0,
});

const endedKept = 64;
const faultsAllowed = 3;
const nothing: readonly ConversationEffect[] = [];
const same = (state: ConversationState): ConversationStep => ({ state, effects: nothing });

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  if (!map.has(key)) return map;
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
const withEntry = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> => new Map(map).set(key, value);

function fault(state: ConversationState): ConversationStep {
  const faults = state.faults + 1;
  if (faults > faultsAllowed) return { state: { ...state, phase: "detached", faults: 0 }, effects: [{ type: "reconnect" }] };
  return { state: { ...state, phase: "subscribing", faults }, effects: [{ type: "subscribe", after: state.position }] };
}

function reset(state: ConversationState, reason: ResetReason, epoch: string): ConversationStep {
  const gone = reason === "erased" || reason === "not_allowed";
  const fresh = conversationFrom(gone ? null : { epoch, seq: 0 });
  return { state: { ...fresh, phase: gone ? "gone" : "replaying", reason }, effects: [{ type: "reset", reason }] };
}

function resumed(state: ConversationState, epoch: string, from: number): ConversationStep {
  const { position } = state;
  if (!position) {
    if (from !== 0) return fault(state);
    return same({ ...state, phase: "replaying", position: { epoch, seq: 0 } });
  }
  if (position.epoch !== epoch || from > position.seq) return fault(state);
  // Snapshots that were asked for on an earlier connection never come.
  const drafts = new Map([...state.drafts].map(([turn, draft]) => [turn, { ...draft, asked: false, askedParts: false }]));
  // Those that still wait are told after `live`.
  return same({ ...state, phase: "replaying", drafts, permissions: new Map() });
}

const endStream = (ended: readonly string[], stream: string): readonly string[] =>
  ended.includes(stream) ? ended : [...ended.slice(1 - endedKept), stream];

function take(state: ConversationState, message: Message): ConversationStep {
  if (!state.position || message.seq <= state.position.seq) return same(state);
  if (message.seq > state.position.seq + 1) return fault(state);
  let { drafts, turns, permissions, ended } = state;
  if (message.turn !== undefined && message.role !== "person") {
    const draft = drafts.get(message.turn);
    if (draft) ended = endStream(ended, draft.stream);
    drafts = without(drafts, message.turn);
    turns = without(turns, message.turn);
    for (const [id, { turn }] of permissions) if (turn === message.turn) permissions = without(permissions, id);
  }
  const position = { epoch: state.position.epoch, seq: message.seq };
  return { state: { ...state, position, drafts, turns, permissions, ended, faults: 0 }, effects: [{ type: "message", message }] };
}

const newDraft = (turn: string, stream: string): Draft => ({
  turn,
  stream,
  text: "",
  parts: [],
  outcome: null,
  asked: false,
  askedParts: false,
});

/** `change` gives the parts as they are now, or null when something before is missing. */
function compose(
  state: ConversationState,
  turn: string,
  stream: string,
  change: (parts: readonly PlacedPart[]) => readonly PlacedPart[] | null,
): ConversationStep {
  if (state.ended.includes(stream)) return same(state);
  const known = state.drafts.get(turn);
  const draft = known?.stream === stream ? known : newDraft(turn, stream);
  const parts = change(draft.parts);
  if (parts)
    return parts === draft.parts
      ? same(state)
      : same({ ...state, drafts: withEntry(state.drafts, turn, { ...draft, parts, askedParts: false }) });
  if (draft.askedParts) return same(state);
  const drafts = withEntry(state.drafts, turn, { ...draft, askedParts: true });
  return { state: { ...state, drafts }, effects: [{ type: "snapshot", stream, offset: draft.text.length, parts: true }] };
}

function permissionChanged(state: ConversationState, permission: Permission): ConversationStep {
  // What became of one that was never shown, or whose turn is over, is history.
  if (permission.state !== "pending" && !state.permissions.has(permission.id)) return same(state);
  return same({ ...state, permissions: withEntry(state.permissions, permission.id, permission) });
}

function write(state: ConversationState, turn: string, stream: string, offset: number, text: string): ConversationStep {
  if (state.ended.includes(stream)) return same(state);
  const known = state.drafts.get(turn);
  const draft = known?.stream === stream ? known : newDraft(turn, stream);
  const have = draft.text.length;
  if (offset > have) {
    if (draft.asked) return same(state);
    const drafts = withEntry(state.drafts, turn, { ...draft, asked: true });
    return { state: { ...state, drafts }, effects: [{ type: "snapshot", stream, offset: have }] };
  }
  if (offset + text.length <= have && draft === known) return same(state);
  const drafts = withEntry(state.drafts, turn, { ...draft, text: draft.text + text.slice(have - offset), outcome: null, asked: false });
  return same({ ...state, drafts });
}

function endOfStream(state: ConversationState, turn: string, stream: string, outcome: StreamOutcome): ConversationStep {
  const ended = endStream(state.ended, stream);
  const draft = state.drafts.get(turn);
  if (draft?.stream !== stream) return same({ ...state, ended });
  return same({ ...state, ended, drafts: withEntry(state.drafts, turn, { ...draft, outcome, asked: false }) });
}

function turnChanged(state: ConversationState, view: TurnView): ConversationStep {
  if (view.state === "completed" || view.state === "cancelled" || view.state === "failed") {
    return same({ ...state, turns: without(state.turns, view.turn) });
  }
  const before = state.turns.get(view.turn);
  const draft = state.drafts.get(view.turn);
  // Told of a later attempt without having heard the end of the earlier one: its text is not going to be finished.
  const over = draft && draft.outcome === null && (view.state === "retrying" || (before && view.attempt > before.attempt));
  return same({
    ...state,
    turns: withEntry(state.turns, view.turn, view),
    drafts: over ? withEntry(state.drafts, view.turn, { ...draft, outcome: "interrupted" }) : state.drafts,
  });
}

/** One thing that the server said, or that we did. Never throws. */
export function conversationStep(state: ConversationState, input: ConversationInput): ConversationStep {
  if (state.phase === "gone") return same(state);
  if (input.type === "detach") return same(state.phase === "detached" ? state : { ...state, phase: "detached" });
  if (input.type === "subscribe") {
    const { position } = state;
    return { state: { ...state, phase: "subscribing" }, effects: [{ type: "subscribe", after: position }] };
  }
  if (state.phase === "detached") return same(state);
  if (input.type === "reset") return reset(state, input.reason, input.epoch);
  if (state.phase === "subscribing") return input.type === "resumed" ? resumed(state, input.epoch, input.from) : same(state);
  switch (input.type) {
    case "resumed":
      return same(state);
    case "live":
      if (input.seq > (state.position?.seq ?? 0)) return fault(state);
      return same({ ...state, phase: "live" });
    case "message":
      return take(state, input.message);
    case "delta":
      return write(state, input.turn, input.stream, input.offset, input.text);
    case "part":
      return compose(state, input.turn, input.stream, (parts) => withPart(parts, input.index, input.at, input.part));
    case "thought": {
      const { turn, stream, index, at, id, offset, text } = input;
      return compose(state, turn, stream, (parts) => withThought(parts, index, at, id, offset, text));
    }
    case "permission":
      return permissionChanged(state, input.permission);
    case "stream-ended":
      return endOfStream(state, input.turn, input.stream, input.outcome);
    case "turn": {
      const { turn, state: name, attempt, attempts, reason } = input;
      return turnChanged(state, { turn, state: name, attempt, attempts, reason: reason ?? "" });
    }
  }
}
