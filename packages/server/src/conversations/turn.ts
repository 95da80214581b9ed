/**
 * A turn: a bot's work on one message, from the commit of that message to the message that ends it.
 *
 *   queued ──(first of its conversation, a worker has a free place)──> starting ──> running
 *   running ──answer──> closing ──committed──> gone              (outcome completed)
 *   running ──cancel made durable──> closing                     (outcome cancelled)
 *   running ──attempt failed, attempts left──> pausing ──back-off over──> queued
 *   running ──attempt failed, none left or no use──> closing      (outcome failed)
 *   queued, pausing ──cancel──> closing
 *   queued, running ──its bot is down or out of attempts, another stands in (stand-in.ts)──> queued, at that one
 *   running, behind another turn of its conversation that is to be tried again ──> queued   (taken back, not counted)
 *
 * A running turn that has asked for permission shows as "waiting" until the last of its questions is answered (`permissions.ts`); its limits of
 * time stand still meanwhile (P6): whoever watches progress looks at `waits`.
 *
 * The store knows only "pending" and the outcome: whatever is in memory here can be lost at any moment, and the turn begins again.
 */
import type { TurnState } from "@skep/protocol";
import type { TurnFile } from "@skep/protocol/bot";
import type { ActiveConversation } from "./active.ts";
import { encode, turnName } from "./encode.ts";
import type { StoredPermission } from "../store/permission.ts";
import type { Stream } from "./stream.ts";

/** What a bot's definition says about its turns. */
export interface TurnSettings {
  queue: number;
  attempts: number;
  turnMs: number;
  answerBytes: number;
  partsBytes: number;
  permissions: "ask" | "allow" | "reject";
  permissionMs: number;
  delivery: "at-least-once" | "at-most-once";
  /** Messages that are accepted in a minute, from all and from one person, and pending ones of one person; 0: any number (K5). */
  perMinute: number;
  personPerMinute: number;
  personConcurrency: number;
  /** Bots that answer in its place when it cannot. */
  fallback: readonly string[];
  /** Does it take files? */
  files?: boolean;
}

/** A worker that a turn is meant for. */
export interface Lane {
  /** False once the worker has died or was taken out: who waits for it should ask for another one. */
  readonly open: boolean;
  /** May the next turn of a conversation be given to it without asking? Not where each turn is dealt by itself. */
  readonly takesAhead: boolean;
  /** How many turns wait for it; counted by the queue that holds them. */
  waiting: number;
  place(): Place | null;
  /** A turn ran out of time at it. */
  failed(): void;
}

/** A worker's place, taken for one attempt. */
export interface Place {
  /** Does this bot want the conversation so far with each turn? */
  context: "message" | "history";
  /** @returns false when the worker has ended meanwhile. */
  give(request: TurnRequest): boolean;
  /** Gives the place back: the worker has no work of this attempt any more. */
  release(): void;
  /** A place behind this one at the same worker, for the next turn of the conversation; null when the bot takes no more ahead. */
  next(): Place | null;
  /** Asks the worker to stop; when it does not within `graceMs`, it is replaced. Then the place is free again and `onLetGo` is called, once. */
  cancel(token: string, graceMs: number, onLetGo: () => void): void;
  /** Answers a request for permission of the attempt, if the worker still has it. `option` null: rejected. */
  decide(token: string, request: string, option: string | null): void;
}

/** What turns need of the fleet. The composition root connects the two. */
export interface Workers {
  /** null: there is no such bot. */
  settings(bot: string): TurnSettings | null;
  /**
   * The worker that a turn should go to, or wait for; null: for now there is none, and `roomFor` is called with the bot's name when there may be.
   * `not`: where it has failed, for another one where there is one.
   */
  assign(bot: string, conversation: string, person: string, not: Lane | null): Lane | null;
  /** Why the bot will not run again by itself; null while it may, and when it was stopped by hand. */
  down(bot: string): string | null;
  /** Will it work on what it is given? Not when it is down, stopped by hand or gone. */
  up(bot: string): boolean;
}

export type ReportError = (event: string, detail: { turn?: string; conversation?: string; bot?: string; reason: string }) => void;

export interface TurnRequest {
  token: string;
  attempt: number;
  conversation: string;
  author: string;
  text: string;
  files?: TurnFile[];
  history?: { role: "person" | "bot"; author: string; text: string; files?: TurnFile[] }[];
}

export interface PendingPermission {
  stored: StoredPermission;
  takeBackExpiry: () => void;
}

/** An attempt's question that has no answer yet. */
export interface PermissionWait {
  /** As the bot calls it. */
  request: string;
  title: string;
  detail: string;
  /** null until it is stored. */
  id: number | null;
}

export type TurnPhase = "queued" | "starting" | "running" | "pausing" | "closing";

/** What the store, or a commit just made, says of a turn. */
export interface TurnOrigin {
  turn: number;
  seq: number;
  bot: string;
  person: string;
  /** null: to be read from the store when its time comes. */
  text: string | null;
  attempt: number;
  baseAttempt: number;
  cancelRequested: boolean;
}

