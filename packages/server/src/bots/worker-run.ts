import type { Channel, ChannelExit } from "./channel.ts";
import type { Held } from "./held-turns.ts";
import type { AfterExit } from "./restart-policy.ts";
import type { TimelineEntry } from "./timeline.ts";

/** What is known of one process of a worker; the next one starts with nothing. */
export interface Run {
  channel: Channel | null;
  /** It had ended before it was there. */
  endedEarly: ChannelExit | null;
  startedAt: number;
  /** 0: it has not said hello. */
  readyAt: number;
  answered: boolean;
  heardAt: number;
  askedAt: number;
  heartbeat: boolean;
  /** How to sign in, while somebody has to. */
  login: string | null;
  memory: (() => number | null) | null;
  memoryMb: number | null;
  memoryReadAt: number;
  /** Since when it has been over its memory limit. */
  overSince: number | null;
  /** The last lines of its error output, and what it has logged as an error. */
  output: string[];
}

export const newRun = (now: number): Run => ({
  channel: null,
  endedEarly: null,
  startedAt: now,
  readyAt: 0,
  answered: false,
  heardAt: now,
  askedAt: 0,
  heartbeat: false,
  login: null,
  memory: null,
  memoryMb: null,
  memoryReadAt: now,
  overSince: null,
  output: [],
});

/** Enough for what a runtime prints when it dies, which begins with the reason. */
const lastLines = 30;
const lineCharacters = 200;

export function rememberOutput(run: Run, text: string): void {
  run.output.push(text.slice(0, lineCharacters));
  if (run.output.length > lastLines) run.output.shift();
}

const attemptsShown = 100;
const decisions = { restart: "restart", "stay-stopped": "stays-stopped", fail: "failed" } as const;

/** Everything that is known about the end of a process, for the timeline. @param asked it was asked to end */
export function endedEntry(
  run: Run,
  exit: ChannelExit,
  { asked, next, held, now }: { asked: boolean; next: AfterExit; held: readonly [string, Held][]; now: number },
): TimelineEntry {
  const attempts = held.slice(0, attemptsShown).map(([attempt, { line }]) => ({ conversation: line.conversation, attempt }));
  return {
    what: "ended",
    pid: run.channel?.pid ?? null,
    reason: asked ? `${exit.reason} (${next.kind === "restart" ? "" : next.reason})` : exit.reason,
    uptimeMs: now - run.startedAt,
    decision: asked ? "stopped" : decisions[next.kind],
    ...(typeof exit.code === "number" ? { code: exit.code } : {}),
    ...(exit.signal ? { signal: exit.signal } : {}),
    ...(run.memoryMb === null ? {} : { memoryMb: run.memoryMb }),
    ...(attempts.length === 0 ? {} : { attempts }),
    ...(run.output.length === 0 ? {} : { output: run.output }),
    ...(next.kind === "restart" ? { restartInMs: next.afterMs } : {}),
  };
}
