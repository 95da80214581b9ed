/**
 * What somebody should know of, and what to do about it. Pure: from the situation to the alerts.
 *
 * An alert that stands goes only when its figure is a tenth below its limit, so that one at the limit does not come and go.
 */
import type { AlertWhat, BotState, CapacityUse, Quantiles } from "@skep/protocol";

export interface AlertLimits {
  /** What Skep itself may add to an answer: storing (p95), or the event loop (p99). Milliseconds; 0: no alert. */
  delayMs: number;
  /** From a message to its answer, p95. Milliseconds; 0: no alert. */
  answerMs: number;
}

/** Shares of a limit, and of all answers. */
const memoryShare = 0.8;
const capacityShare = 0.7;
const failedShare = 0.01;
/** Free room on the disk that calls for somebody; on a small disk, when the same share is in use as of everything else. */
const freeBytes = 2e9;
const almostNoBytes = 2e8;
const stays = 0.9;

export interface BotSituation {
  name: string;
  state: BotState;
  reason: string;
  /** Why it will not run again by itself; null while it may. */
  down: string | null;
  workers: number;
  failedWorkers: number;
  /** The worker that is nearest to the bot's memory limit; null when there is none. */
  largest: { name: string; memoryMb: number; limitMb: number } | null;
}

export interface Situation {
  /** Why nothing can be stored; null when it can. */
  storeFailed: { reason: string; full: boolean } | null;
  answerMs: Quantiles;
  storedMs: Quantiles;
  loopDelayMs: number;
  turns: { ended: number; failed: number };
  capacity: readonly CapacityUse[];
  bots: readonly BotSituation[];
}

export interface Finding {
  id: string;
  what: AlertWhat;
  severity: "warning" | "critical";
  bot?: string;
  title: string;
  advice: string;
}

