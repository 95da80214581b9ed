import type { RunningTurn } from "./running-turn.ts";

/** Waits, or ends early when the turn is cancelled. @returns whether the turn goes on */
export type Sleep = (ms: number, turn: RunningTurn) => Promise<boolean>;

export const sleep: Sleep = (ms, turn) =>
  new Promise((resolve) => {
    if (turn.ended) {
      resolve(false);
      return;
    }
    const finish = (): void => {
      clearTimeout(timer);
      turn.onCancel = undefined;
      resolve(!turn.ended);
    };
    const timer = setTimeout(finish, ms);
    turn.onCancel = finish;
  });
