import type { Refusal } from "@skep/protocol/errors";
import type { Bot, ClientMessage } from "@skep/protocol/wire";
import type { ServerCaller } from "./call-server.ts";

/** By name. */
export type Bots = ReadonlyMap<string, Bot>;

/** What the fleet needs of the client that it belongs to. */
export interface FleetHost {
  readonly call: ServerCaller;
  post(message: ClientMessage): void;
  /** Why nothing will come any more; null while something may. */
  ended(): Refusal | "closed" | null;
}

/** All bots with their live state. Kept in step while somebody watches. */
export class Fleet {
  readonly #host: FleetHost;
  readonly #listeners = new Set<(bots: Bots) => void>();
  /** Called when there will be no more. */
  readonly #waiting = new Set<() => void>();
  #bots = new Map<string, Bot>();
  /** Names heard of since the last list was asked for: the list may be older than what was said of them. */
  #heard = new Set<string>();
  #asked = 0;
  /** The list has been heard while this was watched. */
  #known = false;

  /** @internal */
  constructor(host: FleetHost) {
    this.#host = host;
  }

  /** What is known; up to date while somebody watches. Another map after every change. */
  get bots(): Bots {
    return this.#bots;
  }

  /** All bots, first as they are, then as they are after changes, across reconnects: whoever is slow gets the newest. @throws Refusal when the server does not let us in */
  watch(options?: { signal?: AbortSignal }): AsyncGenerator<Bots, void>;
  /** Called with what is known, then after every change, across reconnects. @returns how to stop */
  watch(listener: (bots: Bots) => void): () => void;
  watch(how: ((bots: Bots) => void) | { signal?: AbortSignal } = {}): (() => void) | AsyncGenerator<Bots, void> {
    return typeof how === "function" ? this.#listen(how) : this.#follow(how.signal);
  }

  #listen(listener: (bots: Bots) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.connected();
    else listener(this.#bots);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#known = false;
      this.#host.post({ type: "unwatch", topic: "fleet" });
    };
  }

  async *#follow(signal?: AbortSignal): AsyncGenerator<Bots, void> {
    let news: Bots | null = null;
    let wake = (): void => {};
    const hear = (bots: Bots): void => {
      if (this.#known) news = bots;
      wake();
    };
    const leave = this.#listen(hear);
    const end = (): void => wake();
    this.#waiting.add(end);
    signal?.addEventListener("abort", end);
    try {
      for (;;) {
        const ended = this.#host.ended();
        if (signal?.aborted || ended === "closed") return;
        if (ended) throw ended;
        const bots = news as Bots | null;
        news = null;
        if (bots) yield bots;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      leave();
      this.#waiting.delete(end);
      signal?.removeEventListener("abort", end);
    }
  }

  /* ---- called by the client ---- */

  /** @internal There will be no more: those who wait are to look at `ended`. */
  ended(): void {
    for (const end of this.#waiting) end();
  }

  /** @internal `hello` was heard: watch again, and list what is there, since a bot may have been removed meanwhile. */
  connected(): void {
    if (this.#listeners.size === 0) return;
    this.#host.post({ type: "watch", topic: "fleet" });
    void this.#list();
  }

  /** @internal */
  heard(bot: Bot): void {
    this.#heard.add(bot.name);
    this.#set(new Map(this.#bots).set(bot.name, bot));
  }

  /** @internal */
  removed(name: string): void {
    this.#heard.add(name);
    const bots = new Map(this.#bots);
    bots.delete(name);
    this.#set(bots);
  }

  async #list(): Promise<void> {
    const asked = ++this.#asked;
    this.#heard = new Set();
    let list: Bot[];
    try {
      list = ((await this.#host.call("GET", "/api/bots")) as { bots: Bot[] }).bots;
    } catch {
      return; // What is watched still comes in; the next connection asks again.
    }
    if (asked !== this.#asked) return;
    this.#known = this.#listeners.size > 0;
    const bots = new Map<string, Bot>();
    for (const bot of list) if (!this.#heard.has(bot.name)) bots.set(bot.name, bot);
    for (const name of this.#heard) {
      const bot = this.#bots.get(name);
      if (bot) bots.set(name, bot);
    }
    this.#set(new Map([...bots].sort(([a], [b]) => a.localeCompare(b))));
  }

  #set(bots: Map<string, Bot>): void {
    this.#bots = bots;
    for (const listener of this.#listeners) listener(bots);
  }
}
