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

  /** @returns null, and `leave` is to follow with the same settings; or the refusal `busy`. */
  enter(bot: string, person: string, settings: TurnSettings): Refusal | null {
    const { queue, personConcurrency } = settings;
    const arriving = this.#arriving.get(bot) ?? 0;
    if (this.#o.pendingOf(bot) + arriving >= queue) return busy(`${queue} messages wait for "${bot}" already`, 1000);
    if (personConcurrency > 0) {
      const pending = this.#o.pendingOfPerson(bot, person) + (this.#arriving.get(personKey(bot, person)) ?? 0);
      if (pending >= personConcurrency) return busy(`${personConcurrency} of your messages wait for "${bot}" already`, 1000);
    }
    const refusal = this.#takeTokens(bot, person, settings);
    if (refusal) return refusal;
    this.#arriving.set(bot, arriving + 1);
    if (personConcurrency > 0) this.#add(personKey(bot, person), 1);
    return null;
  }

  /** `stored`: false when nothing new came of it, as when the same message was sent again; then it does not count. */
  leave(bot: string, person: string, settings: TurnSettings, stored: boolean): void {
    this.#arriving.set(bot, (this.#arriving.get(bot) ?? 1) - 1);
    if (settings.personConcurrency > 0) this.#add(personKey(bot, person), -1);
    if (stored) return;
    if (settings.perMinute > 0) this.#buckets.giveBack(bot);
    if (settings.personPerMinute > 0) this.#buckets.giveBack(personKey(bot, person));
  }

  #takeTokens(bot: string, person: string, { perMinute, personPerMinute }: TurnSettings): Refusal | null {
    if (personPerMinute > 0) {
      const retryAfterMs = this.#buckets.take(personKey(bot, person), personPerMinute, this.#o.now());
      if (retryAfterMs !== null) return busy(`"${bot}" takes ${personPerMinute} messages a minute from one person`, retryAfterMs);
    }
    if (perMinute > 0) {
      const retryAfterMs = this.#buckets.take(bot, perMinute, this.#o.now());
      if (retryAfterMs === null) return null;
      if (personPerMinute > 0) this.#buckets.giveBack(personKey(bot, person));
      return busy(`"${bot}" takes ${perMinute} messages a minute`, retryAfterMs);
    }
    return null;
  }

  /** For people: there may be many, so those with nothing under way are forgotten. */
  #add(key: string, by: 1 | -1): void {
    const count = (this.#arriving.get(key) ?? 0) + by;
    if (count === 0) this.#arriving.delete(key);
    else this.#arriving.set(key, count);
  }
}

const busy = (detail: string, retryAfterMs: number): Refusal => new Refusal("busy", detail, { retryAfterMs });

/** No name of a bot has a line feed in it. */
const personKey = (bot: string, person: string): string => `${bot}\n${person}`;
