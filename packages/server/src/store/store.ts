/**
 * The contract of a store. Two ways in: `commit` (one transaction for a batch of operations, results in their order) and reads.
 * Reads see what was committed when they began and never wait for a commit. Both stores pass `contract.ts` (rule D3).
 *
 * Numbers called `conversation` are the store's own short ids; `publicId` is what goes over the wire.
 */
import type { ErrorCode, Role, TurnOutcome } from "@skep/protocol";
import type { BeginBranch, Branched, StoredFork } from "./branch.ts";
import type { DropFiles, Freed, PutFile, StoredFile } from "./file.ts";
import type { AskPermission, DecidePermission, PermissionAnswer, PermissionPage, StoredPermission } from "./permission.ts";

export interface StoredConversation {
  conversation: number;
  publicId: string;
  bot: string;
  person: string;
  title: string;
  head: number;
  createdAt: number;
  activeAt: number;
  /** Of a branch: what it is a branch of (its public id, null when that was deleted), and the number of its first message of its own. */
  from: { origin: string | null; seq: number } | null;
}

export interface StoredMessage {
  /** Grows with every message of the whole store. */
  id: number;
  seq: number;
  role: Role;
  author: string;
  key: string | null;
  text: string;
  turn: number | null;
  outcome: TurnOutcome | null;
  /** Milliseconds since the Unix epoch. */
  createdAt: number;
  /** JSON of the parts of an answer; null when it has none. */
  parts: string | null;
  /** JSON of the files of a person's message, as the wire has them; null when it has none. */
  files: string | null;
}

export interface StoredTurn {
  turn: number;
  conversation: number;
  publicId: string;
  /** seq of the message that is to be answered. */
  seq: number;
  bot: string;
  person: string;
  state: "pending" | TurnOutcome;
  /** The newest attempt known to have been started; grows for ever, also over `retry-turn`. */
  attempt: number;
  /** `attempt` as the last retry by hand has left it, one further than any before, so that those are fenced: attempts are counted from there (B5). */
  baseAttempt: number;
  /** The generation that started `attempt`. */
  generation: number;
  cancelRequested: boolean;
}

export interface StoredBot {
  name: string;
  kind: string;
  /** JSON of the definition: options, workers, restart, limits. */
  definition: string;
  /** Whether it should be running: survives a restart of the controller. */
  wanted: boolean;
  createdAt: number;
}

/** `bot`: lets a program connect as the bot that is its `name`, and nothing else. */
export type CredentialKind = "token" | "session" | "link" | "bot";
/** One entry of a bot's timeline. */
export interface StoredBotEntry {
  /** Grows with every entry of the whole store. */
  number: number;
  at: number;
  entry: string;
}

export interface Credential {
  id: string;
  kind: CredentialKind;
  /** Hex SHA-256 of the secret; the secret itself is never stored. */
  hash: string;
  person: string;
  role: string;
  name: string;
  createdAt: number;
  expiresAt: number | null;
}

/**
 * Adds a person's message, and the turn of `bot` with it (K1). Answers: `Appended` or `Refused` (`key_conflict`, `send_gap`, `not_found`; with
 * files also `message_too_large`).
 */
export interface Append {
  op: "append";
  conversation: number;
  person: string;
  key: string | null;
  /** Names the outbox that counts `n` (O3). */
  sender: string;
  n: number | null;
  text: string;
  /** The bot whose turn it is; null for none. */
  bot: string | null;
  at: number;
  /** Public ids of files that the person has uploaded. Left out when there are none. */
  files?: readonly string[];
}
export interface Appended {
  ok: true;
  seq: number;
  id: number;
  turn: number | null;
  duplicate: boolean;
  /** As `StoredMessage` has them; left out when there are none. */
  files?: string;
}

/**
 * Ends a turn and adds the message that says so: the answer (role bot), or a visible failure or cancellation (B1, B5, T3).
 * Its pending requests for permission become withdrawn (P4).
 * Refused with `fenced` when a newer attempt or generation exists or the turn has ended (B3, B4): nothing is written then.
 */
