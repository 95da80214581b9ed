/**
 * What happens after a worker has ended by itself or was replaced because it hung (B6). Pure: the worker asks, then does it (`worker-state.ts` has the
 * states that this decides between).
 */
import type { RestartSettings } from "@skep/protocol";

const firstPauseMs = 100;
const longestPauseMs = 30_000;
/** A worker that was ready for this long, or has answered, is in good health again: the next pause starts from the beginning. */
export const healthyAfterMs = 10_000;

export interface RestartHistory {
  /** Times of restarts within the window. */
  restarts: readonly number[];
  /** Restarts since the worker was last in good health. */
  inARow: number;
}

export const noRestarts: RestartHistory = { restarts: [], inARow: 0 };

export type AfterExit =
  | { kind: "restart"; afterMs: number; history: RestartHistory }
  | { kind: "stay-stopped"; reason: string }
  | { kind: "fail"; reason: string };

export interface WorkerExit {
  /** Exit code 0 and not killed. */
  clean: boolean;
  /** For people: "exited with code 1". */
  reason: string;
  /** How long it had been ready, 0 if it never was. */
  readyForMs: number;
  /** It had answered since it was started: what ended it is one message, not the bot. */
  answered: boolean;
}

export function afterExit(exit: WorkerExit, settings: RestartSettings, history: RestartHistory, now: number, random: number): AfterExit {
  if (settings.policy === "never") return { kind: "stay-stopped", reason: `${exit.reason}; it is not restarted (policy: never)` };
  if (settings.policy === "on-failure" && exit.clean) {
    return { kind: "stay-stopped", reason: `${exit.reason}; it is restarted only after a failure` };
  }
  const recent = history.restarts.filter((at) => now - at < settings.windowMs);
  if (recent.length >= settings.maxRestarts) {
    const minutes = Math.round(settings.windowMs / 60_000);
    return {
      kind: "fail",
      reason: `${exit.reason}; ${recent.length} restarts in ${minutes} min did not help. Start it again once the cause is mended.`,
    };
  }
  const inARow = exit.answered || exit.readyForMs >= healthyAfterMs ? 0 : history.inARow;
  // The first restart is at once: a bot that dies is back in a second.
  const pause = inARow === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (inARow - 1));
  return {
    kind: "restart",
    afterMs: Math.round(pause * (0.5 + random / 2)),
    history: { restarts: [...recent, now].slice(-1000), inARow: inARow + 1 },
  };
}
