import type { Client, Conversation, ConversationChange } from "@skep/client";
import { Refusal } from "@skep/client";
import type { Message, Position, ResetReason } from "@skep/protocol";
import { byId, elementOf } from "./element.ts";
import { type Entry, messageEntry, pendingEntry, type PendingEntry, turnEntry, type TurnEntry, withoutRetry } from "./message-view.ts";
import { showNotice } from "./notices.ts";

/** Messages that are shown of a long conversation; twice as many before the oldest are taken away again. */
const shownMessages = 200;
const earlierMessages = 100;
const nearBottom = 80;
const secondsBetweenTries = 2;

const resets: Record<ResetReason, string> = {
  epoch: "The server's history was restored from a backup. This is what it holds now.",
  ahead: "The server's history is shorter than what was shown here. This is what it holds now.",
  erased: "This conversation was erased.",
  not_allowed: "You may not read this conversation any more.",
};

export interface ConversationViewOptions {
  client: Client;
  id: string;
  bot: string;
  /** Puts a text that was not sent back to be edited. */
  edit: (text: string) => void;
  /** The conversation is gone; nothing can be sent. */
  gone: () => void;
}

/** One open conversation on the page: the newest messages, answers being written, messages on their way. */
export class ConversationView {
  readonly conversation: Conversation;
  readonly #options: ConversationViewOptions;
  readonly #log = elementOf("log", HTMLOListElement);
  readonly #turns = elementOf("turns", HTMLOListElement);
  readonly #pending = elementOf("pending", HTMLOListElement);
  readonly #scroll = byId("scroll");
  readonly #earlier = elementOf("earlier", HTMLButtonElement);
  readonly #newest = elementOf("newest", HTMLButtonElement);
  readonly #empty = byId("empty");
  /** What is shown, in order: seq of the first, and an entry for each from there on. */
  #first = 1;
  #entries: Entry[] = [];
  readonly #turnEntries = new Map<string, TurnEntry>();
  readonly #pendingEntries = new Map<string, PendingEntry>();
  /** The newest message that ended each turn and can be tried again. */
  readonly #retries = new Map<string, Entry>();
  readonly #closing = new AbortController();
  #leave: () => void = () => {};
  #atBottom = true;
  #size = "";
  #frame = 0;
  #loaded = false;

