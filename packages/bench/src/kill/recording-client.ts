/**
 * A client that writes everything down. It sends numbered messages, keeps what has no outcome yet, sends that again in
 * order after every cut, and resumes its subscriptions from where it was: the smallest client that keeps the rules.
 *
 * States: connecting -> connected -> (cut) connecting …; `finish()` lets no new message begin, `close()` ends it.
 */
import { EventEmitter } from "node:events";
import { type ClientMessage, errorTable, type ServerMessage } from "@skep/protocol";
import { type RawData, WebSocket } from "ws";
import type { SeededRandom } from "../seeded-random.ts";
import type { ClientRecord, RecordEntry } from "./record.ts";

export interface RecordingClientOptions {
  name: string;
  url: string;
  token: string;
  /** All that it reads. */
  reads: readonly string[];
  /** Those of them that it also sends into. */
  sends: readonly string[];
  random: SeededRandom;
  /** Messages per second, over all conversations. */
  rate: number;
  /** Sends without an outcome per conversation, at most. */
  window: number;
}

interface OpenSend {
  key: string;
  n: number;
  text: string;
}

interface Outbox {
  conversation: string;
  /** Counts from 1 again whenever the open sends of the one before were abandoned. */
  sender: string;
  next: number;
  open: OpenSend[];
  /** Was told to wait: nothing goes out until everything open is sent again. */
  waiting: ReturnType<typeof setTimeout> | null;
}

/** Emits "accepted" and "progress" (something that `settled` depends on may have changed). */
export class RecordingClient extends EventEmitter<{ accepted: []; answered: []; progress: [] }> {
  readonly record: ClientRecord;
  /** What the server said that no rule allows. */
  readonly problems: string[] = [];
  readonly #options: RecordingClientOptions;
  readonly #outboxes: Outbox[];
  readonly #positions = new Map<string, { epoch: string; seq: number }>();
  /** Per conversation: turns that were asked for and have no end yet, as far as this reader got. */
  readonly #unanswered = new Map<string, Set<string>>();
  readonly #live = new Set<string>();
  #socket: WebSocket | null = null;
  #connected = false;
  #finishing = false;
  #closed = false;
  #senders = 0;
  #pace: ReturnType<typeof setInterval> | null = null;
  #again: ReturnType<typeof setTimeout> | null = null;

