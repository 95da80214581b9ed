import type { Bot, ClientMessage, MessageFile, ServerMessage } from "@skep/protocol/wire";
import { Refusal } from "@skep/protocol/errors";
import { type ServerCaller, serverCaller } from "./call-server.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Connection, type SocketClass } from "./connection.ts";
import { type ConnectionState, type ConnectionTimes, defaultTimes } from "./connection-state.ts";
import { Conversation, type ConversationHost } from "./conversation.ts";
import type { Content } from "./content.ts";
import { Fleet } from "./fleet.ts";
import { newId } from "./new-id.ts";
import type { Acceptance } from "./outbox.ts";
import { memoryStorage, type OutboxStorage } from "./outbox-storage.ts";
import { Sender } from "./sender.ts";
import { type FileToSend, upload } from "./upload.ts";

export interface ConnectOptions {
  /** The server's address: `http://127.0.0.1:8000`, or its socket's: `ws://127.0.0.1:8000/ws`. */
  url: string | URL;
  /** A bearer token. Without one the browser's cookie speaks for the person. */
  token?: string | undefined;
  /** Where sends survive the end of the program; in memory if not given. */
  storage?: OutboxStorage;
  WebSocket?: SocketClass;
  fetch?: typeof fetch;
  clock?: Clock;
  random?: () => number;
  times?: Partial<ConnectionTimes>;
  /** Messages of one conversation that are kept for its readers; those further behind fetch pages. */
  heldMessages?: number;
}

/** Connects, and stays connected until it is closed or refused. Nothing throws: see `connection` and `onConnection`. */
export const connect = (options: ConnectOptions): Client => new Client(options);

export class Client {
  readonly fleet: Fleet;
  /** One REST call, as the same person. @throws Refusal what the server said; TypeError when there was no answer */
  readonly call: ServerCaller;
  readonly #connection: Connection;
  readonly #sender: Sender;
  readonly #host: ConversationHost;
  readonly #conversations = new Map<string, Conversation>();
  readonly #connectionListeners = new Set<(state: ConnectionState) => void>();
  readonly #noticeListeners = new Set<(notice: { code: string; detail: string }) => void>();
  #outgoing: ClientMessage[] = [];
  readonly #touched = new Set<Conversation>();
  #scheduled = false;
  #person: string | null = null;
  #ended: Refusal | "closed" | null = null;
  readonly #closing = new AbortController();

