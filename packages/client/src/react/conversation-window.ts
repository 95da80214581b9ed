import { Refusal } from "@skep/protocol/errors";
import type { Message, Permission, ResetReason } from "@skep/protocol/wire";
import type { Client } from "../client.ts";
import type { Conversation } from "../conversation.ts";
import type { Draft, TurnView } from "../conversation-state.ts";
import { HistoryReset } from "../history-reset.ts";
import type { PendingSend } from "../pending-sends.ts";

/** A conversation as it is shown: its newest messages, what is being written, what is on its way. Another object after every change. */
export interface ConversationSnapshot {
  conversation: Conversation;
  /** `loading` until the first messages are there; `failed`: see `error`. */
  state: "loading" | "ready" | "failed";
  /** Without a gap, oldest first, up to the newest. */
  messages: readonly Message[];
  /** There are earlier ones: see `loadEarlier`. */
  earlier: boolean;
  /** Puts earlier messages in front. Does nothing where there are none. @throws Refusal · TypeError when there is no connection */
  loadEarlier: () => Promise<void>;
  drafts: ReadonlyMap<string, Draft>;
  turns: ReadonlyMap<string, TurnView>;
  permissions: ReadonlyMap<string, Permission>;
  pending: readonly PendingSend[];
  /** Why what was shown before was taken away, or why nothing can be shown any more. */
  reset: ResetReason | null;
  error: Refusal | null;
}

/**
 * The messages and the rest of a conversation in step: a snapshot is made once per turn of the event loop, when the messages of all that was heard have
 * been taken, so that a draft never goes before its message has come. Followed while somebody listens.
 */
export class ConversationWindow {
  readonly #client: Client;
  readonly #conversation: Conversation;
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();
  #epoch: string | null = null;
  #messages: readonly Message[] = [];
  #fresh: Message[] = [];
  #snapshot: ConversationSnapshot;
  #scheduled = false;
  #stop: AbortController | null = null;

  constructor(client: Client, id: string, limit: number) {
    this.#client = client;
    this.#conversation = client.conversation(id);
    this.#limit = limit;
    this.#snapshot = {
      conversation: this.#conversation,
      state: "loading",
      messages: [],
      earlier: false,
      loadEarlier: () => this.#loadEarlier(),
      ...this.#live(),
      reset: null,
      error: null,
    };
  }

  readonly getSnapshot = (): ConversationSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.abort();
      this.#stop = null;
    };
  };

  #start(): void {
    const stop = new AbortController();
    this.#stop = stop;
    void this.#follow(stop.signal);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      const epoch = this.#epoch ?? (await this.#loadNewest(signal));
      if (epoch !== null) await this.#read(epoch, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof HistoryReset) {
        this.#epoch = null;
        this.#messages = [];
        this.#fresh = [];
        const gone = error.reason === "erased" || error.reason === "not_allowed";
        this.#show({ state: gone ? "failed" : "loading", messages: [], earlier: false, reset: error.reason });
        if (!gone) this.#start();
      } else if (error instanceof Refusal) this.#show({ state: "failed", error });
      else throw error;
    }
  }

  async #read(epoch: string, signal: AbortSignal): Promise<void> {
    this.#takeFresh();
    const after = { epoch, seq: this.#messages.at(-1)?.seq ?? 0 };
    const leave = this.#conversation.onChange(() => this.#schedule(), { after });
    try {
      this.#show({ state: "ready", earlier: (this.#messages[0]?.seq ?? 1) > 1, error: null });
      for await (const message of this.#conversation.read({ after, signal })) {
        this.#fresh.push(message);
        this.#schedule();
      }
    } finally {
      leave();
    }
  }

  /** Tries with every connection. @returns the epoch; null when nobody listens any more */
  async #loadNewest(signal: AbortSignal): Promise<string | null> {
    for (;;) {
      try {
        const { epoch, messages } = await this.#conversation.history({ limit: this.#limit });
        if (signal.aborted) return null;
        this.#messages = messages;
        this.#epoch = epoch;
        return epoch;
      } catch (error) {
        if (signal.aborted) return null;
        if (error instanceof Refusal && error.status < 500 && error.code !== "busy") throw error;
        await this.#anotherConnection(signal);
      }
    }
  }

  #anotherConnection(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        leave();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const leave = this.#client.onConnection(({ name }) => {
        if (name === "open" || name === "closed" || name === "refused") end();
      });
      signal.addEventListener("abort", end);
    });
  }

  async #loadEarlier(): Promise<void> {
    const [first] = this.#messages;
    if (!first || first.seq === 1) return;
    const { epoch, messages } = await this.#conversation.history({ before: first.seq, limit: this.#limit });
    if (epoch !== this.#epoch || this.#messages[0] !== first) return;
    this.#messages = [...messages, ...this.#messages];
    this.#show({ messages: this.#messages, earlier: (this.#messages[0]?.seq ?? 1) > 1 });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#show({});
    });
  }

  #live(): Pick<ConversationSnapshot, "drafts" | "turns" | "permissions" | "pending"> {
    const { drafts, turns, permissions, pending } = this.#conversation;
    return { drafts, turns, permissions, pending };
  }

  #takeFresh(): void {
    if (this.#fresh.length > 0) this.#messages = [...this.#messages, ...this.#fresh];
    this.#fresh = [];
  }

  #show(change: Partial<ConversationSnapshot>): void {
    this.#takeFresh();
    this.#snapshot = { ...this.#snapshot, ...this.#live(), messages: this.#messages, ...change };
    for (const listener of this.#listeners) listener();
  }
}