export class Turn {
  readonly number: number;
  readonly name: string;
  readonly active: ActiveConversation;
  /** seq of the message to be answered. */
  readonly seq: number;
  /** The bot that was asked. */
  readonly asked: string;
  /** The bot that works on it: the one that was asked, or one that stands in for it. */
  bot: string;
  /** Bots that have had it -> their attempts at it; null while it was with one bot only. */
  tried: Map<string, number> | null = null;
  readonly person: string;
  phase: TurnPhase = "queued";
  /** The message's text while it is kept in memory; read from the store otherwise. */
  text: string | null;
  attempt: number;
  /** Attempts up to this one do not count: they were of an earlier round, or taken back before the bot began. */
  baseAttempt: number;
  cancelRequested: boolean;
  /** Its worker was lost, and it may be the one that has killed it (see `suspects.ts`). */
  suspect = false;
  forgiven = 0;
  /** It was taken back once, and is not given ahead again. */
  alone = false;
  /** Names the attempt, for its worker and as its stream. */
  token = "";
  place: Place | null = null;
  /** The worker that it was last meant for. */
  lane: Lane | null = null;
  stream: Stream | null = null;
  /** When its message was stored; moved on by the time in which people were asked. */
  begunAt = 0;
  startedAt = 0;
  /** Whether the store knows of this attempt. */
  recorded = false;
  savedLength = 0;
  savedBytes = 0;
  /** Have readers been told that it runs? Only turns that take a while are announced. */
  announced = false;
  note: { state: "loading" | "running" | "retrying"; reason: string } | null = null;
  /** Text of an attempt that a restart of the controller has cut off. */
  interrupted: { stream: string; text: string } | null = null;
  attempts: number;
  takeBackPause: (() => void) | null = null;
  /** Its requests for permission that are pending; null while there never was one. */
  permissions: Map<number, PendingPermission> | null = null;
  /** Those that the running attempt waits for. While there are some, no limit of time counts. */
  waits: PermissionWait[] = [];
  waitingSince = 0;
  /** Ends what the running attempt was given of files; null while it has none. */
  takeBackFiles: (() => void) | null = null;
  /** How often this attempt has asked. */
  questions = 0;

  constructor(active: ActiveConversation, from: TurnOrigin, attempts: number) {
    this.number = from.turn;
    this.name = turnName(from.turn);
    this.active = active;
    this.seq = from.seq;
    this.asked = from.bot;
    this.bot = from.bot;
    this.person = from.person;
    this.text = from.text;
    this.attempt = from.attempt;
    this.baseAttempt = from.baseAttempt;
    this.cancelRequested = from.cancelRequested;
    this.attempts = attempts;
  }

  /** How often it was given to a worker. */
  get tries(): number {
    return this.attempt - this.baseAttempt;
  }

  /** Those of them that count (B5). */
  get attemptsMade(): number {
    return this.tries - this.forgiven;
  }

  get state(): TurnState {
    if (this.phase === "queued" || this.phase === "pausing") return this.tries > 0 ? "retrying" : "queued";
    if (this.waits.length > 0) return "waiting";
    return this.note?.state === "loading" ? "loading" : "running";
  }

  /** Tells its readers how it stands. */
  announce(): void {
    this.announced = true;
    this.active.state(this.encodedState());
  }

  encodedState(): string {
    const trying = this.phase === "queued" || this.phase === "pausing" ? this.attemptsMade + 1 : this.attemptsMade;
    return encode({
      type: "turn",
      conversation: this.active.publicId,
      turn: this.name,
      state: this.state,
      attempt: Math.min(trying, this.attempts),
      attempts: this.attempts,
      ...(this.bot === this.asked ? {} : { by: this.bot }),
      ...(this.waits[0] ? { reason: this.waits[0].title } : this.note ? { reason: this.note.reason } : {}),
    });
  }
}

/**
 * How an attempt ended without an answer. `lost`: the worker died or was replaced; nobody knows how far it came. `company`: on how many
 * conversations it was.
 */
export interface AttemptFailure {
  reason: string;
  retry: boolean;
  lost: boolean;
  company?: number;
}

export type AfterFailure = { kind: "again"; afterMs: number } | { kind: "fail"; text: string };

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * What to do after an attempt that failed (B3, B5). A worker that died is replaced by its supervisor, which has a back-off of its own: its turn
 * waits only for that. A bot that says it failed is asked again after 0.5 s, doubling to 30 s, with jitter.
 */
export function afterFailure(
  failure: AttemptFailure,
  attemptsMade: number,
  settings: Pick<TurnSettings, "attempts" | "delivery">,
  random: number,
): AfterFailure {
  if (settings.delivery === "at-most-once") {
    return { kind: "fail", text: `${failure.reason}. This bot's work must not be repeated, so it was not tried again.` };
  }
  if (!failure.retry) return { kind: "fail", text: failure.reason };
  if (attemptsMade >= settings.attempts) return { kind: "fail", text: `${failure.reason} (tried ${attemptsMade} times)` };
  if (failure.lost) return { kind: "again", afterMs: 0 };
  const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (attemptsMade - 1));
  return { kind: "again", afterMs: Math.round(pause * (0.5 + random / 2)) };
}