export interface CloseTurn {
  op: "close-turn";
  turn: number;
  attempt: number;
  generation: number;
  outcome: TurnOutcome;
  role: "bot" | "system";
  author: string;
  text: string;
  /** JSON of the parts. */
  parts: string | null;
  at: number;
}
export interface Closed {
  ok: true;
  conversation: number;
  seq: number;
  id: number;
}

/** Makes known that an attempt has begun, so that older ones are fenced and attempts are counted across restarts (B4, B5). */
export interface StartAttempt {
  op: "start-attempt";
  turn: number;
  attempt: number;
  generation: number;
}

/** Appends to the saved text of an attempt (T5). `offset` in UTF-16 units. A fenced save is ignored. */
export interface SaveDraft {
  op: "save-draft";
  turn: number;
  attempt: number;
  generation: number;
  offset: number;
  text: string;
}

/** Makes a request to cancel durable (T3), before anything is told to the bot. */
export interface RequestCancel {
  op: "request-cancel";
  turn: number;
}

/** failed or cancelled -> pending, with attempts counted anew from there (B5). Answers `changed: false` for a pending turn; refused for a completed one. */
export interface RetryTurn {
  op: "retry-turn";
  turn: number;
}

export interface CreateConversation {
  op: "create-conversation";
  publicId: string;
  bot: string;
  person: string;
  title: string;
  at: number;
}
export interface RenameConversation {
  op: "rename-conversation";
  conversation: number;
  title: string;
}
/** Takes the conversation away with its messages, turns and drafts, and the files that no other conversation names; what its branches show of it stays with them. */
export interface DeleteConversation {
  op: "delete-conversation";
  conversation: number;
}

/** Refused with `bot_exists` when `create` and the name is taken. */
export interface PutBot {
  op: "put-bot";
  bot: StoredBot;
  create: boolean;
}
/** Pending turns of the bot stay, and wait for a bot of that name. Its timeline goes with it. */
export interface DeleteBot {
  op: "delete-bot";
  name: string;
}

/** Adds to a bot's timeline, of which only the newest `keep` entries stay. `changed: false`: there is no such bot (any more). */
export interface NoteBot {
  op: "note-bot";
  bot: string;
  at: number;
  /** JSON; the store does not look into it. */
  entry: string;
  keep: number;
}

export interface PutCredential {
  op: "put-credential";
  credential: Credential;
}
export interface DeleteCredential {
  op: "delete-credential";
  id: string;
}

export interface Done {
  ok: true;
  changed: boolean;
}
export interface Created {
  ok: true;
  conversation: number;
}
export interface Refused {
  ok: false;
  code: ErrorCode;
  detail: string;
  expected?: number;
}

/** Operation -> what it answers. */
export interface Answers {
  append: Appended | Refused;
  "close-turn": Closed | Refused;
  "start-attempt": Done | Refused;
  "save-draft": Done;
  "request-cancel": Done | Refused;
  "retry-turn": Done | Refused;
  "ask-permission": PermissionAnswer | Refused;
  "decide-permission": PermissionAnswer | Refused;
  "create-conversation": Created;
  "begin-branch": Branched | Refused;
  "rename-conversation": Done;
  "delete-conversation": Freed;
  "put-file": Done;
  "drop-files": Freed;
  "put-bot": Done | Refused;
  "delete-bot": Done;
  "note-bot": Done;
  "put-credential": Done;
  "delete-credential": Done;
}

export type Operation =
  | Append
  | CloseTurn
  | StartAttempt
  | SaveDraft
  | RequestCancel
  | RetryTurn
  | AskPermission
  | DecidePermission
  | CreateConversation
  | BeginBranch
  | RenameConversation
  | DeleteConversation
  | PutFile
  | DropFiles
  | PutBot
  | DeleteBot
  | NoteBot
  | PutCredential
  | DeleteCredential;

export type AnswerOf<O extends Operation> = Answers[O["op"]];
export type Answer = Answers[Operation["op"]];

/**
 * A batch could not be stored. `outcome` tells the caller what may be said to clients (K2): after `not-stored` the sends may be
 * refused; after `unknown` nothing may be said, because the batch may be found after a restart. `final`: this store takes no more writes.
 */
export class StoreFailure extends Error {
  readonly reason: "full" | "io";
  readonly outcome: "not-stored" | "unknown";
  readonly final: boolean;

