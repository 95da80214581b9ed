import type { ClientMessage, Message, MessageFile, Permission, Position, ResetReason } from "@skep/protocol/wire";
import { Refusal, type WireError } from "@skep/protocol/errors";
import { fullJitter } from "./back-off.ts";
import {
  type ConversationInput,
  type ConversationState,
  conversationFrom,
  conversationStep,
  type Draft,
  type TurnView,
} from "./conversation-state.ts";
import type { Content } from "./content.ts";
import { followTurn, type TurnNow, type TurnPart } from "./follow-turn.ts";
import { HeldMessages } from "./held-messages.ts";
import { History, type HistoryHost, type HistoryPage } from "./history.ts";
import type { Acceptance, Lane } from "./outbox.ts";
import { type PendingSend, PendingSends } from "./pending-sends.ts";
import { readMessages } from "./read-messages.ts";
import { type FileToSend, upload } from "./upload.ts";
import { Wakes } from "./wakes.ts";

/** What is new since the listener was called last. */
export interface ConversationChange {
  /** In order, each exactly once. After a reset: those of the new history. */
  messages: readonly Message[];
  /** Everything that was shown before is void. */
  reset: ResetReason | null;
}

/** What a conversation needs of the client that it belongs to. */
export interface ConversationHost extends HistoryHost {
  readonly heldMessages: number;
  /** Why nothing will come any more; null while something may. */
  ended(): Refusal | "closed" | null;
  connected(): boolean;
  post(message: ClientMessage): void;
  reconnect(): void;
  lane(conversation: string): Lane | undefined;
  add(conversation: string, key: string, content: Content): Promise<Acceptance>;
  /** Have `notify` called at the end of this tick. */
  changed(conversation: Conversation): void;
  newKey(): string;
  conversation(id: string): Conversation;
}

/** One conversation. It is subscribed to while somebody reads, listens or follows a turn. */
export class Conversation {
  readonly id: string;
  readonly #host: ConversationHost;
  #state: ConversationState = conversationFrom(null);
  readonly #held: HeldMessages;
  readonly #history: History;
  #users = 0;
  #resets = 0;
  #denials = 0;
  readonly #listeners = new Set<(change: ConversationChange) => void>();
  readonly #wakes = new Wakes();
  #fresh: Message[] = [];
  #freshReset: ResetReason | null = null;
  readonly #sends = new PendingSends();

  /** @internal */
  constructor(id: string, host: ConversationHost) {
    this.id = id;
    this.#host = host;
    this.#held = new HeldMessages(host.heldMessages);
    this.#history = new History(this.#path, host);
  }

  get phase(): ConversationState["phase"] {
    return this.#state.phase;
  }

  /** Of the newest message known here; null before the first answer of the server. */
  get position(): Position | null {
    return this.#state.position;
  }

  /** Answers that are being written, by turn. */
  get drafts(): ReadonlyMap<string, Draft> {
    return this.#state.drafts;
  }

  get turns(): ReadonlyMap<string, TurnView> {
    return this.#state.turns;
  }

  /** Requests for permission of turns that are not over, by id: those that wait, and what became of them. */
  get permissions(): ReadonlyMap<string, Permission> {
    return this.#state.permissions;
  }

  /** Sends that are not in the log yet, oldest first. */
  get pending(): readonly PendingSend[] {
    return this.#sends.pending(this.#host.lane(this.id));
  }

