/**
 * A limit of memory for a process and everything that it starts, kept by the kernel: a control group (version 2 or 1). Needs the right to
 * make one, which root and most containers with their own control groups have.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface MemoryLimit extends Disposable {
  /** A shell command line before the program's own: what it starts belongs to the group. */
  readonly command: readonly [string, ...string[]];
  readonly maxMiB: number;
  /** Processes that the kernel ended because the group was full. */
  readonly killed: number;
}

const root = "/sys/fs/cgroup";

/** @returns null where this account may not make a control group. */
export function memoryLimit(mebibytes: number): MemoryLimit | null {
  const second = existsSync(join(root, "cgroup.controllers"));
  const folder = join(root, second ? "" : "memory", `skep-bench-${process.pid}`);
  const file = (name: string): string => join(folder, name);
  try {
    mkdirSync(folder);
    writeFileSync(file(second ? "memory.max" : "memory.limit_in_bytes"), String(mebibytes * 1024 * 1024));
    if (second) writeFileSync(file("memory.swap.max"), "0");
  } catch {
    if (existsSync(folder)) rmdirSync(folder);
    return null;
  }
  const read = (name: string): string => readFileSync(file(name), "utf8");
  return {
    command: ["sh", "-c", `echo $$ > ${file("cgroup.procs")} && exec "$@"`, "sh"],
    get maxMiB() {
      return Number(read(second ? "memory.peak" : "memory.max_usage_in_bytes")) / 1024 / 1024;
    },
    get killed() {
      return Number(/^oom_kill (\d+)/m.exec(read(second ? "memory.events" : "memory.oom_control"))?.[1] ?? 0);
    },
    [Symbol.dispose]: () => {
      try {
        rmdirSync(folder);
      } catch {
        // Something in it has not ended yet: an empty group costs nothing.
      }
    },
  };
}
