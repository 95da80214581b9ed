/**
 * Is a worker alive? Five levels, each with its own limit and its own action:
 *
 *   process    it exits                                    the exit itself tells: the restart policy decides, its turns are lost
 *   channel    silent for `heartbeatMs`, asked in between   replaced, its turns are lost
 *   progress   nothing about a turn for `progressMs`        the attempt is taken away and counts as failed
 *   deadline   an attempt takes longer than `turnMs`        the same (conversations/turns.ts)
 *   memory     more than `memoryMb`                         no new turns; replaced when idle, after 30 s, or at once over 1.5 times the limit
 *
 * A lost turn, and an attempt taken away, is done again or fails by the bot's `delivery` (B3), whatever the level was. Pure.
 */
export interface WatchSettings {
  heartbeatMs: number;
  progressMs: number;
  memoryMb: number;
}

/** An asked worker gets at least this part of the limit to answer, also when the question came late. */
const timeToAnswer = 1 / 3;

export type Heartbeat = "alive" | "ask" | "wait" | "hangs";

/** @param asked when it was last sent a `ping`; heard after that, it has answered. */
export function heartbeat(times: { heard: number; asked: number; now: number }, limitMs: number): Heartbeat {
  const silentMs = times.now - times.heard;
  if (silentMs < limitMs / 2) return "alive";
  if (times.asked <= times.heard) return "ask";
  return silentMs >= limitMs && times.now - times.asked >= limitMs * timeToAnswer ? "hangs" : "wait";
}

const drainMs = 30_000;
const farOver = 1.5;

export type MemoryVerdict = "fine" | "drain" | "replace";

/** @param overSince when it was first found over the limit without having been below since; null when it was not. */
export function memoryVerdict(
  { mb, overSince, idle, now }: { mb: number; overSince: number | null; idle: boolean; now: number },
  limitMb: number,
): MemoryVerdict {
  if (limitMb === 0 || mb <= limitMb) return "fine";
  return mb > limitMb * farOver || idle || (overSince !== null && now - overSince >= drainMs) ? "replace" : "drain";
}
