/**
 * How much memory a process takes with all that it has started. On Linux the proportional set size: a page that several share counts for each in
 * part, so that fifty workers of one program are not charged for it fifty times. Reading that takes 1 ms of the kernel's time a process and happens
 * off the main thread, and only when the resident size, which takes 50 us, has changed; elsewhere `ps` tells the resident size.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

const pageBytes = 4096;
/** Of one worker; whoever starts more than these is over its limit or does not matter. */
const mostProcesses = 256;

/** The process and all that descend from it, as far as their parents still live. */
function tree(pid: number): number[] {
  const pids = [pid];
  for (const parent of pids) {
    if (pids.length >= mostProcesses) break;
    try {
      const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "latin1").trim();
      if (children !== "") pids.push(...children.split(" ").map(Number));
    } catch {
      // It has ended, or this system does not tell.
    }
  }
  return pids;
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1] ?? 0) * pageBytes;
  } catch {
    return 0;
  }
}

async function proportionalBytes(pid: number): Promise<number> {
  try {
    const found = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "latin1"));
    return found ? Number(found[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}

const residentByPs = (pid: number): Promise<number> =>
  new Promise((resolve) => {
    execFile("ps", ["-o", "rss=", "-p", String(pid)], (error, out) => resolve(error ? 0 : Number(out.trim()) * 1024));
  });

/** Of one worker's process. Reads its memory again only when it has changed by this part. */
const worthReading = 0.03;

export class ProcessMemory {
  readonly #pid: number;
  #resident = 0;
  #bytes = 0;
  #reading = false;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Megabytes (10^6 bytes) as last read, null before the first reading; begins another one when there may be news. */
  read(): number | null {
    if (!this.#reading) this.#refresh();
    return this.#bytes === 0 ? null : Math.round(this.#bytes / 1e5) / 10;
  }

  #refresh(): void {
    if (process.platform !== "linux") return void this.#take(residentByPs(this.#pid));
    const pids = tree(this.#pid);
    const resident = pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
    if (this.#bytes > 0 && Math.abs(resident - this.#resident) <= this.#resident * worthReading) return;
    this.#resident = resident;
    void this.#take(
      Promise.all(pids.map(proportionalBytes)).then((all) => {
        const sum = all.reduce((one, other) => one + other, 0);
        return sum > 0 ? sum : resident;
      }),
    );
  }

  async #take(bytes: Promise<number>): Promise<void> {
    this.#reading = true;
    this.#bytes = await bytes;
    this.#reading = false;
  }
}
