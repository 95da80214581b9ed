/**
 * One conversation as the page holds it. Its numbers have no gaps (O1), so a place in the list is a number: any part of a conversation of
 * any length can be shown without what lies before it. Pages are fetched where somebody looks, and forgotten where nobody does.
 *
 *   loading  the newest page is awaited; tried again until there is an answer
 *     page -> ready · refused (not found, not allowed) -> gone
 *   ready    in step with the server, across reconnects
 *     reset(epoch, ahead) -> ready, with what the server holds now · reset(erased, not_allowed) -> gone
 *   gone     nothing can be read or sent; `reason` says why
 */
import type { Client, Conversation, ConversationChange } from "@skep/client";
import { Refusal } from "@skep/client";
import type { Message, MessageFile } from "@skep/protocol";
import { type FeedView, resetSentences, type TailRow } from "./feed-view.ts";

const pageSize = 100;
const heldMessages = 3000;
const retryMs = 2000;
/** An answer that is being written is drawn this often at most: faster than it can be read, and with time to spare between. */
const drawnEveryMs = 40;
/** Of the newest messages, those that are looked at for a turn that waits. */
const waitingLookedFor = 60;

export interface FeedOptions {
  client: Client;
  id: string;
  notice: (text: string) => void;
  /** New messages, for lists and counters elsewhere. */
  arrived: (id: string, head: number) => void;
  /** A bot asks for a decision here, or does not any more. */
  asking: () => void;
}

export class ConversationFeed {
  readonly id: string;
  readonly conversation: Conversation;
  readonly #o: FeedOptions;
  readonly #messages = new Map<number, Message>();
  readonly #fetching = new Set<number>();
  readonly #listeners = new Set<() => void>();
  readonly #liveKeys = new Map<number, string>();
  readonly #turnKeys = new Map<string, string>();
  readonly #retries = new Map<string, number>();
  /** Turns whose answer stands in the log. Who comes in between the commit and the end of the stream still hears of its draft. */
  readonly #completed = new Set<string>();
  #turnsShown = 0;
  /** Number of the first message of its own; those before it are another conversation's (a branch). */
  #begins = 1;
  #asked = 0;
  #view: FeedView = { phase: "loading", reason: "", head: 0, tail: [], retries: new Map() };
  #leave: () => void = () => {};
  #closed = false;
  #frame = 0;
  /** When something that is being written was drawn last, on the clock of frames. */
  #drawnAt = 0;

  constructor(options: FeedOptions) {
    this.#o = options;
    this.id = options.id;
    this.conversation = options.client.conversation(options.id);
    void this.#load();
  }

  get view(): FeedView {
    return this.#view;
  }