  /**
   * Gives the text to the outbox. Resolves when the message is durable on the server (K1), however long that takes.
   * @param options.key names the message for ever (K3): the same key again is the same message
   * @param options.files are uploaded first, one after the other; the outbox gets the message when they are on the server, so nothing is half sent
   * @throws TypeError when files could not be uploaded; then nothing was sent
   * @throws Refusal when it is refused for good, or when the client is told not to come back: then its fate is unknown, send it again under the same key
   */
  send(text: string, { key = this.#host.newKey(), files }: { key?: string; files?: readonly FileToSend[] } = {}): Promise<Acceptance> {
    return files && files.length > 0 ? this.#sendWith(files, key, text) : this.#host.add(this.id, key, { text });
  }

  async #sendWith(files: readonly FileToSend[], key: string, text: string): Promise<Acceptance> {
    const uploaded: MessageFile[] = [];
    for (const file of files) uploaded.push(await upload(this.#host.call, file));
    return this.#host.add(this.id, key, { text, files: uploaded });
  }

  /**
   * Begins a branch: a conversation with the messages before `seq`, which goes on with another text. Whoever does not know whether there was
   * an answer asks again under the same key.
   * @returns the branch, and what `send` would have given for its first message
   * @throws Refusal · TypeError when there is no connection
   */
  async branch(
    seq: number,
    text: string,
    { key = this.#host.newKey() }: { key?: string } = {},
  ): Promise<Acceptance & { conversation: Conversation }> {
    const { conversation, ...begun } = (await this.#host.call("POST", `${this.#path}/branches`, { before: seq, text, key })) as {
      conversation: { id: string; epoch: string };
    } & Omit<Acceptance, "epoch">;
    return { ...begun, epoch: conversation.epoch, conversation: this.#host.conversation(conversation.id) };
  }

  /** Forgets a send that failed. */
  dismiss(key: string): void {
    if (this.#sends.dismiss(key)) this.#host.changed(this);
  }

  /** @throws Refusal · TypeError when there is no connection */
  async cancel(turn: string): Promise<void> {
    await this.#host.call("POST", `${this.#path}/turns/${encodeURIComponent(turn)}/cancel`, {});
  }

  /** Has a turn that failed or was cancelled worked on again. @throws Refusal · TypeError when there is no connection */
  async retry(turn: string): Promise<void> {
    await this.#host.call("POST", `${this.#path}/turns/${encodeURIComponent(turn)}/retry`, {});
  }

  /**
   * Decides on a request for permission. The first decision counts (P2).
   * @throws Refusal `state_conflict` when it was settled before, with what was decided · TypeError when there is no connection
   */
  async decide(permission: string, option: string): Promise<Permission> {
    return (await this.#host.call("POST", `/api/permissions/${encodeURIComponent(permission)}`, { option })) as Permission;
  }

  /**
   * Calls at most once per tick, with what is new; drafts, turns and pending sends are read from the conversation itself.
   * @param options.after where the first listener or reader begins; without it everything from the first message follows
   * @returns how to stop
   */
  onChange(listener: (change: ConversationChange) => void, { after }: { after?: Position } = {}): () => void {
    const leave = this.#join(after ?? null);
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener)) leave();
    };
  }

  /**
   * Every message after a position, in order, each exactly once: first what there is, then what comes, across reconnects.
   * Ends when the signal is aborted or the client is closed.
   * @throws HistoryReset when what was read is void · Refusal when the conversation or the server does not let us in
   */
  async *read({ after, signal }: { after?: Position; signal?: AbortSignal } = {}): AsyncGenerator<Message, void> {
    const leave = this.#join(after ?? null);
    try {
      const log = {
        held: this.#held,
        history: this.#history,
        now: () => ({ position: this.#state.position, resets: this.#resets, reason: this.#state.reason, ended: this.#host.ended() }),
        changed: (until?: AbortSignal) => this.#wakes.next(until),
      };
      yield* readMessages(log, after ?? null, signal);
    } finally {
      leave();
    }
  }

  /**
   * A turn's answer while it is written, then the message that ends it. Ends after that.
   * @param asked what `send` gave, or the turn's name
   * @param options.after a position before the answer, if only the name is known; without it everything is read from the first message
   * @throws Refusal when no bot was asked, or as `read` does
   */
  async *turn(
    asked: string | Acceptance,
    { after, signal }: { after?: Position; signal?: AbortSignal } = {},
  ): AsyncGenerator<TurnPart, void> {
    if (typeof asked !== "string") {
      const { turn, epoch, seq } = asked;
      if (turn === null) throw new Refusal("state_conflict", "no bot answers in this conversation");
      yield* this.turn(turn, signal ? { after: { epoch, seq }, signal } : { after: { epoch, seq } });
      return;
    }
    const turn = asked;
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const messages = this.read(after ? { after, signal: stopped } : { signal: stopped });
    const look = (): TurnNow => {
      const { drafts, turns, permissions } = this.#state;
      return { draft: drafts.get(turn), view: turns.get(turn), permissions: [...permissions.values()].filter((one) => one.turn === turn) };
    };
    try {
      yield* followTurn(turn, messages, look, () => this.#wakes.next(stopped));
    } finally {
      stop.abort();
      await messages.return();
    }
  }

  /** Sends, then follows the turn. The send happens when the iteration begins, and is not undone when it stops (T3). */
  async *ask(text: string, { key, signal }: { key?: string; signal?: AbortSignal } = {}): AsyncGenerator<TurnPart, void> {
    const accepted = await this.send(text, key === undefined ? {} : { key });
    yield* this.turn(accepted, signal ? { signal } : {});
  }

  /** A page of history before a message, oldest first; the newest page without `before`. `limit` up to 500. */
  history({ before = Number.MAX_SAFE_INTEGER, limit = 100 }: { before?: number; limit?: number } = {}): Promise<HistoryPage> {
    return this.#history.before(before, limit);
  }

  /* ---- called by the client ---- */

  /** @internal */
  connected(): void {
    this.#denials = 0;
    if (this.#users > 0) this.#apply({ type: "subscribe" });
  }

  /** @internal */
  disconnected(): void {
    this.#apply({ type: "detach" });
  }

  /** @internal */
  hear(input: ConversationInput): void {
    if (this.#users > 0) this.#apply(input);
  }

  /** @internal The server does not let us subscribe, now or at all. */
  denied(error: WireError): void {
    if (this.#state.phase !== "subscribing") return;
    if (error.status === 429 || error.status >= 500) {
      const ms = error.retryAfterMs ?? fullJitter(++this.#denials, this.#host.random());
      this.#host.clock.after(ms, () => {
        if (this.#state.phase === "subscribing" && this.#users > 0 && this.#host.connected()) this.#apply({ type: "subscribe" });
      });
      return;
    }
    const reason = error.code === "not_found" ? "erased" : "not_allowed";
    this.#apply({ type: "reset", conversation: this.id, reason, epoch: "", head: 0 });
  }

  /** @internal The outbox has a final answer. */
  settled(key: string, content: Content, outcome: Acceptance | WireError): void {
    if ("code" in outcome) this.#sends.failed(key, content, outcome);
    else if (this.#users > 0) this.#sends.accepted(key, content, outcome, this.#state.position);
    this.#host.changed(this);
  }

  /** @internal At most once per tick. */
  notify(): void {
    const change: ConversationChange = { messages: this.#fresh, reset: this.#freshReset };
    this.#fresh = [];
    this.#freshReset = null;
    for (const listener of this.#listeners) listener(change);
    this.#wakes.all();
  }

  get #path(): string {
    return `/api/conversations/${encodeURIComponent(this.id)}`;
  }

  #join(after: Position | null): () => void {
    this.#users++;
    if (this.#users === 1) {
      this.#state = conversationFrom(after);
      this.#held.clear();
      if (this.#host.connected()) this.#apply({ type: "subscribe" });
    }
    let joined = true;
    return () => {
      if (!joined) return;
      joined = false;
      if (--this.#users > 0) return;
      this.#apply({ type: "detach" });
      this.#sends.forget();
      this.#fresh = [];
      this.#freshReset = null;
      this.#host.post({ type: "unsubscribe", conversation: this.id });
    };
  }

  #apply(input: ConversationInput): void {
    const { state, effects } = conversationStep(this.#state, input);
    if (state === this.#state && effects.length === 0) return;
    this.#state = state;
    for (const effect of effects) {
      if (effect.type === "message") this.#take(effect.message);
      else if (effect.type === "reset") this.#forget(effect.reason);
      else if (effect.type === "snapshot") {
        this.#host.post({ ...effect, conversation: this.id });
      } else if (effect.type === "reconnect") this.#host.reconnect();
      else {
        const subscribe: ClientMessage = { type: "subscribe", conversation: this.id };
        this.#host.post(effect.after ? { ...subscribe, after: effect.after } : subscribe);
      }
    }
    this.#host.changed(this);
  }

  #take(message: Message): void {
    this.#held.push(message);
    if (this.#listeners.size > 0) this.#fresh.push(message);
    this.#sends.arrived(message, this.#host.lane(this.id));
  }

  #forget(reason: ResetReason): void {
    this.#held.clear();
    this.#fresh = [];
    this.#freshReset = reason;
    this.#sends.forget();
    this.#resets++;
  }
}
