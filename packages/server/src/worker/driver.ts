/** What the host asks of a kind of bot. Types only: a bot process pays for every module that it loads. */
import type { Output } from "./output.ts";
import type { RunningTurn } from "./running-turn.ts";

export interface Driver {
  /** Does it want the conversation so far with every turn? */
  readonly context: "message" | "history";
  /** The most turns that it works on at a time; the host lets more wait. */
  readonly concurrency: number;
  /** How many turns of one conversation it may be given ahead; the host lets them wait for each other. 1 when left out. */
  readonly ahead?: number;
  /**
   * Works on one attempt and ends it through `turn`. Returns nothing when the turn has ended already, which costs nothing more.
   * May throw: the attempt then fails with what was thrown, and is worth another try.
   */
  run(turn: RunningTurn): Promise<void> | void;
  /** The input has ended, the process is about to: ends what it has started. */
  end?(): Promise<void>;
}

/** May take its time: the bot counts as ready when this has ended. @throws Error with a sentence for people when the options make no sense */
export type CreateDriver = (options: Record<string, unknown>, output: Output) => Driver | Promise<Driver>;
