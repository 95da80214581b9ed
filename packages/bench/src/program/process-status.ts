/** What the kernel says about a process (Linux); null when it is gone or the system does not tell. */
import { readFileSync } from "node:fs";

export interface ProcessMemory {
  /** Resident: everything, also the pages that it shares with others. */
  rssMiB: number;
  /** Proportional: shared pages divided among those who share them. */
  pssMiB: number;
  /** What would be free if it ended. */
  ownMiB: number;
}

export function processMemory(pid: number): ProcessMemory | null {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) / 1024;
    return { rssMiB: field("Rss"), pssMiB: field("Pss"), ownMiB: field("Private_Clean") + field("Private_Dirty") };
  } catch {
    return null;
  }
}

export interface ProcessStatus {
  parent: number;
  /** In clock ticks since the machine was started: with the pid it names a process for good. */
  startedAt: number;
  /** User and system time so far. */
  cpuMs: number;
  running: boolean;
}

const ticksPerSecond = 100;

export function processStatus(pid: number): ProcessStatus | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything, so count from its end.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const field = (index: number): number => Number(fields[index]);
    const cpuMs = ((field(11) + field(12)) * 1000) / ticksPerSecond;
    return { parent: field(1), startedAt: field(19), cpuMs, running: fields[0] !== "Z" && fields[0] !== "X" };
  } catch {
    return null;
  }
}