  constructor(options: ConversationViewOptions) {
    this.#options = options;
    this.conversation = options.client.conversation(options.id);
    const { signal } = this.#closing;
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    this.#earlier.addEventListener("click", () => void this.#showEarlier(), { signal });
    this.#newest.addEventListener("click", () => this.toBottom(), { signal });
    const resizes = new ResizeObserver(() => {
      if (this.#atBottom) this.toBottom();
    });
    resizes.observe(this.#scroll);
    signal.addEventListener("abort", () => resizes.disconnect());
    this.#clear();
    void this.#load();
  }

  close(): void {
    this.#closing.abort();
    this.#leave();
    cancelAnimationFrame(this.#frame);
    this.#clear();
  }

  /** The newest turn that is being worked on. */
  get activeTurn(): string | null {
    return [...this.#turnEntries.keys()].at(-1) ?? null;
  }

  send(text: string): void {
    // What becomes of it shows in the list of pending messages.
    this.conversation.send(text).catch(() => {});
    this.toBottom();
  }

  async cancel(turn: string): Promise<void> {
    await this.conversation.cancel(turn).catch((error: unknown) => this.#say(error, "The answer was not stopped"));
  }

  toBottom(): void {
    this.#atBottom = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#newest.hidden = true;
  }

  /** The newest page by REST, then everything after it by the socket. */
  async #load(): Promise<void> {
    for (;;) {
      try {
        const { epoch, head, messages } = await this.conversation.history({ limit: shownMessages });
        if (this.#closing.signal.aborted) return;
        const seq = messages.at(-1)?.seq ?? head;
        this.#first = messages[0]?.seq ?? seq + 1;
        this.#loaded = true;
        this.#append(messages);
        this.#listen({ epoch, seq });
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if (error instanceof Refusal && error.status < 500 && error.code !== "busy") {
          showNotice(error.status === 404 ? "This conversation does not exist." : error.message, "bad");
          this.#options.gone();
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, secondsBetweenTries * 1000));
      }
    }
  }

  #listen(after: Position): void {
    const leave = this.conversation.onChange((change) => this.#changed(change), { after });
    const stop = this.#options.client.onConnection(() => this.#showAll());
    this.#leave = () => {
      leave();
      stop();
    };
    this.#showAll();
  }

  #changed({ messages, reset }: ConversationChange): void {
    if (reset) {
      this.#clear();
      this.#loaded = true;
      showNotice(resets[reset], "bad");
      if (reset === "erased" || reset === "not_allowed") this.#options.gone();
    }
    this.#append(messages);
    // A message and the end of its draft show in the same frame; many deltas show in one.
    if (messages.length > 0 || reset) this.#showAll();
    else if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#showAll());
  }

  #append(messages: readonly Message[]): void {
    const list = messages.slice(-2 * shownMessages);
    if (list.length < messages.length) this.#dropFirst(this.#entries.length);
    if (this.#entries.length === 0 && list[0]) this.#first = list[0].seq;
    const fragment = document.createDocumentFragment();
    for (const message of list) {
      const made = this.#entry(message);
      this.#entries.push(made);
      fragment.append(made.element);
    }
    this.#log.append(fragment);
    if (this.#atBottom && this.#entries.length > 2 * shownMessages) this.#dropFirst(this.#entries.length - shownMessages);
  }

  #entry(message: Message): Entry {
    const made = messageEntry(message, (turn) => void this.#retry(turn));
    if (message.turn !== undefined && message.role !== "person") {
      const before = this.#retries.get(message.turn);
      if (before) withoutRetry(before);
      this.#retries.set(message.turn, made);
    }
    return made;
  }

  #dropFirst(count: number): void {
    for (const { element } of this.#entries.splice(0, count)) element.remove();
    this.#first += count;
  }

  async #showEarlier(): Promise<void> {
    this.#earlier.disabled = true;
    try {
      const { messages } = await this.conversation.history({ before: this.#first, limit: earlierMessages });
      const newest = messages.at(-1);
      if (this.#closing.signal.aborted || !newest || newest.seq !== this.#first - 1) return;
      const fromBottom = this.#scroll.scrollHeight - this.#scroll.scrollTop;
      const entries = messages.map((message) => messageEntry(message, (turn) => void this.#retry(turn)));
      for (const made of entries) withoutRetry(made);
      this.#entries.unshift(...entries);
      this.#first = messages[0]?.seq ?? this.#first;
      this.#log.prepend(...entries.map(({ element }) => element));
      this.#atBottom = false;
      this.#showAll();
      this.#scroll.scrollTop = this.#scroll.scrollHeight - fromBottom;
    } catch (error) {
      this.#say(error, "Earlier messages did not come");
    } finally {
      this.#earlier.disabled = false;
    }
  }

  async #decide(permission: string, option: string): Promise<void> {
    await this.conversation.decide(permission, option).catch((error: unknown) => this.#say(error, "Not decided"));
  }

  async #retry(turn: string): Promise<void> {
    await this.conversation.retry(turn).catch((error: unknown) => this.#say(error, "It was not tried again"));
  }

  #showAll(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#closing.signal.aborted) return;
    this.#showTurns();
    this.#showPending();
    this.#earlier.hidden = this.#first <= 1 || this.#entries.length === 0;
    const nothing = this.#entries.length + this.#turnEntries.size + this.#pendingEntries.size === 0;
    this.#empty.hidden = !nothing || !this.#loaded;
    this.#empty.textContent = `Say something to ${this.#options.bot}.`;
    if (this.#atBottom) this.toBottom();
    else this.#newest.hidden = this.#isNearBottom();
  }

  #showTurns(): void {
    const { drafts, turns, permissions } = this.conversation;
    const asked = [...permissions.values()];
    const online = this.#options.client.connection.name === "open";
    const active = new Set([...turns.keys(), ...drafts.keys(), ...asked.map(({ turn }) => turn)]);
    for (const [turn, { element }] of this.#turnEntries) {
      if (active.has(turn)) continue;
      element.remove();
      this.#turnEntries.delete(turn);
    }
    for (const turn of active) {
      let made = this.#turnEntries.get(turn);
      if (!made) {
        made = turnEntry(
          this.#options.bot,
          () => void this.cancel(turn),
          ({ id }, option) => this.#decide(id, option),
        );
        this.#turnEntries.set(turn, made);
        this.#turns.append(made.element);
        const ended = this.#retries.get(turn);
        if (ended) withoutRetry(ended);
      }
      const ofTurn = asked.filter((permission) => permission.turn === turn);
      made.show(drafts.get(turn), turns.get(turn), ofTurn, online);
    }
  }

  #showPending(): void {
    const list = this.conversation.pending;
    const online = this.#options.client.connection.name === "open";
    const keys = new Set(list.map(({ key }) => key));
    for (const [key, { element }] of this.#pendingEntries) {
      if (keys.has(key)) continue;
      element.remove();
      this.#pendingEntries.delete(key);
    }
    for (const pending of list) {
      const { key, text } = pending;
      let made = this.#pendingEntries.get(key);
      if (!made) {
        const dismiss = (): void => this.conversation.dismiss(key);
        const edit = (): void => {
          dismiss();
          this.#options.edit(text);
        };
        made = pendingEntry(text, { edit, dismiss });
        this.#pendingEntries.set(key, made);
      }
      made.show(pending, online);
    }
    const elements = list.map(({ key }) => (this.#pendingEntries.get(key) as PendingEntry).element);
    if (elements.some((element, i) => this.#pending.children[i] !== element)) this.#pending.replaceChildren(...elements);
  }

  #clear(): void {
    this.#entries = [];
    this.#first = 1;
    this.#turnEntries.clear();
    this.#pendingEntries.clear();
    this.#retries.clear();
    this.#log.replaceChildren();
    this.#turns.replaceChildren();
    this.#pending.replaceChildren();
    this.#earlier.hidden = true;
    this.#newest.hidden = true;
    this.#empty.hidden = true;
    this.#loaded = false;
    this.#atBottom = true;
  }

  #isNearBottom(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    return scrollHeight - scrollTop - clientHeight < nearBottom;
  }

  #scrolled(): void {
    const { scrollHeight, clientHeight } = this.#scroll;
    const size = `${scrollHeight} ${clientHeight}`;
    const resized = size !== this.#size;
    this.#size = size;
    // A window that was resized, or a keyboard that came up, is no wish to read something else.
    if (resized && this.#atBottom) {
      this.toBottom();
      return;
    }
    this.#atBottom = this.#isNearBottom();
    this.#newest.hidden = this.#atBottom;
  }

  #say(error: unknown, what: string): void {
    showNotice(`${what}: ${error instanceof Refusal ? error.message : "no connection"}`, "bad");
  }
}
