import type { BotEvent } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Time } from "../time.ts";

/** An entry before it is stored. */
export type TimelineEntry = Omit<BotEvent, "number" | "at">;

/** Entries of one bot that are kept; older ones go. */
export const entriesKept = 1000;
const reasonCharacters = 1000;
/** A bot that flaps writes no more than this many a minute; what it did meanwhile can be seen from the counts. */
const mostPerMinute = 120;

/**
 * Why did it stop? What happened to a bot and its workers, kept over restarts of the controller. Written through the group commit, for
 * which nothing but who reads the timeline waits: a full disk costs entries, nothing else.
 */
export class Timeline {
  readonly #bot: string;
  readonly #commit: Pick<GroupCommit, "add">;
  readonly #time: Pick<Time, "now">;
  #minute = 0;
  #written = 0;
  #newest: Promise<unknown> = Promise.resolve();

  constructor(bot: string, commit: Pick<GroupCommit, "add">, time: Pick<Time, "now">) {
    this.#bot = bot;
    this.#commit = commit;
    this.#time = time;
  }

  add(entry: TimelineEntry): void {
    const at = this.#time.now();
    const minute = Math.floor(at / 60_000);
    if (minute !== this.#minute) [this.#minute, this.#written] = [minute, 0];
    if (++this.#written > mostPerMinute) return;
    const reason = entry.reason.slice(0, reasonCharacters).toWellFormed();
    const output = entry.output?.map((line) => line.toWellFormed());
    const stored: TimelineEntry = { ...entry, reason, ...(output ? { output } : {}) };
    this.#newest = this.#commit.add({ op: "note-bot", bot: this.#bot, at, entry: JSON.stringify(stored), keep: entriesKept }).catch(() => {
      // The store says itself why it takes no more.
    });
  }

  /** Resolves when all that was added until now is stored, or never will be: who sees a bot's new state and asks for the reason finds it. */
  async stored(): Promise<void> {
    await this.#newest;
  }
}
