/** Conversations that somebody reads or works on right now. Everything else is only in the store. */
import { Refusal } from "@skep/protocol/errors";
import type { StreamOutcome } from "@skep/protocol";
import type { StoredPermission } from "../store/permission.ts";
import type { Store, StoredMessage } from "../store/store.ts";
import { encodeMessage, encodePermission } from "./encode.ts";
import type { Reader } from "./reader.ts";
import type { Stream } from "./stream.ts";
import type { Tick } from "../tick.ts";
import type { Turn } from "./turn.ts";

/** What happened in a conversation since the last tick. */
export type News =
  | { kind: "message"; seq: number; encoded: string }
  | { kind: "state"; encoded: string }
  | { kind: "permission"; id: number; pending: boolean; encoded: string }
  | { kind: "stream"; stream: Stream }
  | { kind: "stream-ended"; stream: Stream };

export class ActiveConversation {
  readonly conversation: number;
  readonly publicId: string;
  readonly bot: string;
  readonly person: string;
  readonly epoch: string;
  /** seq of the newest message that is known to be committed. */
  head: number;
  erased = false;
  readonly readers = new Set<Reader>();
  /** Pending turns in the order of their messages; the first one is worked on (B2). */
  readonly turns: Turn[] = [];
  /** Cancelled attempts that a worker has not let go of yet: the next turn waits for it (B2). */
  lettingGo = 0;
  /** Work that still needs this object. */
  pins = 0;
  readonly #tick: Tick;
  #news: News[] = [];
  #newsStreams = new Set<Stream>();

  constructor(row: { conversation: number; publicId: string; bot: string; person: string; head: number }, epoch: string, tick: Tick) {
    this.conversation = row.conversation;
    this.publicId = row.publicId;
    this.bot = row.bot;
    this.person = row.person;
    this.head = row.head;
    this.epoch = epoch;
    this.#tick = tick;
  }

  /** How many of the next news have happened already: who turns live now was told what came of them. */
  get undelivered(): number {
    return this.#news.length;
  }

  get idle(): boolean {
    return this.readers.size === 0 && this.turns.length === 0 && this.pins === 0;
  }

  /** Called in the order of seq, once the message is committed. */
  published(message: StoredMessage): void {
    if (message.seq <= this.head) return;
    this.head = message.seq;
    if (this.readers.size > 0) this.#add({ kind: "message", seq: message.seq, encoded: encodeMessage(this.publicId, message, this.bot) });
  }

  state(encoded: string): void {
    if (this.readers.size > 0) this.#add({ kind: "state", encoded });
  }

  permission(stored: StoredPermission): void {
    if (this.readers.size === 0) return;
    this.#add({ kind: "permission", id: stored.id, pending: stored.state === "pending", encoded: encodePermission(stored) });
  }

  streamed(stream: Stream): void {
    if (this.readers.size === 0 || this.#newsStreams.has(stream)) return;
    this.#newsStreams.add(stream);
    this.#add({ kind: "stream", stream });
  }

  /** Before the message that ends the turn is published: whoever sees that message knows how the stream ended. */
  streamEnded(stream: Stream, outcome: StreamOutcome): void {
    stream.outcome = outcome;
    if (this.readers.size > 0) this.#add({ kind: "stream-ended", stream });
  }

  #add(news: News): void {
    this.#news.push(news);
    this.#tick.deliver(this.#deliver);
  }

  readonly #deliver = (): void => {
    const news = this.#news;
    this.#news = [];
    this.#newsStreams.clear();
    for (const reader of this.readers) reader.onNews(news);
  };
}

/** Entries that nobody uses are forgotten beyond this many. */
const kept = 20_000;

export class ActiveConversations {
  readonly #store: Pick<Store, "conversation" | "epoch">;
  readonly #tick: Tick;
  readonly #loaded = new Map<string, ActiveConversation>();
  readonly #loading = new Map<string, Promise<ActiveConversation | null>>();

  constructor(store: Pick<Store, "conversation" | "epoch">, tick: Tick) {
    this.#store = store;
    this.#tick = tick;
  }

  get size(): number {
    return this.#loaded.size;
  }

  /** Without a promise where it is known already: the message path needs no turn of the loop for it. @throws Refusal `not_found` */
  get(publicId: string): ActiveConversation | Promise<ActiveConversation> {
    return this.#loaded.get(publicId) ?? this.#load(publicId);
  }

  known(publicId: string): ActiveConversation | undefined {
    return this.#loaded.get(publicId);
  }

  /** Nothing can be committed to a conversation that is not loaded, so a head that is read here is never behind one that was published. */
  async #load(publicId: string): Promise<ActiveConversation> {
    let loading = this.#loading.get(publicId);
    if (!loading) {
      loading = this.#store.conversation(publicId).then((row) => (row ? this.hold(row) : null));
      this.#loading.set(publicId, loading);
      void loading.finally(() => this.#loading.delete(publicId)).catch(() => {});
    }
    const active = await loading;
    if (!active || active.erased) throw new Refusal("not_found", "This conversation does not exist");
    return active;
  }

  hold(row: { conversation: number; publicId: string; bot: string; person: string; head: number }): ActiveConversation {
    const known = this.#loaded.get(row.publicId);
    if (known) return known;
    if (this.#loaded.size >= kept) this.#forget();
    const active = new ActiveConversation(row, this.#store.epoch, this.#tick);
    this.#loaded.set(row.publicId, active);
    return active;
  }

  forget(publicId: string): void {
    this.#loaded.delete(publicId);
  }

  #forget(): void {
    let wanted = kept / 10;
    for (const [publicId, active] of this.#loaded) {
      if (!active.idle) continue;
      this.#loaded.delete(publicId);
      if (--wanted <= 0) return;
    }
  }
}