  /** Is an answer awaited? */
  get busy(): boolean {
    return this.#view.tail.length > 0;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The message with this number; undefined while it is not here. */
  message(seq: number): Message | undefined {
    return this.#messages.get(seq);
  }

  /** The person's message that a message answers, if it is here. */
  questionOf({ seq, turn }: Message): Message | undefined {
    for (let before = seq - 1; before >= Math.max(1, seq - waitingLookedFor); before--) {
      const one = this.#messages.get(before);
      if (one?.turn === turn && one?.role === "person") return one;
    }
    return undefined;
  }

  /** The newest message that ended the turn of a question, if it is here. */
  answerTo({ seq, turn }: Message): Message | undefined {
    for (let after = this.#view.head; after > seq; after--) {
      const one = this.#messages.get(after);
      if (one?.turn === turn && one?.role !== "person") return one;
    }
    return undefined;
  }

  /** The number of the person's newest message that is here; 0 for none. */
  get newestOwn(): number {
    for (let seq = this.#view.head; this.#messages.has(seq); seq--) if (this.#messages.get(seq)?.role === "person") return seq;
    return 0;
  }

  /** The same for as long as what it names is on the page, also while a draft becomes a message. */
  keyOf(seq: number): string {
    return this.#liveKeys.get(seq) ?? `m${seq}`;
  }

  /** What becomes of it shows in the list. */
  send(text: string, files: readonly MessageFile[]): void {
    this.conversation.send(text, { files }).catch(() => {});
    // Nobody tells of changes yet.
    if (this.#view.phase === "loading") this.#show();
  }

  /** Turns of messages before this one are worked on, and tried again, in another conversation. */
  begins(seq: number): void {
    if (seq === this.#begins) return;
    this.#begins = seq;
    this.#show();
  }

  /** Somebody looks at these: fetches those that are not here. */
  need(from: number, to: number): void {
    if (this.#view.phase !== "ready") return;
    for (let seq = Math.max(1, from); seq <= Math.min(to, this.#view.head); seq++) {
      if (!this.#messages.has(seq)) void this.#fetch(Math.floor((seq - 1) / pageSize));
    }
    if (this.#messages.size > heldMessages) this.#forget(from - heldMessages / 2, to + heldMessages / 2);
  }

  close(): void {
    this.#closed = true;
    this.#leave();
    cancelAnimationFrame(this.#frame);
    this.#listeners.clear();
  }

  async #load(): Promise<void> {
    while (!this.#closed) {
      try {
        const { epoch, head, messages } = await this.conversation.history({ limit: pageSize });
        if (this.#closed) return;
        const seq = messages.at(-1)?.seq ?? head;
        for (const message of messages) this.#take(message);
        this.#view = { ...this.#view, phase: "ready", head: seq };
        const leave = this.conversation.onChange((change) => this.#changed(change), { after: { epoch, seq } });
        const stop = this.#o.client.onConnection(() => this.#show());
        this.#leave = () => {
          leave();
          stop();
        };
        this.#show();
        return;
      } catch (error) {
        if (error instanceof Refusal && error.status < 500 && error.code !== "busy") {
          this.#end(error.status === 404 ? "This conversation does not exist." : error.message);
          return;
        }
        // What waits to be sent can be seen without the server.
        this.#show();
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  #changed({ messages, reset }: ConversationChange): void {
    if (reset) {
      this.#messages.clear();
      this.#liveKeys.clear();
      this.#retries.clear();
      this.#completed.clear();
      this.#view = { ...this.#view, head: 0 };
      if (reset === "erased" || reset === "not_allowed") {
        this.#end(resetSentences[reset]);
        return;
      }
      this.#o.notice(resetSentences[reset]);
    }
    const tail = new Set(this.#view.tail.map(({ key }) => key));
    for (const message of messages) {
      this.#inherit(message, tail);
      this.#take(message);
    }
    const newest = messages.at(-1);
    if (newest) this.#view = { ...this.#view, head: newest.seq };
    // A message and the end of its draft show in the same frame; many deltas show in one.
    if (newest || reset) this.#show();
    else this.#showSoon();
    if (newest) this.#o.arrived(this.id, newest.seq);
  }

  #take(message: Message): void {
    this.#messages.set(message.seq, message);
    if (message.turn === undefined || message.role === "person") return;
    if (message.outcome === "failed" || message.outcome === "cancelled") {
      if ((this.#retries.get(message.turn) ?? 0) < message.seq) this.#retries.set(message.turn, message.seq);
    } else {
      this.#retries.delete(message.turn);
      this.#completed.add(message.turn);
    }
  }

  /** A row that was shown below the messages goes on under its name as a message: nothing is drawn anew, nothing moves. */
  #inherit(message: Message, tail: ReadonlySet<string>): void {
    if (message.role === "person") {
      const key = `k${message.key}`;
      if (message.key !== undefined && tail.has(key)) this.#liveKeys.set(message.seq, key);
    } else if (message.turn !== undefined) {
      const key = this.#turnKeys.get(message.turn);
      if (key !== undefined && tail.has(key)) this.#liveKeys.set(message.seq, key);
      this.#turnKeys.delete(message.turn);
    }
  }

  #tail(): TailRow[] {
    const { drafts, turns, pending } = this.conversation;
    const asked = [...this.conversation.permissions.values()];
    const rows: TailRow[] = [];
    for (const turn of new Set([...this.#unanswered(), ...turns.keys(), ...drafts.keys(), ...asked.map(({ turn }) => turn)])) {
      if (this.#completed.has(turn)) continue;
      let key = this.#turnKeys.get(turn);
      if (key === undefined) this.#turnKeys.set(turn, (key = `t${++this.#turnsShown}`));
      rows.push({
        kind: "turn",
        key,
        turn,
        draft: drafts.get(turn),
        view: turns.get(turn),
        permissions: asked.filter((one) => one.turn === turn),
      });
    }
    for (const send of pending) rows.push({ kind: "pending", key: `k${send.key}`, send });
    return rows;
  }

  /** Turns of the newest messages that nothing has answered: also those that nobody works on, since their bot is stopped. */
  #unanswered(): string[] {
    const { head } = this.#view;
    const answered = new Set<string>();
    const open: string[] = [];
    for (let seq = head; seq >= Math.max(this.#begins, head - waitingLookedFor + 1); seq--) {
      const message = this.#messages.get(seq);
      if (message?.turn === undefined) continue;
      if (message.role !== "person") answered.add(message.turn);
      else if (!answered.has(message.turn)) open.unshift(message.turn);
    }
    return open;
  }

  #showSoon(): void {
    if (this.#frame !== 0) return;
    // A page in the background has no frames.
    if (document.visibilityState === "hidden") this.#show();
    else this.#frame = requestAnimationFrame(this.#drawInTime);
  }

  /** The first of what is written shows in the next frame; what comes soon after it shows together. */
  readonly #drawInTime = (now: number): void => {
    if (now - this.#drawnAt < drawnEveryMs) this.#frame = requestAnimationFrame(this.#drawInTime);
    else {
      this.#drawnAt = now;
      this.#show();
    }
  };

  #show(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#closed) return;
    this.#view = { ...this.#view, tail: this.#tail(), retries: new Map([...this.#retries].filter(([, seq]) => seq >= this.#begins)) };
    const asked = this.conversation.permissions.size;
    if (asked !== this.#asked) this.#o.asking();
    this.#asked = asked;
    for (const listener of this.#listeners) listener();
  }

  #end(reason: string): void {
    this.#leave();
    this.#view = { phase: "gone", reason, head: 0, tail: [], retries: new Map() };
    for (const listener of this.#listeners) listener();
  }

  async #fetch(page: number): Promise<void> {
    if (this.#fetching.has(page)) return;
    this.#fetching.add(page);
    try {
      // A page of long messages comes in several pieces, from its end.
      const from = page * pageSize + 1;
      let before = Math.min(from + pageSize, this.#view.head + 1);
      while (before > from && this.#messages.has(before - 1)) before--;
      const { messages } = await this.conversation.history({ before, limit: Math.max(1, before - from) });
      for (const message of messages) this.#take(message);
      this.#show();
    } catch {
      // Asked for again below, for as long as somebody looks.
      setTimeout(() => this.#show(), retryMs);
    } finally {
      this.#fetching.delete(page);
    }
  }

  #forget(from: number, to: number): void {
    for (const seq of this.#messages.keys()) if (seq < from || seq > to) this.#messages.delete(seq);
  }
}
