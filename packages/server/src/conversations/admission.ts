import { Refusal } from "@skep/protocol/errors";
import { Buckets } from "./rate.ts";
import type { TurnSettings } from "./turn.ts";

export interface AdmissionOptions {
  pendingOf(bot: string): number;
  pendingOfPerson(bot: string, person: string): number;
  now(): number;
}

/** Whether a bot takes another message (K5): asked before it is accepted, so that nothing has to be dropped after. */
export class Admission {
  readonly #o: AdmissionOptions;
  /** Sends under way: counted before they are committed, so that a burst cannot pass a limit. */
  readonly #arriving = new Map<string, number>();
  readonly #buckets = new Buckets();

  constructor(options: AdmissionOptions) {
    this.#o = options;
  }

  /** Every `enter` that does not throw is followed by a `leave` with the same settings. @throws Refusal `busy` */
  enter(bot: string, person: string, settings: TurnSettings): void {
    const arriving = this.#arriving.get(bot) ?? 0;
    if (this.#o.pendingOf(bot) + arriving >= settings.queue) {
      throw new Refusal("busy", `${settings.queue} messages wait for "${bot}" already`, { retryAfterMs: 1000 });
    }
    if (settings.personConcurrency > 0) this.#enterPerson(bot, person, settings.personConcurrency);
    if (settings.perMinute > 0 || settings.personPerMinute > 0) {
      try {
        this.#takeTokens(bot, person, settings);
      } catch (error) {
        if (settings.personConcurrency > 0) this.#add(personKey(bot, person), -1);
        throw error;
      }
    }
    this.#arriving.set(bot, arriving + 1);
  }

  /** `stored`: false when nothing new came of it, as when the same message was sent again; then it does not count. */
  leave(bot: string, person: string, settings: TurnSettings, stored: boolean): void {
    this.#arriving.set(bot, (this.#arriving.get(bot) ?? 1) - 1);
    if (settings.personConcurrency > 0) this.#add(personKey(bot, person), -1);
    if (stored) return;
    if (settings.perMinute > 0) this.#buckets.giveBack(bot);
    if (settings.personPerMinute > 0) this.#buckets.giveBack(personKey(bot, person));
  }

  #enterPerson(bot: string, person: string, most: number): void {
    const key = personKey(bot, person);
    if (this.#o.pendingOfPerson(bot, person) + (this.#arriving.get(key) ?? 0) >= most) {
      throw new Refusal("busy", `${most} of your messages wait for "${bot}" already`, { retryAfterMs: 1000 });
    }
    this.#add(key, 1);
  }

  #takeTokens(bot: string, person: string, { perMinute, personPerMinute }: TurnSettings): void {
    const now = this.#o.now();
    if (personPerMinute > 0) {
      const retryAfterMs = this.#buckets.take(personKey(bot, person), personPerMinute, now);
      if (retryAfterMs !== null)
        throw new Refusal("busy", `"${bot}" takes ${personPerMinute} messages a minute from one person`, { retryAfterMs });
    }
    if (perMinute > 0) {
      const retryAfterMs = this.#buckets.take(bot, perMinute, now);
      if (retryAfterMs === null) return;
      if (personPerMinute > 0) this.#buckets.giveBack(personKey(bot, person));
      throw new Refusal("busy", `"${bot}" takes ${perMinute} messages a minute`, { retryAfterMs });
    }
  }

  /** For people: there may be many, so those with nothing under way are forgotten. */
  #add(key: string, by: 1 | -1): void {
    const count = (this.#arriving.get(key) ?? 0) + by;
    if (count === 0) this.#arriving.delete(key);
    else this.#arriving.set(key, count);
  }
}

/** No name of a bot has a line feed in it. */
const personKey = (bot: string, person: string): string => `${bot}\n${person}`;
