import type { StreamOutcome } from "@skep/protocol";
import type { Store } from "../store/store.ts";
import type { ActiveConversation, News } from "./active.ts";
import type { Sink, Subscription } from "./api.ts";
import { encode, encodeDelta, encodeEnded, encodeMessage, turnName } from "./encode.ts";
import type { Stream } from "./stream.ts";

const pageSize = 100;

/**
 * One subscription. It owns a position and offsets, never a queue (C4).
 *
 * replaying -> live            when the position has reached the conversation's head; the head is looked at and `live` is set in one step,
 *                              and the reader is registered before the first page is read, so nothing falls between (S2)
 * live      -> replaying       when the sink cannot take more, or a message is not the next one
 * any       -> closed
 *
 * While replaying, news is not looked at: messages come from the store (S3), and states and streams are told when it turns live.
 */
export class Reader implements Subscription {
  readonly #active: ActiveConversation;
  readonly #sink: Sink;
  readonly #store: Pick<Store, "messages">;
  readonly #onError: (error: unknown) => void;
  #position: number;
  #phase: "replaying" | "live" | "closed" = "replaying";
  #paging = false;
  #toldLive = false;
  /** Streams this reader was sent something of -> how much (UTF-16 units). */
  readonly #offsets = new Map<string, { turn: string; offset: number }>();

  constructor(active: ActiveConversation, sink: Sink, store: Pick<Store, "messages">, position: number, onError: (error: unknown) => void) {
    this.#active = active;
    this.#sink = sink;
    this.#store = store;
    this.#position = position;
    this.#onError = onError;
  }

  start(): void {
    this.#active.readers.add(this);
    this.#catchUp();
  }

  close(): void {
    this.#phase = "closed";
    this.#active.readers.delete(this);
  }

  drained(): void {
    if (this.#phase === "replaying") this.#catchUp();
  }

  snapshot(streamId: string, offset: number): void {
    const stream = this.#active.turns.map((turn) => turn.stream).find((one) => one?.id === streamId);
    if (!stream || this.#phase !== "live") return;
    this.#offsets.set(stream.id, { turn: stream.turn, offset: Math.min(offset, stream.text.length) });
    this.#sendStream(stream);
  }

  /** The conversation is gone, or the right to read it. */
  end(reason: "erased" | "not_allowed"): void {
    if (this.#phase === "closed") return;
    this.#sink.push(encode({ type: "reset", conversation: this.#active.publicId, reason, epoch: this.#active.epoch, head: 0 }));
    this.close();
  }

  onNews(news: readonly News[]): void {
    if (this.#phase !== "live") return;
    if (!this.#sink.writable()) {
      this.#phase = "replaying";
      return;
    }
    for (const item of news) {
      switch (item.kind) {
        case "message":
          if (item.seq <= this.#position) break;
          if (item.seq !== this.#position + 1) {
            this.#phase = "replaying";
            this.#catchUp();
            return;
          }
          this.#position = item.seq;
          this.#sink.push(item.encoded);
          break;
        case "state":
          this.#sink.push(item.encoded);
          break;
        case "stream":
          this.#sendStream(item.stream);
          break;
        case "stream-ended":
          if (item.stream.text !== "") this.#sendStream(item.stream);
          if (this.#offsets.delete(item.stream.id)) {
            this.#sink.push(encodeEnded(this.#active.publicId, item.stream.turn, item.stream.id, item.outcome));
          }
      }
    }
  }

  #sendStream(stream: Stream): void {
    const known = this.#offsets.get(stream.id);
    const offset = known?.offset ?? 0;
    if (known && offset >= stream.text.length) return;
    this.#sink.push(stream.deltaFrom(offset));
    if (known) known.offset = stream.text.length;
    else this.#offsets.set(stream.id, { turn: stream.turn, offset: stream.text.length });
  }

  #catchUp(): void {
    if (this.#paging) return;
    this.#paging = true;
    this.#pages()
      .catch((error: unknown) => {
        if (this.#phase !== "closed") this.#onError(error);
      })
      .finally(() => {
        this.#paging = false;
      });
  }

  async #pages(): Promise<void> {
    while (this.#phase === "replaying" && this.#sink.writable()) {
      if (this.#position >= this.#active.head) {
        this.#goLive();
        return;
      }
      const page = await this.#store.messages(this.#active.conversation, { after: this.#position, limit: pageSize });
      // Closed, or erased, while the page was read.
      if (this.#isClosed()) return;
      if (page.messages.length === 0) throw new Error(`conversation ${this.#active.publicId} has no message after ${this.#position}`);
      for (const message of page.messages) {
        this.#endStreamsOf(
          message.turn === null || message.outcome === null ? null : turnName(message.turn),
          message.outcome ?? "interrupted",
        );
        this.#sink.push(encodeMessage(this.#active.publicId, message));
        this.#position = message.seq;
      }
    }
  }

  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  /** A stream that ended while this reader was behind: it is told how, before the message that says the same. */
  #endStreamsOf(turn: string | null, outcome: StreamOutcome): void {
    if (turn === null) return;
    for (const [id, known] of this.#offsets) {
      if (known.turn !== turn) continue;
      this.#offsets.delete(id);
      this.#sink.push(encodeEnded(this.#active.publicId, turn, id, outcome));
    }
  }

  #goLive(): void {
    this.#phase = "live";
    const { publicId, turns } = this.#active;
    const streams = new Set(turns.map((turn) => turn.stream?.id));
    for (const [id, known] of this.#offsets) {
      if (streams.has(id)) continue;
      this.#offsets.delete(id);
      this.#sink.push(encodeEnded(publicId, known.turn, id, "interrupted"));
    }
    if (!this.#toldLive) {
      this.#toldLive = true;
      this.#sink.push(encode({ type: "live", conversation: publicId, seq: this.#position }));
    }
    for (const turn of turns) {
      // What an attempt that was cut off by a restart had written stands until the next attempt's text replaces it (T4).
      if (turn.interrupted && !turn.stream) {
        const { stream, text } = turn.interrupted;
        this.#sink.push(encodeDelta(publicId, turn.name, stream, 0, text));
        this.#sink.push(encodeEnded(publicId, turn.name, stream, "interrupted"));
      }
      this.#sink.push(turn.encodedState());
      if (turn.stream && turn.stream.text !== "") this.#sendStream(turn.stream);
    }
  }
}
