/**
 * Which worker processes this data folder's Skep has started, on disk, so that a start after a crash finds what was left behind (B7).
 * A process is known by pid and start time: a pid alone may have been given to somebody else.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface LedgerEntry {
  pid: number;
  /** As the system tells it: opaque, equal for the same process. */
  startTime: string;
}

/** @returns null when there is no such process. */
export function processStartTime(pid: number): string | null {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The name in parentheses may hold anything; the start time is the 20th field behind it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? null : (fields[19] ?? null);
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
  } catch {
    return null;
  }
}

export class Ledger {
  readonly #file: string;
  readonly #entries = new Map<number, string>();

  constructor(folder: string) {
    this.#file = join(folder, "workers.json");
  }

  add(pid: number): void {
    const startTime = processStartTime(pid);
    if (startTime === null) return;
    this.#entries.set(pid, startTime);
    this.#write();
  }

  delete(pid: number): void {
    if (this.#entries.delete(pid)) this.#write();
  }

  /** A kill -9 of this process keeps what was written; only a power loss does not, and that ends the workers too. */
  #write(): void {
    const entries: LedgerEntry[] = [...this.#entries].map(([pid, startTime]) => ({ pid, startTime }));
    try {
      writeFileSync(this.#file, JSON.stringify(entries), { mode: 0o600 });
    } catch {
      // On a full disk the workers still end with their input; the search at the next start is the second line.
    }
  }

  /** Ends what an earlier run has left, with everything in its process group. @returns how many there were. */
  killLeftovers(): number {
    let entries: unknown;
    try {
      entries = JSON.parse(readFileSync(this.#file, "utf8"));
    } catch {
      return 0;
    }
    let killed = 0;
    for (const entry of Array.isArray(entries) ? (entries as Partial<LedgerEntry>[]) : []) {
      const { pid, startTime } = entry;
      if (typeof pid !== "number" || typeof startTime !== "string" || processStartTime(pid) !== startTime) continue;
      if (killGroup(pid, "SIGKILL")) killed++;
    }
    this.#write();
    return killed;
  }
}

/** @returns whether there was anything to signal. */
export function killGroup(pid: number, signal: NodeJS.Signals): boolean {
  for (const target of process.platform === "win32" ? [pid] : [-pid, pid]) {
    try {
      process.kill(target, signal);
      return true;
    } catch {
      // No such group: perhaps the process alone.
    }
  }
  return false;
}
