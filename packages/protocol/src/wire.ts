/**
 * What goes over `/ws`, both ways, and the shapes that REST shares with it. Types only for what the server sends
 * (it made them), types and checks (see `parse.ts`) for what a client sends.
 * A text frame holds one message or an array of messages. Offsets count UTF-16 code units.
 */
import type { Part, PermissionOption } from "./bot.ts";
import type { WireError } from "./errors.ts";

export type { Part, PermissionOption, PlanPart, ThoughtPart, ToolPart } from "./bot.ts";

export interface Position {
  epoch: string;
  seq: number;
}

export type Role = "person" | "bot" | "system";

/** An immutable entry of a conversation's log. */
export interface Message {
  seq: number;
  /** Unique over all conversations, stable for ever. */
  id: string;
  role: Role;
  /** A person's id, a bot's name, or "skep" for system messages. */
  author: string;
  /** On an answer: the bot that was asked, where another one answers in its place (its `fallback`). */
  insteadOf?: string;
  text: string;
  /** The turn that this message asked for (role person) or ended (roles bot and system). */
  turn?: string;
  /** How the turn ended, on the message that ended it. */
  outcome?: TurnOutcome;
  /** On a person's message: the key it was sent with, if it had one. Lets the sender recognise it in every tab. */
  key?: string;
  /** ISO 8601, UTC. For people to read; order never depends on it (O5). */
  createdAt: string;
  /** Files that a person sent with it. Not there when there are none. */
  files?: MessageFile[];
  /** What the answer is made of besides its text, in the order in which it began. */
  parts?: PlacedPart[];
}

/** Read with `GET /api/files/{id}`. */
export interface MessageFile {
  id: string;
  /** As its sender had it; may hold anything. */
  name: string;
  /** A media type. `image/png`, `image/jpeg`, `image/gif` and `image/webp` were recognised by the bytes; others are what the sender said. */
  type: string;
  /** Bytes. */
  size: number;
}

/** `at`: where in the text of the answer it began. */
export interface PlacedPart {
  at: number;
  part: Part;
}

export type PermissionState = "pending" | "decided" | "expired" | "withdrawn";

/** What a bot may not do without being allowed to (P1-P4). */
export interface Permission {
  id: string;
  conversation: string;
  turn: string;
  bot: string;
  title: string;
  /** What exactly; may be empty. */
  detail: string;
  /** id of the tool part that waits for it. */
  part?: string;
  options: PermissionOption[];
  state: PermissionState;
  /** The option that was chosen. A request that was decided without one was rejected. */
  option?: string;
  how?: "person" | "policy" | "expiry";
  decidedBy?: string;
  decidedAt?: string;
  createdAt: string;
  expiresAt: string;
}

export type TurnOutcome = "completed" | "cancelled" | "failed";

/**
 * queued -> running -> (loading | waiting ->) running -> completed | cancelled | failed; waiting: for somebody to decide on a permission;
 * running -> retrying -> running when an attempt ends without an answer; failed | cancelled -> queued by `retry`.
 */
export type TurnState = "queued" | "running" | "loading" | "waiting" | "retrying" | TurnOutcome;

export type StreamOutcome = TurnOutcome | "interrupted";

/** `login-needed`: it runs, but somebody has to sign in where it runs. `hung`: it is being replaced, for whatever reason. */
export type BotState = "stopped" | "starting" | "ready" | "login-needed" | "hung" | "backoff" | "failed" | "stopping";

export interface WorkerStatus {
  pid: number | null;
  state: BotState;
  /** Milliseconds since the Unix epoch. */
  startedAt: number | null;
  running: number;
  restarts: number;
  /** Megabytes (10^6 bytes) that it and the processes that it has started take: pages that are shared count in part. null: not known. */
  memoryMb: number | null;
  /** Why it is in this state, for people. */
  reason?: string;
}

/**
 * What a bot can do besides answering: stop a turn when it is cancelled; go on in its own session after a restart; use tools (and then ask for
 * permission, sign-in); look at images; be given files.
 */
