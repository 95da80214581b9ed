/** What the doors may ask of conversations. Every call checks the person's right first (S5) and throws `Refusal` for what the caller can be told. */
import type { Conversation, Fork, Message, Permission, Position, TurnState } from "@skep/protocol";
import type { Found } from "../store/store.ts";

/** Who asks. Roles come with people of their own; until then the owner is the only one. */
export interface Person {
  id: string;
  role: string;
}

export interface Send {
  text: string;
  key?: string | undefined;
  n?: number | undefined;
  sender?: string | undefined;
  /** Ids of files that the person has uploaded. */
  files?: readonly string[] | undefined;
}

export interface Accepted {
  epoch: string;
  seq: number;
  duplicate: boolean;
  turn: string | null;
}

export interface BranchFrom {
  /** Number of the message that is said in another way. */
  before: number;
  text: string;
  key?: string | undefined;
}

export interface BranchBegun {
  conversation: Conversation;
  seq: number;
  duplicate: boolean;
  turn: string | null;
}

export interface Page {
  epoch: string;
  head: number;
  messages: Message[];
}

/** A connection's end of a subscription. Strings are encoded `ServerMessage`s. */
export interface Sink {
  push(encoded: string): void;
  /** False while too much is unsent: then the subscription waits, and goes on from its position after `drained` (C4). */
  writable(): boolean;
}

export interface Subscription {
  /** Call it when `writable` has become true again. */
  drained(): void;
  /** Deltas of this stream are sent again from `offset` (T1), and if wanted all its parts. */
  snapshot(stream: string, offset: number, parts: boolean): void;
  close(): void;
}

export interface ConversationsApi {
  create(person: Person, input: { bot: string; title: string }): Promise<Conversation>;
  /** A conversation that begins with the messages of another one before a place, and goes on with another text. */
  branch(person: Person, id: string, from: BranchFrom): Promise<BranchBegun>;
  /** Where what this conversation shows has been said in other ways, ascending. */
  forks(person: Person, id: string): Promise<Fork[]>;
  get(person: Person, id: string): Promise<Conversation>;
  list(
    person: Person,
    filter: { bot?: string | undefined; query?: string | undefined; cursor?: string | undefined; limit: number },
  ): Promise<{ conversations: Conversation[]; cursor: string | null }>;
  rename(person: Person, id: string, title: string): Promise<Conversation>;
  remove(person: Person, id: string): Promise<void>;
  messages(person: Person, id: string, page: { after: number; limit: number } | { before: number; limit: number }): Promise<Page>;
  send(person: Person, id: string, send: Send): Promise<Accepted>;
  /** The message that ended the turn, or null after `ms`. */
  answer(person: Person, id: string, turn: string, ms: number): Promise<Message | null>;
  cancel(person: Person, id: string, turn: string): Promise<{ state: TurnState }>;
  retry(person: Person, id: string, turn: string): Promise<{ state: TurnState }>;
  /** `wanted` is asked once the conversation is found: null, and nothing was pushed, when the answer is no. */
  subscribe(person: Person, id: string, after: Position | null, sink: Sink, wanted?: () => boolean): Promise<Subscription | null>;
  /** All requests for permission that wait for this person, oldest first. */
  pendingPermissions(person: Person): Promise<Permission[]>;
  /** The newest ones of a conversation before that one, oldest first, whatever became of them. */
  permissions(person: Person, id: string, page: { before?: string | undefined; limit: number }): Promise<Permission[]>;
  /** The first decision counts (P2); the same one again by the same person is answered again. */
  decide(person: Person, permission: string, option: string): Promise<Permission>;
  search(
    person: Person,
    query: { query: string; bot?: string | undefined; since?: number | undefined; until?: number | undefined; limit: number },
  ): Promise<{ found: Found[]; complete: boolean }>;
}
