import type { Duplex } from "node:stream";
import { Refusal, closeCodes, parseClientMessage, protocolVersion, limits } from "@skep/protocol";
import type { ClientMessage, ServerMessage } from "@skep/protocol";
import type { WebSocket } from "ws";
import type { SignedIn } from "../access/access.ts";
import { authenticateWithinMs, unknownBytes } from "../access/unknown-sockets.ts";
import type { FleetApi } from "../bots/api.ts";
import type { ConversationsApi, Person, Sink, Subscription } from "../conversations/api.ts";
import type { Tick } from "../tick.ts";
import { OutcomeUnknown } from "../store/group-commit.ts";
import { MessageRate } from "./message-rate.ts";
import { textFrame } from "./text-frame.ts";

/** Bytes unsent from which on subscriptions wait (C4). */
const congestedBytes = 256 * 1024;
/** Bytes unsent, or requests unanswered, from which on nothing more is read from the client. */
const fullBytes = 1024 * 1024;
const fullRequests = 4096;
/** C1 */
export const pingEveryMs = 20_000;
export const pongWithinMs = 10_000;
export const stalledMs = 30_000;
const closeWithinMs = 1000;

export interface ConnectionOptions {
  conversations: ConversationsApi;
  fleet: FleetApi;
  tick: Tick;
  authenticateToken(token: string): SignedIn | null;
  node: string;
  messageBytes: number;
  /** Sends that one connection may make in a minute, and as many other messages; 0: any. */
  messagesPerMinute: number;
  now(): number;
  onBug(error: unknown): void;
}

interface Opening {
  opening: true;
}
const isOpen = (subscription: Subscription | Opening): subscription is Subscription => !("opening" in subscription);

/** One WebSocket: parse, call, encode. It owns positions, never a queue of messages. */
export class Connection implements Sink {
  readonly #socket: WebSocket;
  readonly #stream: Duplex & { bytesWritten?: number };
  readonly #o: ConnectionOptions;
  #person: SignedIn | null;
  #out: string[] = [];
  #outBytes = 0;
  /** By conversation; an object of its own while it is being opened, so that a later request for the same one is told apart. */
  readonly #subscriptions = new Map<string, Subscription | Opening>();
  #unwatch: (() => void) | null = null;
  #requests = 0;
  #paused = false;
  #closed = false;
  readonly #openedAt: number;
  #pingedAt: number;
  #pongDue = 0;
  #progress = { sent: 0, at: 0 };
  readonly #onKnown: () => void;
  #unknownBytes = 0;
  readonly #sends: MessageRate | null;
  /** Apart from the sends: who has sent a lot may still read. */
  readonly #others: MessageRate | null;

