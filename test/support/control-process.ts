import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Says that it runs, then waits to be killed. */
const program = 'console.log("here"); setInterval(() => {}, 1000)';

/**
 * What the machine itself takes, at this moment, for what a supervisor does: a bare Node process is killed, its end is seen, and another one has
 * said its first word. Limits of what Skep adds are scaled by it.
 * @returns milliseconds from the kill
 */
export async function controlProcess(): Promise<{ seen: number; back: number }> {
  const first = spawnBare();
  await once(first.stdout as NodeJS.ReadableStream, "data");
  const exited = once(first, "exit");
  const killedAt = performance.now();
  first.kill("SIGKILL");
  await exited;
  const seen = performance.now() - killedAt;
  const second = spawnBare();
  await once(second.stdout as NodeJS.ReadableStream, "data");
  const back = performance.now() - killedAt;
  const gone = once(second, "exit");
  second.kill("SIGKILL");
  await gone;
  return { seen, back };
}

const spawnBare = (): ChildProcess => spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "ignore"] });
