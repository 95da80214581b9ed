import type { Store } from "../store/store.ts";
import type { ActiveConversation, News } from "./active.ts";
import type { Sink, Subscription } from "./api.ts";
import { encode, encodePermission, encodeDelta, encodeEnded, encodeMessage, turnName } from "./encode.ts";
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
  readonly #store: Pick<Store, "messages" | "permission">;
  readonly #onError: (error: unknown) => void;
  #position: number;
  #phase: "replaying" | "live" | "closed" = "replaying";
  #paging = false;
  /** Of the next news, so many had happened before it turned live: told again, the draft of an answer would come after the answer (T4). */
  #knownNews = 0;
  #toldLive = false;
  /** Streams this reader was sent something of -> how much (UTF-16 units). */
  readonly #offsets = new Map<Stream, number>();
  /** The same for their parts -> up to which version. */
  readonly #versions = new Map<Stream, number>();
  /** Requests for permission that it was told of, and not yet what became of them. */
  readonly #asked = new Set<number>();

  constructor(
    active: ActiveConversation,
    sink: Sink,
    store: Pick<Store, "messages" | "permission">,
    position: number,
    onError: (error: unknown) => void,
  ) {
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

  snapshot(streamId: string, offset: number, parts: boolean): void {
    const stream = this.#active.turns.map((turn) => turn.stream).find((one) => one?.id === streamId);
    if (!stream || this.#phase !== "live") return;
    this.#offsets.set(stream, Math.min(offset, stream.text.length));
    if (parts) this.#versions.delete(stream);
    this.#sendStream(stream);
  }

  /** The conversation is gone, or the right to read it. */
  end(reason: "erased" | "not_allowed"): void {
    if (this.#phase === "closed") return;
    this.#sink.push(encode({ type: "reset", conversation: this.#active.publicId, reason, epoch: this.#active.epoch, head: 0 }));
    this.close();
  }

  onNews(news: readonly News[]): void {
    const known = this.#knownNews;
    this.#knownNews = 0;
    if (this.#phase !== "live") return;
    if (!this.#sink.writable()) {
      this.#phase = "replaying";
      return;
    }
    for (const item of known > 0 ? news.slice(known) : news) {
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
        case "permission":
          if (item.pending) this.#asked.add(item.id);
          else this.#asked.delete(item.id);
          this.#sink.push(item.encoded);
          break;
        case "stream":
          this.#sendStream(item.stream);
          break;
        case "stream-ended":
          this.#endStream(item.stream);
      }
    }
  }

  #sendStream(stream: Stream): void {
    if (stream.text === "" && !stream.parts) return;
    const known = this.#offsets.get(stream);
    if (known === undefined || known < stream.text.length) {
      if (stream.text !== "") this.#sink.push(stream.deltaFrom(known ?? 0));
      this.#offsets.set(stream, stream.text.length);
    }
    if (stream.parts) this.#sendParts(stream, stream.parts.version);
  }

  /** After the text: a part never begins behind what the reader has of it. */
  #sendParts(stream: Stream, version: number): void {
    const known = this.#versions.get(stream) ?? 0;
    if (known >= version) return;
    for (const encoded of stream.partsFrom(known)) this.#sink.push(encoded);
    this.#versions.set(stream, version);
  }

  /** The rest of its text, unless that is replaced anyway, and how it ended (T2, T4). A stream this reader has seen nothing of is left out. */
  #endStream(stream: Stream): void {
    if (stream.outcome === null) return;
    if (stream.outcome !== "interrupted") this.#sendStream(stream);
    this.#versions.delete(stream);
    if (this.#offsets.delete(stream)) this.#sink.push(encodeEnded(this.#active.publicId, stream.turn, stream.id, stream.outcome));
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
        // Read, but not published yet: what belongs before it has not happened here.
        if (message.seq > this.#active.head) break;
        if (message.outcome !== null && message.turn !== null) this.#endStreamsOf(turnName(message.turn));
        this.#sink.push(encodeMessage(this.#active.publicId, message, this.#active.bot));
        this.#position = message.seq;
      }
    }
  }

  #isClosed(): boolean {
    return this.#phase === "closed";
  }

  /** Streams that ended while this reader was behind: it is told how, before the message that says the same. */
  #endStreamsOf(turn: string): void {
    for (const stream of this.#offsets.keys()) if (stream.turn === turn) this.#endStream(stream);
  }

  /** Those that are pending; and what became of others while nobody could be told. */
  #tellPermissions(): void {
    const settled = [...this.#asked];
    this.#asked.clear();
    for (const { permissions } of this.#active.turns) {
      for (const { stored } of permissions?.values() ?? []) {
        this.#asked.add(stored.id);
        this.#sink.push(encodePermission(stored));
      }
    }
    for (const id of settled) {
      if (this.#asked.has(id)) continue;
      this.#store.permission(id).then((stored) => {
        if (stored && !this.#isClosed()) this.#sink.push(encodePermission(stored));
      }, this.#onError);
    }
  }

  #goLive(): void {
    this.#phase = "live";
    this.#knownNews = this.#active.undelivered;
    const { publicId, turns } = this.#active;
    for (const stream of this.#offsets.keys()) this.#endStream(stream);
    const first = !this.#toldLive;
    if (first) {
      this.#toldLive = true;
      this.#sink.push(encode({ type: "live", conversation: publicId, seq: this.#position }));
    }
    for (const turn of turns) {
      // What an attempt that was cut off by a restart had written stands until the next attempt's text replaces it (T4).
      if (turn.interrupted && first) {
        const { stream, text } = turn.interrupted;
        if (text !== "") this.#sink.push(encodeDelta(publicId, turn.name, stream, 0, text));
        this.#sink.push(encodeEnded(publicId, turn.name, stream, "interrupted"));
      }
      this.#sink.push(turn.encodedState());
      if (turn.stream) this.#sendStream(turn.stream);
    }
    this.#tellPermissions();
  }
}
