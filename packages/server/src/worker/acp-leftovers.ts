/**
 * Ends what an agent has started, also what has left its process group or lost its parent (B7). A process belongs to the agent when it
 * descends from this one, or when its environment carries this one's mark. Linux only; elsewhere the process group has to do.
 */
import { readdirSync, readFileSync } from "node:fs";
import { markVariable } from "./mark.ts";

/** Each look can find what was started during the one before. */
const looks = 5;

/** Kills with SIGKILL, at once, without this process. @returns how many there were */
export function endLeftovers(mark: string): number {
  let ended = 0;
  for (let look = 0; look < looks; look++) {
    const found = leftovers(mark);
    if (found.length === 0) break;
    for (const pid of found) if (kill(pid, "SIGKILL")) ended++;
  }
  return ended;
}

function kill(pid: number, signal: "SIGKILL" | "SIGSTOP"): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Kills a process with what descends from it. It is stopped first, so that it neither starts more nor goes on when a child has ended. */
export function endTree(root: number): void {
  kill(root, "SIGSTOP");
  const parents = processParents();
  const descendants = [...parents.keys()].filter((pid) => descends(pid, parents, root));
  for (const pid of [root, ...descendants]) kill(pid, "SIGKILL");
}

function leftovers(mark: string): number[] {
  const parents = processParents();
  const marked = `${markVariable}=${mark}\0`;
  return [...parents.keys()].filter(
    (pid) => pid !== process.pid && (descends(pid, parents, process.pid) || textOf(`/proc/${pid}/environ`).includes(marked)),
  );
}

/** Of every process that runs, its parent. */
function processParents(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of namesIn("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    // pid (name) state parent …; the name may hold anything.
    const stat = textOf(`/proc/${pid}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state !== undefined && state !== "Z" && parent !== undefined) parents.set(pid, Number(parent));
  }
  return parents;
}

function descends(pid: number, parents: ReadonlyMap<number, number>, from: number): boolean {
  let at = parents.get(pid);
  for (let steps = 0; at !== undefined && at > 1 && steps < 1000; steps++) {
    if (at === from) return true;
    at = parents.get(at);
  }
  return false;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
