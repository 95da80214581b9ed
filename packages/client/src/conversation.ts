import type { ClientMessage, Message, Permission, Position, ResetReason } from "@skep/protocol";
import { Refusal, type WireError } from "@skep/protocol/errors";
import { fullJitter } from "./back-off.ts";
import type { ServerCaller } from "./call-server.ts";
import type { Clock } from "./clock.ts";
import {
  type ConversationInput,
  type ConversationState,
  conversationFrom,
  conversationStep,
  type Draft,
  type TurnView,
} from "./conversation-state.ts";
import { followTurn, type TurnNow, type TurnPart } from "./follow-turn.ts";
import type { Acceptance, Lane } from "./outbox.ts";
import { type PendingSend, PendingSends } from "./pending-sends.ts";

/** History differs from what a reader has: the server's log begins another life, or the conversation is gone (S1). */
export class HistoryReset extends Error {
  readonly reason: ResetReason;

  constructor(reason: ResetReason) {
    super(`the history was reset (${reason}); read it again from the first message`);
    this.name = "HistoryReset";
    this.reason = reason;
  }
}

/** What is new since the listener was called last. */
export interface ConversationChange {
  /** In order, each exactly once. After a reset: those of the new history. */
  messages: readonly Message[];
  /** Everything that was shown before is void. */
  reset: ResetReason | null;
}

/** What a conversation needs of the client that it belongs to. */
export interface ConversationHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly call: ServerCaller;
  readonly heldMessages: number;
  /** Why nothing will come any more; null while something may. */
  ended(): Refusal | "closed" | null;
  connected(): boolean;
  post(message: ClientMessage): void;
  reconnect(): void;
  lane(conversation: string): Lane | undefined;
  add(conversation: string, key: string, text: string): Promise<Acceptance>;
  /** Have `notify` called at the end of this tick. */
  changed(conversation: Conversation): void;
  newKey(): string;
}

const pageSize = 500;

/** One conversation. It is subscribed to while somebody reads, listens or follows a turn. */
export class Conversation {
  readonly id: string;
  readonly #host: ConversationHost;
  #state: ConversationState = conversationFrom(null);
  /** The newest messages without a gap, up to the position. Readers that are further behind fetch pages. */
  #held: Message[] = [];
  #users = 0;
  #resets = 0;
  #denials = 0;
  readonly #listeners = new Set<(change: ConversationChange) => void>();
  #wakes = new Set<() => void>();
  #fresh: Message[] = [];
  #freshReset: ResetReason | null = null;
  readonly #sends = new PendingSends();

