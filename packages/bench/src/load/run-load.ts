/** Runs one plan in a generator process of its own, and watches the server's process meanwhile. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { processMemory, processStatus } from "../program/process-status.ts";
import type { LoadEvent, LoadOutcome, LoadPlan } from "./load-plan.ts";

export interface MeasuredLoad extends LoadOutcome {
  /** CPU time of the server's process (without its bots) per round trip, in µs. */
  serverMicros: number;
  serverRssMiB: number;
}

function spawnGenerator(plan: LoadPlan, heard: (event: LoadEvent) => void): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, "generator.ts"), JSON.stringify(plan)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => heard(JSON.parse(line) as LoadEvent));
  return child;
}

export async function runLoad(plan: LoadPlan, serverPid: number): Promise<MeasuredLoad> {
  let outcome: LoadOutcome | null = null;
  let cpu = 0;
  const cpuNow = (): number => processStatus(serverPid)?.cpuMs ?? 0;
  const child = spawnGenerator(plan, (event) => {
    if (event.event === "measuring") cpu = -cpuNow();
    if (event.event === "measured") cpu += cpuNow();
    if (event.event === "outcome") outcome = event.outcome;
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), (plan.warmUpSeconds + plan.seconds + 90) * 1000);
  await once(child, "close");
  clearTimeout(limit);
  if (!outcome) throw new Error(`the generator ended with ${child.signalCode ?? child.exitCode} and said nothing`);
  const { completed } = outcome as LoadOutcome;
  return {
    ...(outcome as LoadOutcome),
    serverMicros: (cpu * 1000) / Math.max(1, completed),
    serverRssMiB: processMemory(serverPid)?.rssMiB ?? 0,
  };
}

/** Connected and subscribed connections that do nothing, until they are let go. */
export async function holdIdle(plan: LoadPlan): Promise<{ release(): Promise<void> }> {
  const connected = Promise.withResolvers<void>();
  const child = spawnGenerator(plan, (event) => {
    if (event.event === "connected") connected.resolve();
  });
  const closed = once(child, "close").then(() => connected.reject(new Error("the generator ended before it was connected")));
  await connected.promise;
  return {
    async release() {
      child.stdin?.end();
      await closed;
    },
  };
}
