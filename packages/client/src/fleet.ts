import type { Bot, ClientMessage } from "@skep/protocol/wire";
import type { ServerCaller } from "./call-server.ts";

/** All bots with their live state. Kept in step while at least one listener is there. */
export class Fleet {
  readonly #post: (message: ClientMessage) => void;
  readonly #call: ServerCaller;
  readonly #listeners = new Set<(bots: ReadonlyMap<string, Bot>) => void>();
  #bots = new Map<string, Bot>();
  /** Names heard of since the last list was asked for: the list may be older than what was said of them. */
  #heard = new Set<string>();
  #asked = 0;

  /** @internal */
  constructor(post: (message: ClientMessage) => void, call: ServerCaller) {
    this.#post = post;
    this.#call = call;
  }

  get bots(): ReadonlyMap<string, Bot> {
    return this.#bots;
  }

  /** Called at once with what is known, then after every change, across reconnects. @returns how to stop */
  watch(listener: (bots: ReadonlyMap<string, Bot>) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.connected();
    else listener(this.#bots);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#post({ type: "unwatch", topic: "fleet" });
    };
  }

  /** `hello` was heard: watch again, and list what is there, since a bot may have been removed meanwhile. */
  connected(): void {
    if (this.#listeners.size === 0) return;
    this.#post({ type: "watch", topic: "fleet" });
    void this.#list();
  }

  heard(bot: Bot): void {
    this.#heard.add(bot.name);
    this.#set(new Map(this.#bots).set(bot.name, bot));
  }

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
      list = ((await this.#call("GET", "/api/bots")) as { bots: Bot[] }).bots;
    } catch {
      return; // What is watched still comes in; the next connection asks again.
    }
    if (asked !== this.#asked) return;
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