  constructor(options: ConnectOptions) {
    const base = new URL(options.url);
    base.protocol = base.protocol.replace(/^ws/, "http");
    const socketUrl = new URL(base.pathname === "/" ? "/ws" : base.pathname, base);
    socketUrl.protocol = base.protocol.replace(/^http/, "ws");
    const token = options.token ?? null;
    const { clock = systemClock, random = Math.random } = options;
    this.call = serverCaller(base.origin, token, options.fetch ?? ((input, init) => fetch(input, init)));
    this.#connection = new Connection({
      url: socketUrl.href,
      token,
      Socket: options.WebSocket ?? (globalThis.WebSocket as unknown as SocketClass),
      clock,
      random,
      times: { ...defaultTimes, ...options.times },
      onState: (state) => this.#onState(state),
      onMessage: (message) => this.#onMessage(message),
    });
    const post = (message: ClientMessage): void => this.#post(message);
    const ended = (): Refusal | "closed" | null => this.#ended;
    this.fleet = new Fleet({ call: this.call, post, ended });
    this.#host = {
      clock,
      random,
      call: this.call,
      closing: this.#closing.signal,
      heldMessages: options.heldMessages ?? 1000,
      ended,
      connected: () => this.#connection.state.name === "open",
      post,
      reconnect: () => this.#connection.giveUp("the server does not keep the protocol"),
      lane: (conversation) => this.#sender.lane(conversation),
      add: (conversation, key, content) => this.#add(conversation, key, content),
      changed: (conversation) => {
        this.#touched.add(conversation);
        this.#schedule();
      },
      newKey: newId,
      conversation: (id) => this.conversation(id),
    };
    this.#sender = new Sender({
      storage: options.storage ?? memoryStorage(),
      clock,
      random,
      post,
      settled: (conversation, key, content, outcome) => this.conversation(conversation).settled(key, content, outcome),
      changed: (conversation) => this.#host.changed(this.conversation(conversation)),
    });
    this.#sender.open(() => {
      if (this.#ended !== "closed") this.#connection.step({ type: "start" });
    });
  }

  get connection(): ConnectionState {
    return this.#connection.state;
  }

  /** Who the server says we are; null before the first `hello`. */
  get person(): string | null {
    return this.#person;
  }

  /** Conversations with sends that have no final answer. */
  get unsent(): readonly string[] {
    return this.#sender.unsent;
  }

  /** The same id gives the same object. */
  conversation(id: string): Conversation {
    let conversation = this.#conversations.get(id);
    if (!conversation) {
      conversation = new Conversation(id, this.#host);
      this.#conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Begins a conversation with a bot. @throws Refusal · TypeError when there is no connection */
  async begin(bot: string, { title, signal }: { title?: string; signal?: AbortSignal } = {}): Promise<Conversation> {
    const wanted = title === undefined ? { bot } : { bot, title };
    const { id } = (await this.call("POST", "/api/conversations", wanted, signal)) as { id: string };
    return this.conversation(id);
  }

  /** Uploads a file, to be sent with a message within the hour. @throws Refusal · TypeError when there is no connection */
  upload(file: FileToSend, { signal }: { signal?: AbortSignal } = {}): Promise<MessageFile> {
    return upload(this.call, file, signal);
  }

  /** @returns how to stop */
  onConnection(listener: (state: ConnectionState) => void): () => void {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  }

  /** What the server wants people to know. @returns how to stop */
  onNotice(listener: (notice: { code: string; detail: string }) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  /** Tries at once: the network may be back, or a person does not want to wait. */
  connectNow(): void {
    if (this.#ended !== "closed") this.#ended = null;
    this.#connection.step({ type: this.#connection.state.name === "refused" ? "start" : "nudge" });
  }

  /** Ends everything: readers end, sends without an answer are rejected (their fate is unknown; a storage keeps them). */
  close(): void {
    if (this.#ended === "closed") return;
    this.#ended = "closed";
    this.#closing.abort();
    this.#connection.step({ type: "stop" });
    this.#tellOfTheEnd();
    this.#sender.close(new Refusal("shutting_down", "the client was closed before there was an answer"));
    this.#flush();
  }

  #add(conversation: string, key: string, content: Content): Promise<Acceptance> {
    if (this.#ended) {
      return Promise.reject(this.#ended === "closed" ? new Refusal("state_conflict", "the client is closed") : this.#ended);
    }
    return this.#sender.add(conversation, key, content);
  }

  #onState(state: ConnectionState): void {
    if (state.name !== "open") {
      this.#outgoing = [];
      this.#sender.hear({ type: "disconnected" });
      for (const conversation of this.#conversations.values()) conversation.disconnected();
    }
    if (state.name === "refused") {
      const code = state.code === 4503 ? "not_allowed" : state.code === 4501 ? "not_signed_in" : "state_conflict";
      this.#ended = new Refusal(code, state.reason === "" ? undefined : state.reason);
      this.#sender.rejectAll(this.#ended);
      this.#tellOfTheEnd();
    }
    this.#schedule();
    for (const listener of this.#connectionListeners) listener(state);
  }

  /** Nothing will come any more: whoever waits is to look at `ended`. */
  #tellOfTheEnd(): void {
    for (const conversation of this.#conversations.values()) this.#touched.add(conversation);
    this.fleet.ended();
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case "hello":
        this.#person = message.person;
        for (const conversation of this.#conversations.values()) conversation.connected();
        this.#sender.hear({ type: "connected" });
        this.fleet.connected();
        return;
      case "accepted":
      case "queued":
      case "refused":
        this.#sender.hear(message);
        return;
      case "resumed":
      case "reset":
      case "live":
      case "message":
      case "delta":
      case "part":
      case "thought":
      case "permission":
      case "stream-ended":
      case "turn":
        this.#conversations.get(message.conversation)?.hear(message);
        return;
      case "bot":
        this.fleet.heard(message.bot satisfies Bot);
        return;
      case "bot-removed":
        this.fleet.removed(message.name);
        return;
      case "notice":
        for (const listener of this.#noticeListeners) listener(message);
        return;
      case "error":
        if (message.about === "subscribe" && message.conversation !== undefined) {
          this.#conversations.get(message.conversation)?.denied(message.error);
          return;
        }
        for (const listener of this.#noticeListeners) listener(message.error);
        return;
      case "tick":
        return;
      default:
        // A newer server may say more than this client knows.
        message satisfies never;
    }
  }

  #post(message: ClientMessage): void {
    if (this.#connection.state.name !== "open") return;
    this.#outgoing.push(message);
    this.#schedule();
  }

  /** Everything of one tick goes out in one frame, and listeners are called once. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#sender.save();
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    if (outgoing.length > 0) this.#connection.post(outgoing);
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const conversation of touched) conversation.notify();
  }
}