  constructor(options: RecordingClientOptions) {
    super();
    this.#options = options;
    this.record = { client: options.name, entries: [] };
    this.#outboxes = options.sends.map((conversation) => ({
      conversation,
      sender: this.#newSender(),
      next: 1,
      open: [],
      waiting: null,
    }));
    for (const conversation of options.reads) this.#unanswered.set(conversation, new Set());
  }

  start(): void {
    this.#connect();
    this.#pace = setInterval(() => this.#sendSome(), (1000 / this.#options.rate) * 2);
  }

  /** No new message begins; what is open goes on until it has an outcome. */
  finish(): void {
    this.#finishing = true;
    this.emit("progress");
  }

  /** Has every send an outcome, and has this reader got an end for every message that it has seen? */
  get settled(): boolean {
    if (!this.#connected || this.#outboxes.some((outbox) => outbox.open.length > 0)) return false;
    if (this.#live.size < this.#options.reads.length) return false;
    for (const turns of this.#unanswered.values()) if (turns.size > 0) return false;
    return true;
  }

  /** For the report when it does not settle. */
  get open(): string {
    const open = this.#outboxes.reduce((sum, outbox) => sum + outbox.open.length, 0);
    const unanswered = [...this.#unanswered.values()].reduce((sum, turns) => sum + turns.size, 0);
    const live = `${this.#live.size}/${this.#options.reads.length}`;
    return `${this.record.client}: connected ${this.#connected}, open sends ${open}, unanswered ${unanswered}, live ${live}`;
  }

  reads(conversation: string): boolean {
    return this.#options.reads.includes(conversation);
  }

  reached(conversation: string): number {
    return this.#positions.get(conversation)?.seq ?? 0;
  }

  close(): void {
    this.#closed = true;
    if (this.#pace) clearInterval(this.#pace);
    if (this.#again) clearTimeout(this.#again);
    for (const outbox of this.#outboxes) if (outbox.waiting) clearTimeout(outbox.waiting);
    this.#socket?.terminate();
  }

  #newSender(): string {
    return `${this.#options.name}.${++this.#senders}`;
  }

  #write(entry: RecordEntry): void {
    this.record.entries.push(entry);
  }

  #connect(): void {
    const socket = new WebSocket(this.#options.url, {
      headers: { authorization: `Bearer ${this.#options.token}` },
      perMessageDeflate: false,
      handshakeTimeout: 5000,
    });
    this.#socket = socket;
    socket.on("open", () => this.#opened());
    socket.on("message", (data) => this.#received(data));
    // A refused or broken connection is told by "close", which always follows.
    socket.on("error", () => {});
    socket.on("close", (code) => this.#cut(code));
  }

  #opened(): void {
    this.#connected = true;
    this.#write({ what: "connected" });
    const { random } = this.#options;
    const frame: ClientMessage[] = this.#options.reads.map((conversation) => {
      // Now and then one that has forgotten everything: the whole log must come again, the same as before.
      const after = random.chance(0.03) ? undefined : this.#positions.get(conversation);
      return after ? { type: "subscribe", conversation, after } : { type: "subscribe", conversation };
    });
    this.#socket?.send(JSON.stringify(frame));
    for (const outbox of this.#outboxes) {
      if (outbox.open.length > 0 && !this.#finishing && random.chance(0.1)) this.#abandon(outbox);
      this.#sendAgain(outbox);
    }
  }

  #cut(code: number): void {
    if (this.#connected) this.#write({ what: "cut", code });
    this.#connected = false;
    this.#live.clear();
    this.#socket = null;
    if (this.#closed) return;
    this.#again = setTimeout(() => this.#connect(), this.#options.random.between(1, 25));
  }

  /** Gives up what is open, as a person does who closes the tab; a new outbox counts from 1. */
  #abandon(outbox: Outbox): void {
    for (const { key } of outbox.open) this.#write({ what: "abandoned", conversation: outbox.conversation, key });
    outbox.open = [];
    outbox.sender = this.#newSender();
    outbox.next = 1;
  }

  #sendSome(): void {
    if (!this.#connected || this.#finishing || this.#outboxes.length === 0) return;
    const { random, window } = this.#options;
    const outbox = random.pick(this.#outboxes);
    if (outbox.waiting) return;
    const fresh: OpenSend[] = [];
    for (let count = random.between(1, 3); count > 0 && outbox.open.length < window; count--) {
      const n = outbox.next++;
      const key = `${outbox.conversation}:${outbox.sender}:${n}`;
      // Now and then one at which the bot's process ends in its first attempt.
      const command = random.chance(0.02) ? "/crash 1 " : "";
      const send = { key, n, text: `${command}${key} ${"lorem ipsum dolor sit amet ".repeat(random.between(1, 6))}end` };
      outbox.open.push(send);
      fresh.push(send);
    }
    this.#send(outbox, fresh);
  }

  #sendAgain(outbox: Outbox): void {
    if (outbox.waiting) clearTimeout(outbox.waiting);
    outbox.waiting = null;
    if (this.#connected) this.#send(outbox, outbox.open);
  }

  #send({ conversation, sender }: Outbox, sends: readonly OpenSend[]): void {
    if (sends.length === 0) return;
    for (const { key, n, text } of sends) this.#write({ what: "sent", conversation, sender, n, key, text });
    const frame: ClientMessage[] = sends.map(({ key, n, text }) => ({ type: "send", conversation, key, n, sender, text }));
    this.#socket?.send(JSON.stringify(frame.length === 1 ? frame[0] : frame));
  }

  #received(data: RawData): void {
    const frame = JSON.parse((data as Buffer).toString()) as ServerMessage | ServerMessage[];
    for (const message of Array.isArray(frame) ? frame : [frame]) this.#receivedOne(message);
    this.emit("progress");
  }

  #receivedOne(message: ServerMessage): void {
    switch (message.type) {
      case "accepted": {
        const { conversation, key, epoch, seq, duplicate, turn } = message;
        this.#write({ what: "accepted", conversation, key, epoch, seq, duplicate, turn });
        const outbox = this.#outboxes.find((candidate) => candidate.conversation === conversation);
        if (outbox) outbox.open = outbox.open.filter((send) => send.key !== key);
        this.emit("accepted");
        break;
      }
      case "refused":
        this.#refused(message.conversation, message.key, message.error);
        break;
      case "resumed":
        this.#write({ what: "resumed", conversation: message.conversation, epoch: message.epoch, from: message.from });
        this.#positions.set(message.conversation, { epoch: message.epoch, seq: message.from });
        if (message.from === 0) this.#unanswered.get(message.conversation)?.clear();
        break;
      case "reset":
        this.#write({ what: "reset", conversation: message.conversation, epoch: message.epoch, reason: message.reason });
        this.#positions.set(message.conversation, { epoch: message.epoch, seq: 0 });
        this.#unanswered.get(message.conversation)?.clear();
        break;
      case "live":
        this.#write({ what: "live", conversation: message.conversation, seq: message.seq });
        this.#live.add(message.conversation);
        break;
      case "message": {
        const { conversation, message: entry } = message;
        this.#write({ what: "seen", conversation, message: entry });
        const position = this.#positions.get(conversation);
        if (position) position.seq = entry.seq;
        if (entry.turn === undefined) break;
        if (entry.role === "person") this.#unanswered.get(conversation)?.add(entry.turn);
        else if (this.#unanswered.get(conversation)?.delete(entry.turn)) this.emit("answered");
        break;
      }
      case "error":
        // A subscription that is refused for now is asked for again with the next connection.
        if (errorTable[message.error.code].retry) this.#socket?.terminate();
        else this.problems.push(`the server says ${JSON.stringify(message)}`);
        break;
      case "hello":
      case "queued":
      case "delta":
      case "part":
      case "thought":
      case "permission":
      case "stream-ended":
      case "turn":
      case "bot":
      case "bot-removed":
      case "notice":
      case "tick":
    }
  }

  /** After a refused send those behind it are refused as well (`send_gap`): wait, then send everything open again, in order. */
  #refused(conversation: string, key: string, error: { code: keyof typeof errorTable; detail: string; retryAfterMs?: number }): void {
    this.#write({ what: "refused", conversation, key, code: error.code });
    const outbox = this.#outboxes.find((candidate) => candidate.conversation === conversation);
    if (!outbox) return;
    if (error.code !== "send_gap" && !errorTable[error.code].retry) {
      this.problems.push(`${key} was refused for good: ${error.code} ${error.detail}`);
      outbox.open = outbox.open.filter((send) => send.key !== key);
      return;
    }
    outbox.waiting ??= setTimeout(() => this.#sendAgain(outbox), error.retryAfterMs ?? 20);
  }
}
