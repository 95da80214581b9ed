/**
 * Which worker processes this data folder's Skep has started, so that a start after a crash finds what was left behind (B7): on disk, by pid and
 * start time (a pid alone may have been given to somebody else), and in their environment, by a mark that what they start inherits (`strays.ts`).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { StraySearch, endStraysNow, instanceOf } from "./strays.ts";

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

  readonly #instance: string;
  readonly #search: StraySearch;

  constructor(folder: string, onStrays: (count: number) => void = () => {}) {
    this.#file = join(folder, "workers.json");
    this.#instance = instanceOf(folder);
    this.#search = new StraySearch(onStrays);
  }

  /** For the environment of one process; no other has it. */
  newMark(): string {
    return `${this.#instance}.${randomBytes(6).toString("hex")}`;
  }

  /** Ends what the process with this mark has left behind; it is gone itself. */
  searchFor(mark: string): void {
    void this.#search.after(mark);
  }

  /** Ends all that any worker has left behind, now. @returns how many there were. */
  endStrays(): number {
    return endStraysNow(`${this.#instance}.`);
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

  /** Ends what an earlier run has left, with everything in its process group and all that has left it. @returns how many there were. */
  killLeftovers(): number {
    let entries: unknown = [];
    try {
      entries = JSON.parse(readFileSync(this.#file, "utf8"));
    } catch {
      // The first start, or a file that a full disk has cut: the marks are there.
    }
    let killed = 0;
    for (const entry of Array.isArray(entries) ? (entries as Partial<LedgerEntry>[]) : []) {
      const { pid, startTime } = entry;
      if (typeof pid !== "number" || typeof startTime !== "string" || processStartTime(pid) !== startTime) continue;
      if (killGroup(pid, "SIGKILL")) killed++;
    }
    this.#write();
    return killed + this.endStrays();
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
