/**
 * A subscription as server-sent events (the HTML standard's `text/event-stream`), for readers that have no WebSocket. The events are the messages
 * that `/ws` sends, named by their type. Only log messages carry an id, their position: so whoever comes back with `Last-Event-ID` goes on
 * behind the last message it has, and what was being streamed is told anew.
 */
import { Readable } from "node:stream";
import { Refusal } from "@skep/protocol/errors";
import type { Position, ServerMessage } from "@skep/protocol";
import type { SignedIn } from "../access/access.ts";
import type { ConversationsApi, Sink, Subscription } from "../conversations/api.ts";
import type { Tick } from "../tick.ts";

export const eventStreamType = "text/event-stream";
/** Bytes unsent from which on the subscription waits (C4). */
const congestedBytes = 256 * 1024;
const stalledMs = 30_000;
/** Comments in between keep proxies from giving up a silent connection. */
const remindEveryMs = 15_000;
const checkEveryMs = 1000;
const mostStreams = 1000;
/** What a reader is asked to wait before it comes again. */
const retryMs = 250;

export interface EventStreamsOptions {
  conversations: Pick<ConversationsApi, "subscribe">;
  tick: Pick<Tick, "flush">;
  /** Is the credential by which someone came in still good? */
  isValid(credential: string): boolean;
  now(): number;
}

/** All that are open. */
export class EventStreams {
  readonly #o: EventStreamsOptions;
  readonly #open = new Set<EventStream>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  constructor(options: EventStreamsOptions) {
    this.#o = options;
    this.#timer = setInterval(() => {
      const now = options.now();
      for (const stream of this.#open) stream.check(now);
    }, checkEveryMs).unref();
  }

  /** `after`: a position as the ids of events are written. @throws Refusal, as `subscribe` does, and `busy` */
  async open(person: SignedIn, conversation: string, after: string | null): Promise<Readable> {
    const position = after === null ? null : parsePosition(after);
    if (this.#closing) throw new Refusal("shutting_down", undefined, { retryAfterMs: retryMs });
    if (this.#open.size >= mostStreams) throw new Refusal("busy", `At most ${mostStreams} event streams at a time`, { retryAfterMs: 5000 });
    const stream = new EventStream(person.credential, this.#o);
    this.#open.add(stream);
    stream.body.once("close", () => this.#open.delete(stream));
    try {
      stream.follow(await this.#o.conversations.subscribe(person, conversation, position, stream, () => !stream.closed));
    } catch (error) {
      stream.body.destroy();
      throw error;
    }
    return stream.body;
  }

  /** S5 */
  closeCredential(credential: string): void {
    for (const stream of this.#open) if (stream.credential === credential) stream.end();
  }

  /** Readers come again by themselves, and find whoever serves then (C5). */
  close(): void {
    this.#closing = true;
    clearInterval(this.#timer);
    for (const stream of this.#open) stream.end();
  }
}

/** One reader. It owns a position, and bytes up to a bound. */
class EventStream implements Sink {
  readonly credential: string;
  readonly body: Readable;
  readonly #o: EventStreamsOptions;
  #subscription: Subscription | null = null;
  #out = `retry: ${retryMs}\n\n`;
  #scheduled = false;
  #epoch = "";
  #ended = false;
  /** When the reader last took something, and when it was last told something. */
  #takenAt: number;
  #toldAt: number;

  constructor(credential: string, options: EventStreamsOptions) {
    this.credential = credential;
    this.#o = options;
    this.#takenAt = this.#toldAt = options.now();
    this.body = new Readable({
      highWaterMark: congestedBytes,
      read: () => {
        this.#takenAt = options.now();
        this.#subscription?.drained();
      },
    });
    this.body.once("close", () => {
      this.#ended = true;
      this.#subscription?.close();
    });
  }

  get closed(): boolean {
    return this.#ended;
  }

  follow(subscription: Subscription | null): void {
    if (this.#ended) subscription?.close();
    else this.#subscription = subscription;
  }

  push(encoded: string): void {
    if (this.#ended) return;
    const type = /^\{"type":"([a-z-]+)"/.exec(encoded)?.[1] ?? "";
    if (type === "resumed" || type === "reset") {
      const message = JSON.parse(encoded) as Extract<ServerMessage, { type: "resumed" | "reset" }>;
      this.#epoch = message.epoch;
      // Nothing follows, and who comes again is told why by a status.
      if (message.type === "reset" && (message.reason === "erased" || message.reason === "not_allowed")) {
        this.#write(`event: reset\ndata: ${encoded}\n\n`);
        this.end();
        return;
      }
    }
    const seq = type === "message" ? /"seq":(\d+)/.exec(encoded)?.[1] : undefined;
    this.#write(`event: ${type}\n${seq === undefined ? "" : `id: ${this.#epoch}.${seq}\n`}data: ${encoded}\n\n`);
  }

  writable(): boolean {
    return this.#out.length + this.body.readableLength < congestedBytes;
  }

  #write(text: string): void {
    this.#out += text;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#o.tick.flush(this.#flush);
  }

  /** All that became ready in this turn of the loop, in one piece. */
  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#ended || this.#out === "") return;
    this.body.push(this.#out);
    this.#out = "";
    this.#toldAt = this.#o.now();
  };

  /** Called every second or so: ends what is stuck (C4) or not allowed any more (S5). */
  check(now: number): void {
    if (!this.#o.isValid(this.credential)) this.end();
    else if (this.body.readableLength === 0) {
      this.#takenAt = now;
      if (now - this.#toldAt >= remindEveryMs) this.#write(": still here\n\n");
    } else if (now - this.#takenAt > stalledMs) this.body.destroy();
  }

  /** What was pushed is still sent. */
  end(): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    this.#subscription?.close();
    this.body.push(null);
  }
}

/** @throws Refusal `field_invalid` */
function parsePosition(text: string): Position {
  const match = /^([\w-]{1,64})\.(\d{1,15})$/.exec(text);
  if (!match) {
    const detail = '"after" (or Last-Event-ID) must be the id of an event, or an epoch and the number of a message with a dot between them';
    throw new Refusal("field_invalid", detail, { field: "after" });
  }
  return { epoch: match[1] as string, seq: Number(match[2]) };
}