  constructor(reason: "full" | "io", outcome: "not-stored" | "unknown", final: boolean, message: string) {
    super(message);
    this.name = "StoreFailure";
    this.reason = reason;
    this.outcome = outcome;
    this.final = final;
  }
}

export interface MessagePage {
  head: number;
  messages: StoredMessage[];
}

export interface ConversationFilter {
  person: string;
  bot?: string;
  /** Part of the title. */
  query?: string;
  /** `activeAt` and id of the last one of the page before. */
  before?: { activeAt: number; conversation: number };
  limit: number;
}

export interface SearchFilter {
  person: string;
  /** Words; all must occur; the last one may be the beginning of a word, from three letters on (any length in scripts without spaces). */
  query: string;
  bot?: string;
  /** Only messages created at or after / before, milliseconds. */
  since?: number;
  until?: number;
  limit: number;
}

export interface Found {
  publicId: string;
  title: string;
  bot: string;
  message: StoredMessage;
  /** Places of the words in `message.text`, UTF-16 offsets. */
  places: { offset: number; length: number }[];
}

export interface SearchResult {
  found: Found[];
  /** False while newer messages than these are still being indexed. */
  complete: boolean;
}

export interface Store {
  /** Names this life of the history: changes when a backup was restored (D5). */
  readonly epoch: string;
  /** Grows with every opening: whatever an older holder writes is fenced (B4). */
  readonly generation: number;

  /** Batches take effect and are answered in the order of the calls. @throws StoreFailure; then nothing of the batch counts as stored. */
  commit(batch: readonly Operation[]): Promise<Answer[]>;

  conversation(publicId: string): Promise<StoredConversation | null>;
  conversations(filter: ConversationFilter): Promise<StoredConversation[]>;
  /** Places at which what this conversation shows has been said in other ways, ascending; of more than `limit` branches the last ones. */
  forks(conversation: number, limit: number): Promise<StoredFork[]>;
  /**
   * `after`: the oldest ones after that seq; `before`: the newest ones before it. Always in ascending order. Large messages make a page shorter
   * than its limit, never empty.
   */
  messages(conversation: number, page: { after: number; limit: number } | { before: number; limit: number }): Promise<MessagePage>;
  /** What a bot gets to see as context: the newest messages of people and bots before `beforeSeq` within both budgets, ascending. */
  context(conversation: number, beforeSeq: number, maxMessages: number, maxCharacters: number): Promise<StoredMessage[]>;
  turn(turn: number): Promise<StoredTurn | null>;
  /** Pending turns in the order of their numbers, `after` that turn, at most `limit`. */
  pendingTurns(after: number, limit: number): Promise<StoredTurn[]>;
  /** The saved text of the newest attempt that has one. */
  draft(turn: number): Promise<{ attempt: number; text: string } | null>;
  permission(id: number): Promise<StoredPermission | null>;
  /** All that wait for a decision, oldest first; of one person, or of all. */
  pendingPermissions(person: string | null): Promise<StoredPermission[]>;
  /** The newest ones of a conversation before an id, ascending. */
  permissions(conversation: number, page: PermissionPage): Promise<StoredPermission[]>;
  /** A file that this person may read: who uploaded it, and whoever sees a conversation in which a message names it. */
  file(publicId: string, person: string): Promise<StoredFile | null>;
  /** Those that there are, in the order asked for. */
  files(publicIds: readonly string[]): Promise<StoredFile[]>;
  /** Which of these hashes files have. */
  heldHashes(hashes: readonly string[]): Promise<string[]>;
  /** Bytes of all files, each content once. */
  fileBytes(): Promise<number>;
  /** When the oldest file was uploaded that no message has named. */
  oldestUnnamedFile(): Promise<number | null>;
  search(filter: SearchFilter): Promise<SearchResult>;
  bots(): Promise<StoredBot[]>;
  /** A bot's timeline: the newest entries before that number, ascending. */
  botEntries(bot: string, before: number, limit: number): Promise<StoredBotEntry[]>;
  credentials(): Promise<Credential[]>;
  counts(): Promise<{ messages: number; conversations: number; bytes: number }>;

  /** Ends after the commits under way. */
  close(): Promise<void>;
}