export type BotAbility = "cancel" | "resume" | "tools" | "images" | "files";
/** One entry of a bot's timeline: what happened to it or one of its workers, and what was decided. */
export interface BotEvent {
  /** Grows with every entry of the whole store. */
  number: number;
  /** ISO 8601, UTC. */
  at: string;
  what: BotEventKind;
  /** The worker's process; null where there is none. */
  pid: number | null;
  /** A sentence for people. */
  reason: string;
  /** The rest is there where it applies, most of it with `ended`. */
  code?: number;
  signal?: string;
  uptimeMs?: number;
  memoryMb?: number;
  /** Attempts that the worker had. */
  attempts?: { conversation: string; attempt: string }[];
  /** The last lines of its error output. */
  output?: string[];
  decision?: "restart" | "stays-stopped" | "failed" | "stopped";
  restartInMs?: number;
}

/**
 * `start`, `stop`, `restart`: asked for by a person. `skep-started`: what came before ended with the whole program.
 * `stuck`: an attempt was taken away because nothing was heard of it.
 */
export type BotEventKind =
  | "start"
  | "stop"
  | "restart"
  | "skep-started"
  | "launched"
  | "ready"
  | "login-needed"
  | "signed-in"
  | "stuck"
  | "replaced"
  | "ended";

/** `in`: gets turns. `out`: has failed too often and gets none for a while. `trial`: gets one turn, to see whether it works again. */
export type WorkerHealth = "in" | "out" | "trial";

/** A worker as one of its bot's. */
export interface BotWorker extends WorkerStatus {
  name: string;
  weight: number;
  health: WorkerHealth;
  /** Taken out by hand: ends what it has, gets nothing new. */
  drained: boolean;
  /** Conversations that it works on. */
  load: number;
  /** Turns that wait for this worker and no other. */
  waiting: number;
}

export interface Bot {
  name: string;
  kind: string;
  /** What bots of this kind can do. */
  can: readonly BotAbility[];
  options: Record<string, unknown>;
  /** How many workers that are alike, or what each of them is. */
  workers: number | WorkerSpec[];
  balance: Balance;
  /** Bots that answer in its place when it cannot, in this order. */
  fallback: string[];
  restart: RestartSettings;
  limits: BotLimits;
  state: BotState;
  /** Why it is in this state, for people: last exit, last error. */
  reason?: string;
  queued: number;
  running: number;
  processes: BotWorker[];
  createdAt: string;
}

export interface WorkerSpec {
  /** Without a name it is called by its number. With a `count` above 1 the names are name-1, name-2… */
  name?: string | undefined;
  /** Its share of the turns, beside the weights of the others. */
  weight: number;
  /** So many workers like this. */
  count: number;
  /** Laid over the bot's options. */
  options: Record<string, unknown>;
}

/** Which worker gets a turn (see docs/bots.md). */
export type Balance = "least-busy" | "round-robin" | "weighted" | "sticky-conversation" | "sticky-person";

export interface RestartSettings {
  policy: "always" | "on-failure" | "never";
  /** More restarts than this within `windowMs` end in `failed` (B6). */
  maxRestarts: number;
  windowMs: number;
}

export interface BotLimits {
  /** Turns one worker works on at the same time. */
  concurrency: number;
  /** Turns that may wait; one more is refused with `busy` (K5). */
  queue: number;
  /** An attempt that takes longer is ended and counts as failed. */
  turnMs: number;
  /** Attempts before the turn fails (B5). */
  attempts: number;
  /** UTF-8 bytes of one answer. */
  answerBytes: number;
  /** Bytes of the parts of one answer, as JSON; what is beyond is cut, visibly. */
  partsBytes: number;
  /** Who decides on requests for permission: people, or this policy. */
  permissions: "ask" | "allow" | "reject";
  /** A request that nobody has decided on after this time counts as rejected. */
  permissionMs: number;
  /** Is a turn given to a bot again when it is not known whether it was done (B3)? */
  delivery: "at-least-once" | "at-most-once";
  /** A worker that answers no `ping` for so long hangs, and is replaced (R-C4). Only for bots that say they have a heartbeat. */
  heartbeatMs: number;
  /** An attempt of which nothing is heard for so long is taken away and tried again; 0: no limit. A status counts, and so does a question for permission. */
  progressMs: number;
  /** Megabytes of a worker with all that it has started. Over it, it gets no new turns and is replaced; 0: no limit. */
  memoryMb: number;
  /** How far its processes stand back behind the controller: 0 (not at all) to 19. */
  nice: number;
  /** Messages that it accepts in a minute, from all and from one person, and how many of one person may be pending; one more is `busy`. 0: any. */
  perMinute: number;
  personPerMinute: number;
  personConcurrency: number;
}

