import type { Channel, ChannelExit } from "./channel.ts";

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
