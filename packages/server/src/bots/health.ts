/**
 * Is a worker fit to get turns? A circuit breaker, pure: events in, state out. What counts as a failure: its process ended by itself or was
 * ended because it hung, or a turn failed at it in a way that another attempt may mend (`retry`). A refusal (`retry: false`) is an answer.
 *
 *   in ──3 failures in a row──> out ──pause over──> trial (one turn at a time)
 *   in, trial, out ──answer──> in
 *   trial ──failure──> out, the pause doubled: 1 s to 60 s
 */
import type { WorkerHealth } from "@skep/protocol";

export const failuresUntilOut = 3;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

export interface Health {
  /** Failures since the last answer, or since it came in. */
  readonly failures: number;
  /** How often it was taken out since its last answer. */
  readonly timesOut: number;
  /** The end of the pause; 0 while it is in. */
  readonly outUntil: number;
}

export const healthy: Health = { failures: 0, timesOut: 0, outUntil: 0 };

export const stateOf = (health: Health, now: number): WorkerHealth =>
  health.outUntil === 0 ? "in" : now < health.outUntil ? "out" : "trial";

export function afterFailure(health: Health, now: number): Health {
  const failures = health.failures + 1;
  const state = stateOf(health, now);
  // Several turns that fail together are one reason to be out, not many.
  if (state === "out" || (state === "in" && failures < failuresUntilOut)) return { ...health, failures };
  const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** health.timesOut);
  return { failures, timesOut: Math.min(health.timesOut + 1, 16), outUntil: now + pause };
}
