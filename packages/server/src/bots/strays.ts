/**
 * Processes that a worker has started and that have left its process group: an agent behind a wrapper such as npx, a daemon, whatever called
 * setsid. Every worker gets a mark in its environment, which all that it starts inherit; who carries the mark and has no worker any more is a
 * stray, and is ended (B7). Only a process that clears its environment *and* leaves the group escapes.
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { markVariable } from "../worker/mark.ts";

/** Names this data folder: another Skep's workers are not this one's, whatever was copied where. */
export function instanceOf(folder: string): string {
  const { dev, ino } = statSync(folder);
  return createHash("sha256")
    .update(`${realpathSync(folder)} ${dev} ${ino}`)
    .digest("hex")
    .slice(0, 16);
}

/** A process may start another one while it is looked for: the search is repeated until it finds nothing, so often at most. */
const passes = 10;

const isPid = (name: string): boolean => name.charCodeAt(0) <= 57;
/** The mark stands at the beginning of the environment or after a NUL; nothing but the end of a mark follows it. */
const carries = (environment: string, mark: string): boolean => {
  const at = environment.indexOf(`${markVariable}=${mark}`);
  return at === 0 || (at > 0 && environment.charCodeAt(at - 1) === 0);
};
const psArguments = ["-axwwE", "-o", "pid=,command="];
const fromPs = (text: string, mark: string): number[] =>
  text
    .split("\n")
    .filter((line) => line.includes(` ${markVariable}=${mark}`))
    .map((line) => Number.parseInt(line, 10));

/** @param mark of one worker, or the beginning that all of a data folder have in common */
function findNow(mark: string): number[] {
  try {
    if (process.platform !== "linux") return fromPs(execFileSync("ps", psArguments, { encoding: "utf8", maxBuffer: 64e6 }), mark);
    return readdirSync("/proc").flatMap((name) => {
      try {
        return isPid(name) && carries(readFileSync(`/proc/${name}/environ`, "latin1"), mark) ? [Number(name)] : [];
      } catch {
        // Somebody else's, or gone.
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** The same without holding anybody up: it is 50 us a process. */
async function find(marks: ReadonlySet<string>): Promise<number[]> {
  const carriesOne = (environment: string): boolean => {
    if (!environment.includes(`${markVariable}=`)) return false;
    for (const mark of marks) if (carries(environment, mark)) return true;
    return false;
  };
  if (process.platform !== "linux") {
    const text = await new Promise<string>((resolve) =>
      execFile("ps", psArguments, { maxBuffer: 64e6 }, (error, out) => resolve(error ? "" : out)),
    );
    return [...marks].flatMap((mark) => fromPs(text, mark));
  }
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!isPid(name)) continue;
    if (carriesOne(await readFile(`/proc/${name}/environ`, "latin1").catch(() => ""))) found.push(Number(name));
  }
  return found;
}

function end(pids: readonly number[]): number {
  let ended = 0;
  for (const pid of pids) {
    // Skep started by an agent of another Skep carries that one's mark, and must not end itself.
    if (pid === process.pid) continue;
    try {
      process.kill(pid, "SIGKILL");
      ended++;
    } catch {
      // Gone meanwhile.
    }
  }
  return ended;
}

/** @returns how many were ended. */
export function endStraysNow(mark: string): number {
  const seen = new Set<number>();
  for (let pass = 0; pass < passes; pass++) {
    const found = findNow(mark).filter((pid) => pid !== process.pid);
    for (const pid of found) seen.add(pid);
    if (end(found) === 0) break;
  }
  return seen.size;
}

/** Searches for what ended workers have left behind: one search at a time, for all that have ended since the last. */
export class StraySearch {
  readonly #onFound: (count: number) => void;
  #marks = new Set<string>();
  #running: Promise<void> | null = null;

  constructor(onFound: (count: number) => void) {
    this.#onFound = onFound;
  }

  /** @returns when nothing with that mark is left. */
  after(mark: string): Promise<void> {
    this.#marks.add(mark);
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#marks.size > 0) {
      const marks = this.#marks;
      this.#marks = new Set();
      const seen = new Set<number>();
      for (let pass = 0; pass < passes; pass++) {
        const found = await find(marks);
        for (const pid of found) seen.add(pid);
        if (end(found) === 0) break;
      }
      if (seen.size > 0) this.#onFound(seen.size);
    }
    this.#running = null;
  }
}
