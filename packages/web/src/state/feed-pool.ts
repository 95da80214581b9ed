import type { Client } from "@skep/client";
import { ConversationFeed, type FeedOptions } from "./conversation-feed.ts";

/** The conversations that were open last stay in step in the background: going back to one takes no time, and its unread messages are counted as they come. */
export class FeedPool {
  readonly #open = new Map<string, ConversationFeed>();
  readonly #o: Omit<FeedOptions, "id"> & { client: Client };
  readonly #kept: number;

  constructor(options: Omit<FeedOptions, "id">, kept = 6) {
    this.#o = options;
    this.#kept = kept;
  }

  get(id: string): ConversationFeed {
    const known = this.#open.get(id);
    const feed = known && known.view.phase !== "gone" ? known : new ConversationFeed({ ...this.#o, id });
    this.#open.delete(id);
    this.#open.set(id, feed);
    for (const [other, old] of this.#open) {
      if (this.#open.size <= this.#kept) break;
      // One that awaits an answer stays.
      if (old.busy) continue;
      old.close();
      this.#open.delete(other);
    }
    return feed;
  }

  /** It is known to be gone. */
  drop(id: string): void {
    this.#open.get(id)?.close();
    this.#open.delete(id);
  }
}