  constructor(id: string, host: ConversationHost) {
    this.id = id;
    this.#host = host;
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
   * @throws Refusal when it is refused for good, or when the client is told not to come back: then its fate is unknown, send it again under the same key
   */
  send(text: string, { key = this.#host.newKey() }: { key?: string } = {}): Promise<Acceptance> {
    return this.#host.add(this.id, key, text);
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
      const resets = this.#resets;
      let epoch = after?.epoch ?? null;
      let seq = after?.seq ?? 0;
      for (;;) {
        const ended = this.#host.ended();
        if (signal?.aborted || ended === "closed") return;
        if (this.#resets !== resets) throw new HistoryReset(this.#state.reason ?? "epoch");
        if (ended) throw ended;
        const { position } = this.#state;
        epoch ??= position?.epoch ?? null;
        if (position && position.epoch !== epoch) throw new HistoryReset("epoch");
        const held = position ? this.#held[seq - (position.seq - this.#held.length)] : undefined;
        if (held) {
          seq = held.seq;
          yield held;
        } else if (position && seq < position.seq) {
          for (const message of await this.#page(seq, epoch, signal)) {
            if (signal?.aborted) return;
            seq = message.seq;
            yield message;
          }
        } else await this.#wake(signal);
      }
    } finally {
      leave();
    }
  }

  /**
   * A turn's answer while it is written, then the message that ends it. Ends after that.
   * @param options.after a position before the answer: that of the message that asked
   */
  async *turn(turn: string, { after, signal }: { after?: Position; signal?: AbortSignal } = {}): AsyncGenerator<TurnPart, void> {
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const messages = this.read(after ? { after, signal: stopped } : { signal: stopped });
    const look = (): TurnNow => {
      const { drafts, turns, permissions } = this.#state;
      return { draft: drafts.get(turn), view: turns.get(turn), permissions: [...permissions.values()].filter((one) => one.turn === turn) };
    };
    try {
      yield* followTurn(turn, messages, look, () => this.#wake(stopped));
    } finally {
      stop.abort();
      await messages.return();
    }
  }

  /** Sends, then follows the turn. The send happens when the iteration begins, and is not undone when it stops (T3). */
  async *ask(text: string, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<TurnPart, void> {
    const { turn, epoch, seq } = await this.send(text);
    if (turn === null) throw new Refusal("state_conflict", "no bot answers in this conversation");
    yield* this.turn(turn, signal ? { after: { epoch, seq }, signal } : { after: { epoch, seq } });
  }

  /** A page of history before a message, oldest first; the newest page without `before`. `limit` up to 500. */
  async history({ before, limit = 100 }: { before?: number; limit?: number } = {}): Promise<{
    epoch: string;
    head: number;
    messages: Message[];
  }> {
    const from = before ?? Number.MAX_SAFE_INTEGER;
    return (await this.#host.call("GET", `${this.#path}/messages?before=${from}&limit=${limit}`)) as {
      epoch: string;
      head: number;
      messages: Message[];
    };
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
  settled(key: string, text: string, outcome: Acceptance | WireError): void {
    if ("code" in outcome) this.#sends.failed(key, text, outcome);
    else if (this.#users > 0) this.#sends.accepted(key, text, outcome, this.#state.position);
    this.#host.changed(this);
  }

  /** @internal At most once per tick. */
  notify(): void {
    const change: ConversationChange = { messages: this.#fresh, reset: this.#freshReset };
    this.#fresh = [];
    this.#freshReset = null;
    for (const listener of this.#listeners) listener(change);
    const wakes = this.#wakes;
    this.#wakes = new Set();
    for (const wake of wakes) wake();
  }

  get #path(): string {
    return `/api/conversations/${encodeURIComponent(this.id)}`;
  }

  #join(after: Position | null): () => void {
    this.#users++;
    if (this.#users === 1) {
      this.#state = conversationFrom(after);
      this.#held = [];
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
    if (this.#held.length > 2 * this.#host.heldMessages) this.#held = this.#held.slice(-this.#host.heldMessages);
    if (this.#listeners.size > 0) this.#fresh.push(message);
    this.#sends.arrived(message, this.#host.lane(this.id));
  }

  #forget(reason: ResetReason): void {
    this.#held = [];
    this.#fresh = [];
    this.#freshReset = reason;
    this.#sends.forget();
    this.#resets++;
  }

  /** Resolves with nothing, at the next change or when the signal is aborted. */
  #wake(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        this.#wakes.delete(wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal?.addEventListener("abort", wake);
    });
  }

  /** History that is not held any more. Tries until there is an answer: a reader does not end because a connection did. */
  async #page(after: number, epoch: string | null, signal?: AbortSignal): Promise<Message[]> {
    for (let tries = 1; ; tries++) {
      try {
        const path = `${this.#path}/messages?after=${after}&limit=${pageSize}`;
        const page = (await this.#host.call("GET", path, undefined, signal)) as { epoch: string; messages: Message[] };
        if (page.epoch !== epoch) throw new HistoryReset("epoch");
        return page.messages;
      } catch (error) {
        if (signal?.aborted || this.#host.ended() === "closed") return [];
        if (error instanceof HistoryReset || (error instanceof Refusal && error.status < 500 && error.code !== "busy")) throw error;
        await this.#rest(fullJitter(tries, this.#host.random()), signal);
      }
    }
  }

  #rest(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        callOff();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const callOff = this.#host.clock.after(ms, end);
      signal?.addEventListener("abort", end);
    });
  }
}
