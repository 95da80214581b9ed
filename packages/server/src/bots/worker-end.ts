/** What the end of a worker's process means: what follows, how the worker's state moves, what its timeline says. Pure. */
import type { RestartSettings } from "@skep/protocol";
import type { ChannelExit } from "./channel.ts";
import type { Held } from "./held-turns.ts";
import type { AfterExit, RestartHistory } from "./restart-policy.ts";
import { afterExit } from "./restart-policy.ts";
import type { TimelineEntry } from "./timeline.ts";
import type { Run } from "./worker-run.ts";
import type { WorkerEvent } from "./worker-state.ts";

export interface Circumstances {
  /** Why it was asked to end; null when it was not. */
  asked: string | null;
  restart: RestartSettings;
  history: RestartHistory;
  /** What it was working on, by the name of the attempt. */
  held: readonly [string, Held][];
  now: number;
  /** In [0, 1). */
  random: number;
}

export interface Ending {
  event: WorkerEvent;
  reason: string;
  entry: TimelineEntry;
  /** It counts as a restart, which comes after the pause; null: it is no restart, or none follows. */
  again: { history: RestartHistory; pauseMs: number } | null;
}

export function endingOf(run: Run, exit: ChannelExit, circumstances: Circumstances): Ending {
  const next = whatFollows(run, exit, circumstances);
  const entry = endedEntry(run, exit, next, circumstances);
  // A program elsewhere that has left may come back at any time: nothing of it is counted.
  if (exit.away && circumstances.asked === null) return { event: "ended-away", reason: exit.reason, entry, again: null };
  if (next.kind === "restart") {
    return { event: "ended-again", reason: exit.reason, entry, again: { history: next.history, pauseMs: next.afterMs } };
  }
  return { event: next.kind === "fail" ? "ended-failed" : "ended-for-good", reason: next.reason, entry, again: null };
}

function whatFollows(run: Run, exit: ChannelExit, { asked, restart, history, now, random }: Circumstances): AfterExit {
  if (asked !== null) return { kind: "stay-stopped", reason: asked };
  if (exit.away) return { kind: "restart", afterMs: 0, history };
  const readyForMs = run.readyAt === 0 ? 0 : now - run.readyAt;
  return afterExit({ ...exit, readyForMs, answered: run.answered }, restart, history, now, random);
}

const attemptsShown = 100;
const decisions = { restart: "restart", "stay-stopped": "stays-stopped", fail: "failed" } as const;

/** Everything that is known about the end of a process. */
function endedEntry(run: Run, exit: ChannelExit, next: AfterExit, { asked, held, now }: Circumstances): TimelineEntry {
  const attempts = held.slice(0, attemptsShown).map(([attempt, { line }]) => ({ conversation: line.conversation, attempt }));
  return {
    what: "ended",
    pid: run.channel?.pid ?? null,
    reason: asked !== null ? `${exit.reason} (${next.kind === "restart" ? "" : next.reason})` : exit.reason,
    uptimeMs: now - run.startedAt,
    decision: asked !== null ? "stopped" : decisions[next.kind],
    ...(typeof exit.code === "number" ? { code: exit.code } : {}),
    ...(exit.signal ? { signal: exit.signal } : {}),
    ...(run.memoryMb === null ? {} : { memoryMb: run.memoryMb }),
    ...(attempts.length === 0 ? {} : { attempts }),
    ...(run.output.length === 0 ? {} : { output: run.output }),
    ...(next.kind === "restart" ? { restartInMs: next.afterMs } : {}),
  };
}
