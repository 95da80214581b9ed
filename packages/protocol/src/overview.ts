/** What `GET /api/overview` and `GET /api/overview/bots` answer. The meaning of every figure stands in docs/overview.md. */

/** 15 minutes by 5 s, one hour by 20 s, one day by 8 min. */
export type OverviewRange = "15m" | "1h" | "24h";

/** Milliseconds; null where nothing was measured. */
export interface Quantiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface OverviewNow {
  /** Accepted, mean of the last minute. */
  messagesPerSecond: number;
  /** From the acceptance of a message to its stored answer, of the last five minutes. */
  answerMs: Quantiles;
  /** From the moment Skep has a message or an answer to the moment it is on the disk, of the last five minutes. */
  storedMs: Quantiles;
  /** Of the last five minutes; those that were cancelled do not count. */
  turns: { ended: number; failed: number };
  queued: number;
  running: number;
  /** Megabytes (10^6 bytes). `limit`: what the controller and the bots should stay under together. */
  memoryMb: { controller: number; bots: number; limit: number };
  /** How late the event loop was, p99 of the last five seconds. */
  loopDelayMs: number;
  connections: number;
}

/** Columns of equal length, oldest first; null where nothing was measured. Of what is not counted but stands, the highest value of the step. */
export interface OverviewSeries {
  /** Milliseconds since the Unix epoch: the end of each step. */
  at: number[];
  messagesPerSecond: (number | null)[];
  answerP50: (number | null)[];
  answerP95: (number | null)[];
  answerP99: (number | null)[];
  storedP50: (number | null)[];
  storedP95: (number | null)[];
  storedP99: (number | null)[];
  ended: (number | null)[];
  failed: (number | null)[];
  queued: (number | null)[];
  running: (number | null)[];
  controllerMb: (number | null)[];
  botsMb: (number | null)[];
  loopDelayMs: (number | null)[];
  connections: (number | null)[];
}

export type AlertWhat =
  | "store"
  | "store-queue"
  | "disk"
  | "delay"
  | "answers"
  | "errors"
  | "memory"
  | "worker-memory"
  | "places"
  | "queue"
  | "bot-failed"
  | "bot-login"
  | "workers-failed";

export interface Alert {
  /** The same for as long as it stands. */
  id: string;
  what: AlertWhat;
  severity: "warning" | "critical";
  bot?: string;
  /** What is the case, for people. */
  title: string;
  /** What to do about it. */
  advice: string;
  since: string;
}

/** How much of a limit is in use. */
export interface CapacityUse {
  what: "places" | "queue" | "disk" | "memory" | "store-queue";
  bot?: string;
  used: number;
  limit: number;
}

export interface Overview {
  at: string;
  startedAt: string;
  range: OverviewRange;
  stepMs: number;
  now: OverviewNow;
  series: OverviewSeries;
  alerts: Alert[];
  capacity: CapacityUse[];
}

/** One hour by 40 s. */
export interface BotsOverview {
  stepMs: number;
  bots: {
    name: string;
    at: number[];
    /** All workers together. */
    memoryMb: (number | null)[];
    answerP50: (number | null)[];
    answerP95: (number | null)[];
  }[];
}