const ms = (value: number): string => (value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${Math.round(value)} ms`);
const percent = (share: number): string => `${share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;
const megabytes = (value: number): string => `${Math.round(value)} MB`;
const size = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : megabytes(bytes / 1e6));
const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** @param standing the ids of the alerts that stand now */
export function findAlerts(situation: Situation, limits: AlertLimits, standing: ReadonlySet<string>): Finding[] {
  const over = (id: string, value: number, limit: number): boolean => value > (standing.has(id) ? limit * stays : limit);
  const found = [
    store(situation),
    ...situation.capacity.map((use) => capacity(use, over)),
    delay(situation, limits.delayMs, over),
    answers(situation, limits.answerMs, over),
    errors(situation, over),
    ...situation.bots.flatMap((bot) => [ofBot(bot), memoryOf(bot, over)]),
  ];
  return found.filter((one) => one !== null).toSorted((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
}

type Over = (id: string, value: number, limit: number) => boolean;

function store({ storeFailed }: Situation): Finding | null {
  if (!storeFailed) return null;
  return {
    id: "store",
    what: "store",
    severity: "critical",
    title: storeFailed.full ? "The disk is full: no message can be stored." : `The store takes no writes: ${storeFailed.reason}`,
    advice: storeFailed.full
      ? "Make room on the disk of the data folder; sending then works again by itself. What is stored can be read meanwhile."
      : "Look at the disk of the data folder, then restart Skep. What was accepted is safe, and is worked on after the restart.",
  };
}

function capacity({ what, bot, used, limit }: CapacityUse, over: Over): Finding | null {
  if (limit <= 0) return null;
  const id = bot === undefined ? what : `${what}:${bot}`;
  const share = used / limit;
  const finding = (title: string, advice: string, severity: Finding["severity"] = "warning"): Finding => ({
    id,
    what,
    severity,
    ...(bot === undefined ? {} : { bot }),
    title,
    advice,
  });
  if (what === "disk") {
    const free = limit - used;
    if (!over(id, Math.min(freeBytes, (1 - capacityShare) * limit) / Math.max(1, free), 1)) return null;
    const severity = free < almostNoBytes ? "critical" : "warning";
    return finding(
      `The disk of the data folder has ${size(free)} left of ${size(limit)}.`,
      "Make room there, or move the data folder to a larger disk (stop Skep, move the folder, start with --data). On a full disk no message is accepted.",
      severity,
    );
  }
  if (!over(id, share, what === "memory" ? memoryShare : capacityShare)) return null;
  if (what === "memory") {
    return finding(
      `Skep and its bots use ${megabytes(used)} of ${megabytes(limit)} of memory (${percent(share)}).`,
      "Give bots a memory limit (limits.memoryMb), run fewer workers, or give the machine or container more memory. Set --memory-mb if another limit is meant.",
    );
  }
  if (what === "places") {
    return finding(
      `${bot} works on ${used} of at most ${plural(limit, "conversation")} at a time (${percent(share)}).`,
      used >= limit
        ? "Messages to it wait now. Add workers, or raise its limits.concurrency if its model can do more at a time."
        : "Before messages have to wait: add workers, or raise its limits.concurrency if its model can do more at a time.",
    );
  }
  if (what === "queue") {
    return finding(
      `${plural(used, "message")} of at most ${limit} wait for ${bot} (${percent(share)}).`,
      "When the queue is full, messages are refused. Add workers, name a bot that stands in (fallback), or raise its limits.queue.",
      share >= stays ? "critical" : "warning",
    );
  }
  return finding(
    `${plural(used, "operation")} of at most ${limit} wait for the disk (${percent(share)}).`,
    "The disk is slower than what comes in. Look for other programs that write to it, or move the data folder to a faster one.",
    "critical",
  );
}

function delay({ storedMs, loopDelayMs }: Situation, limit: number, over: Over): Finding | null {
  if (limit === 0) return null;
  const slowDisk = over("delay", storedMs.p95 ?? 0, limit);
  if (!slowDisk && !over("delay", loopDelayMs, limit)) return null;
  return {
    id: "delay",
    what: "delay",
    severity: "warning",
    title: slowDisk
      ? `Storing takes ${ms(storedMs.p95 ?? 0)} (p95 of the last five minutes): so much Skep adds to every message and every answer.`
      : `Skep itself is late by ${ms(loopDelayMs)} (p99): so much it adds to messages and answers.`,
    advice: slowDisk
      ? "The disk of the data folder is slow. Look for other programs that write to it, or move the folder to a faster one."
      : "The processor has too much to do. Give bots a higher limits.nice, run fewer of them, or give the machine more cores.",
  };
}

function answers({ answerMs }: Situation, limit: number, over: Over): Finding | null {
  if (limit === 0 || !over("answers", answerMs.p95 ?? 0, limit)) return null;
  return {
    id: "answers",
    what: "answers",
    severity: "warning",
    title: `Answers take ${ms(answerMs.p95 ?? 0)} (p95 of the last five minutes); the limit is ${ms(limit)}.`,
    advice:
      "Look at the bots: where messages wait, add workers; where none wait, the model itself is slow. What is long enough is set by --alert-answer-ms.",
  };
}

function errors({ turns: { ended, failed } }: Situation, over: Over): Finding | null {
  if (failed === 0 || !over("errors", failed / ended, failedShare)) return null;
  return {
    id: "errors",
    what: "errors",
    severity: "warning",
    title: `${failed} of ${plural(ended, "answer")} failed in the last five minutes (${percent(failed / ended)}).`,
    advice: "The failed message in its conversation says why; the log of its bot says more. It can be tried again there.",
  };
}

function ofBot(bot: BotSituation): Finding | null {
  const { name, state, reason, down, workers, failedWorkers } = bot;
  const because = reason === "" ? "" : `: ${reason.replace(/\.$/, "")}`;
  if (down !== null) {
    return {
      id: `bot-failed:${name}`,
      what: "bot-failed",
      severity: "critical",
      bot: name,
      title: `${name} ${state === "failed" ? "has failed" : "has ended and is not to be restarted"}${because}.`,
      advice: `See why on its page or with \`skep bot why ${name}\`, mend that, and start it again. Messages to it wait until then.`,
    };
  }
  if (state === "login-needed") {
    return {
      id: `bot-login:${name}`,
      what: "bot-login",
      severity: "critical",
      bot: name,
      title: `Somebody has to sign ${name} in.`,
      advice: reason === "" ? `Its page says how. Messages to it wait until then.` : `${reason} Messages to it wait until then.`,
    };
  }
  if (failedWorkers === 0) return null;
  return {
    id: `workers-failed:${name}`,
    what: "workers-failed",
    severity: "warning",
    bot: name,
    title: `${failedWorkers} of ${plural(workers, "worker")} of ${name} ${failedWorkers === 1 ? "has" : "have"} failed.`,
    advice: `The others go on. See why on its page or with \`skep bot why ${name}\`, mend that, and restart the bot.`,
  };
}

function memoryOf({ name, largest }: BotSituation, over: Over): Finding | null {
  const id = `worker-memory:${name}`;
  if (!largest || !over(id, largest.memoryMb / largest.limitMb, memoryShare)) return null;
  return {
    id,
    what: "worker-memory",
    severity: "warning",
    bot: name,
    title: `Worker ${largest.name} of ${name} uses ${megabytes(largest.memoryMb)} of ${megabytes(largest.limitMb)} of memory.`,
    advice: "Over its limit it is replaced once it has ended its work. Raise limits.memoryMb if it needs that much.",
  };
}