  /** @param onKnown called once it is known who it is, at the latest when it is gone */
  constructor(socket: WebSocket, stream: Duplex, person: SignedIn | null, options: ConnectionOptions, onKnown: () => void = () => {}) {
    this.#socket = socket;
    this.#stream = stream;
    this.#person = person;
    this.#o = options;
    this.#openedAt = options.now();
    this.#pingedAt = this.#openedAt;
    this.#onKnown = onKnown;
    const { messagesPerMinute } = options;
    this.#sends = messagesPerMinute > 0 ? new MessageRate(messagesPerMinute, this.#openedAt) : null;
    this.#others = messagesPerMinute > 0 ? new MessageRate(messagesPerMinute, this.#openedAt) : null;
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#frame(data, isBinary));
    socket.on("pong", () => {
      this.#pongDue = 0;
    });
    socket.on("error", () => {
      // A client that breaks the WebSocket protocol or a reset connection; `close` follows.
    });
    stream.on("drain", () => this.#drained());
    if (person) this.#hello(person);
    else stream.on("data", this.#countUnknown);
  }

  readonly #countUnknown = (chunk: Buffer): void => {
    this.#unknownBytes += chunk.length;
    if (this.#unknownBytes > unknownBytes) this.#leave("the first message must be authenticate");
  };

  get credential(): string | null {
    return this.#person?.credential ?? null;
  }

  onClose(run: () => void): void {
    this.#socket.once("close", () => {
      this.#closed = true;
      this.#unwatch?.();
      for (const subscription of this.#subscriptions.values()) if (isOpen(subscription)) subscription.close();
      this.#subscriptions.clear();
      run();
    });
  }

  #hello(person: Person): void {
    const { node, messageBytes } = this.#o;
    this.#say({
      type: "hello",
      version: protocolVersion,
      node,
      person: person.id,
      limits: { messageBytes, frameBytes: limits.frameBytes },
    });
  }

  /* ---- to the client ---- */

  push(encoded: string): void {
    if (this.#closed) return;
    if (this.#out.length === 0) this.#o.tick.flush(this.#flush);
    this.#out.push(encoded);
    this.#outBytes += encoded.length;
  }

  writable(): boolean {
    return this.#outBytes + this.#stream.writableLength < congestedBytes;
  }

  #say(message: ServerMessage): void {
    this.push(JSON.stringify(message));
  }

  /** One frame for all that became ready in this turn of the loop. */
  readonly #flush = (): void => {
    const out = this.#out;
    if (out.length === 0 || this.#closed) return;
    this.#out = [];
    this.#outBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#stream.write(textFrame(out.length === 1 ? (out[0] ?? "") : `[${out.join(",")}]`));
    const unsent = this.#stream.writableLength;
    if (unsent > fullBytes) this.#pause();
    // What waited while this frame was full has no news to wake it: the drain of the socket does, or this, if all was taken at once.
    if (unsent === 0) this.#drained();
  };

  #drained(): void {
    if (this.#paused && this.#stream.writableLength < fullBytes && this.#requests < fullRequests) {
      this.#paused = false;
      this.#socket.resume();
    }
    for (const subscription of this.#subscriptions.values()) if (isOpen(subscription)) subscription.drained();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  close(code: number, reason: string): void {
    this.#flush();
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Called every second or so: pings, and ends what is dead, silent or stuck. */
  check(now: number): void {
    if (!this.#person && now - this.#openedAt > authenticateWithinMs) {
      this.#leave("sign in first");
      return;
    }
    if (this.#pongDue !== 0 && now > this.#pongDue) {
      this.#socket.terminate();
      return;
    }
    const buffered = this.#stream.writableLength;
    const sent = (this.#stream.bytesWritten ?? 0) - buffered;
    if (buffered === 0 || sent !== this.#progress.sent) this.#progress = { sent, at: now };
    else if (now - this.#progress.at > stalledMs) {
      this.#socket.close(closeCodes.slow_consumer, "no progress for 30 s");
      this.#socket.terminate();
      return;
    }
    if (now - this.#pingedAt >= pingEveryMs) {
      this.#pingedAt = now;
      this.#pongDue = now + pongWithinMs;
      this.#socket.ping();
      if (this.#person) this.push('{"type":"tick"}');
    }
  }

  /* ---- from the client ---- */

  #frame(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.close(closeCodes.protocol, "text frames only");
      return;
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(data.toString());
    } catch {
      this.#say({ type: "error", error: new Refusal("json_malformed", "The frame is not valid JSON").toWire() });
      return;
    }
    if (!Array.isArray(parsed)) this.#message(parsed);
    else if (parsed.length > limits.frameMessages) this.close(closeCodes.protocol, `at most ${limits.frameMessages} messages in one frame`);
    else for (const one of parsed) this.#message(one);
    if (this.#requests >= fullRequests) this.#pause();
  }

  #message(value: unknown): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) return;
    let message: ClientMessage;
    try {
      this.#mustBeInTime(value);
      message = parseClientMessage(value);
    } catch (error) {
      this.#refuse(value, error);
      return;
    }
    if (!this.#person || message.type === "authenticate") {
      this.#authenticate(message);
      return;
    }
    switch (message.type) {
      case "send":
        this.#send(this.#person, message);
        return;
      case "subscribe":
        this.#track(message, this.#subscribe(this.#person, message));
        return;
      case "unsubscribe": {
        const subscription = this.#subscriptions.get(message.conversation);
        if (subscription && isOpen(subscription)) subscription.close();
        this.#subscriptions.delete(message.conversation);
        return;
      }
      case "cancel":
        this.#track(message, this.#o.conversations.cancel(this.#person, message.conversation, message.turn));
        return;
      case "retry":
        this.#track(message, this.#o.conversations.retry(this.#person, message.conversation, message.turn));
        return;
      case "decide":
        this.#track(message, this.#o.conversations.decide(this.#person, message.permission, message.option));
        return;
      case "snapshot": {
        const subscription = this.#subscriptions.get(message.conversation);
        if (subscription && isOpen(subscription)) subscription.snapshot(message.stream, message.offset, message.parts ?? false);
        return;
      }
      case "watch":
        this.#unwatch ??= this.#o.fleet.watch((event) => this.#say(event));
        for (const bot of this.#o.fleet.list()) this.#say({ type: "bot", bot });
        return;
      case "unwatch":
        this.#unwatch?.();
        this.#unwatch = null;
    }
  }

  /** Asked before anything else is done for a message. @throws Refusal `busy` */
  #mustBeInTime(value: unknown): void {
    if (!this.#sends || !this.#others) return;
    const isSend = typeof value === "object" && value !== null && (value as { type?: unknown }).type === "send";
    const retryAfterMs = (isSend ? this.#sends : this.#others).take(this.#o.now());
    if (retryAfterMs > 0) {
      throw new Refusal("busy", `One connection may send ${this.#o.messagesPerMinute} messages a minute`, { retryAfterMs });
    }
  }

  #authenticate(message: ClientMessage): void {
    if (message.type !== "authenticate") {
      this.#leave("sign in first");
      return;
    }
    if (this.#person) return;
    this.#person = this.#o.authenticateToken(message.token);
    if (!this.#person) {
      this.#leave("this token is not valid");
      return;
    }
    this.#stream.off("data", this.#countUnknown);
    this.#onKnown();
    this.#hello(this.#person);
  }

  /** It has not said who it is. Who does not answer the close is not waited for. */
  #leave(reason: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#stream.off("data", this.#countUnknown);
    this.close(closeCodes.not_signed_in, reason);
    const timer = setTimeout(() => this.#socket.terminate(), closeWithinMs);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  #send(person: Person, message: Extract<ClientMessage, { type: "send" }>): void {
    const { conversation, key } = message;
    this.#requests++;
    this.#o.conversations.send(person, conversation, message).then(
      ({ epoch, seq, duplicate, turn }) => {
        this.#answered();
        this.push(
          `{"type":"accepted","conversation":"${conversation}","key":${JSON.stringify(key)},"epoch":"${epoch}","seq":${seq},"duplicate":${duplicate},"turn":${turn === null ? "null" : `"${turn}"`}}`,
        );
      },
      (error: unknown) => {
        this.#answered();
        if (error instanceof Refusal) this.#say({ type: "refused", conversation, key, error: error.toWire() });
        // Nothing may be said about a send whose outcome is unknown (K2): the client learns it by sending the same key again.
        else if (error instanceof OutcomeUnknown) this.#socket.terminate();
        else this.#bug(message, error);
      },
    );
  }

  #answered(): void {
    this.#requests--;
    if (this.#paused && this.#requests === 0) this.#drained();
  }

  #track(message: ClientMessage, work: Promise<unknown>): void {
    this.#requests++;
    work.then(
      () => this.#answered(),
      (error: unknown) => {
        this.#answered();
        if (error instanceof Refusal) this.#refuse(message, error);
        else if (error instanceof OutcomeUnknown) this.#socket.terminate();
        else this.#bug(message, error);
      },
    );
  }

  #bug(message: ClientMessage, error: unknown): void {
    this.#o.onBug(error);
    this.#refuse(message, new Refusal("internal"));
  }

  async #subscribe(person: Person, message: Extract<ClientMessage, { type: "subscribe" }>): Promise<void> {
    const { conversation, after } = message;
    const before = this.#subscriptions.get(conversation);
    if (before && isOpen(before)) before.close();
    if (!before && this.#subscriptions.size >= limits.subscriptions) {
      throw new Refusal("busy", `At most ${limits.subscriptions} subscriptions on one connection`, { retryAfterMs: 0 });
    }
    const opening: Opening = { opening: true };
    this.#subscriptions.set(conversation, opening);
    const wanted = (): boolean => !this.#closed && this.#subscriptions.get(conversation) === opening;
    try {
      const subscription = await this.#o.conversations.subscribe(person, conversation, after ?? null, this, wanted);
      if (subscription) this.#subscriptions.set(conversation, subscription);
    } catch (error) {
      if (wanted()) this.#subscriptions.delete(conversation);
      throw error;
    }
  }

  /** A send is answered with its key where it has one; anything else with what it was about. */
  #refuse(value: unknown, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal("internal");
    const { type, conversation, key } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
    const about = typeof type === "string" ? type.slice(0, 32) : undefined;
    const where = typeof conversation === "string" ? conversation.slice(0, 64) : undefined;
    if (about === "send" && where !== undefined && typeof key === "string") {
      this.#say({ type: "refused", conversation: where, key: key.slice(0, limits.keyLength), error: refusal.toWire() });
      return;
    }
    this.#say({
      type: "error",
      error: refusal.toWire(),
      ...(about === undefined ? {} : { about }),
      ...(where === undefined ? {} : { conversation: where }),
    });
  }
}