export interface Conversation {
  id: string;
  bot: string;
  title: string;
  epoch: string;
  /** seq of the newest message, 0 when there is none. */
  head: number;
  createdAt: string;
  /** Time of the last message, exact to one second. */
  activeAt: string;
  /** Of a branch: the conversation that it is a branch of (null when that was erased), and the number of its first message of its own. */
  from?: { conversation: string | null; seq: number };
}

/** A place at which several conversations, branches of each other, go on in different ways. */
export interface Fork {
  /** Number of the first message in which they differ. */
  seq: number;
  /** In the order in which they began. */
  conversations: string[];
  /** Which of them, counted from 0, has the message that is shown here. */
  shown: number;
}

/* ---- from the client ---- */

export type ClientMessage =
  | { type: "authenticate"; token: string }
  | { type: "subscribe"; conversation: string; after?: Position }
  | { type: "unsubscribe"; conversation: string }
  /**
   * `key` is unique per (conversation, person) for ever (K3). `n` counts the sends of one `sender` in this conversation from 1 (O3);
   * `sender` names the outbox (a tab, a device) that counts, so that two tabs of one person do not share a counter.
   * `files`: ids of files that were uploaded before; with some, `text` may be empty.
   */
  | { type: "send"; conversation: string; key: string; n?: number; sender?: string; text: string; files?: string[] }
  | { type: "cancel"; conversation: string; turn: string }
  | { type: "retry"; conversation: string; turn: string }
  | { type: "watch"; topic: "fleet" }
  | { type: "unwatch"; topic: "fleet" }
  /** `parts`: also all parts of the stream, from the first. */
  | { type: "snapshot"; conversation: string; stream: string; offset: number; parts?: boolean }
  /** The first decision on a request counts. */
  | { type: "decide"; conversation: string; permission: string; option: string };

/* ---- from the server ---- */

export type ResetReason = "epoch" | "ahead" | "erased" | "not_allowed";

export type ServerMessage =
  | { type: "hello"; version: number; node: string; person: string; limits: { messageBytes: number; frameBytes: number } }
  /** Everything after `from` follows, then `live`. */
  | { type: "resumed"; conversation: string; epoch: string; from: number; head: number }
  /** Forget what you have of it; for `epoch` and `ahead` everything from 1 follows, then `live`. */
  | { type: "reset"; conversation: string; reason: ResetReason; epoch: string; head: number }
  | { type: "live"; conversation: string; seq: number }
  | { type: "accepted"; conversation: string; key: string; epoch: string; seq: number; duplicate: boolean; turn: string | null }
  | { type: "queued"; conversation: string; key: string }
  | { type: "refused"; conversation: string; key: string; error: WireError }
  | { type: "message"; conversation: string; message: Message }
  /** `text` belongs at `offset`. The first delta of a stream that a reader sees may start anywhere it has not seen. */
  | { type: "delta"; conversation: string; turn: string; stream: string; offset: number; text: string }
  /** A tool or plan part, whole: it takes the place of what was at this index of the stream's parts. */
  | { type: "part"; conversation: string; turn: string; stream: string; index: number; at: number; part: Part }
  /** A piece of the thought at this index; `text` belongs at `offset` of the thought. */
  | {
      type: "thought";
      conversation: string;
      turn: string;
      stream: string;
      index: number;
      at: number;
      id: string;
      offset: number;
      text: string;
    }
  /** A request for permission, new or changed. */
  | { type: "permission"; conversation: string; permission: Permission }
  | { type: "stream-ended"; conversation: string; turn: string; stream: string; outcome: StreamOutcome }
  /** `by`: the bot that works on it in place of the one that was asked. */
  | { type: "turn"; conversation: string; turn: string; state: TurnState; attempt: number; attempts: number; by?: string; reason?: string }
  | { type: "bot"; bot: Bot }
  | { type: "bot-removed"; name: string }
  | { type: "notice"; code: string; detail: string }
  /** `about` names the message that was refused, where it was not a send. */
  | { type: "error"; error: WireError; about?: string; conversation?: string }
  | { type: "tick" };
