/**
 * The controller is killed with -9 while its bots have started processes of their own, some of which have left their group: what is still there
 * after the next start (B7, R-C6)?
 */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { processStatus } from "../program/process-status.ts";
import { createToken, spawnSkep, startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import { seededRandom } from "../seeded-random.ts";
import type { FaultRun } from "./fault-run.ts";
import { until } from "./fault-run.ts";

const program = join(import.meta.dirname, "bot-with-children.ts");
const bots = 2;
const childrenEach = 4;

export const strays: FaultRun = {
  name: "strays",
  question: "The controller is killed with -9 while bots have children of their own: what is left after the next start?",
  times: 100,
  async run({ times }, say) {
    await using folder = await temporaryFolder("skep-faults-");
    const data = `${folder.path}/data`;
    const random = seededRandom(11);
    // Nobody else's processes have this name.
    const name = String(process.pid);
    const first = await startSkep({ data });
    const api = skepApi(first.url, await createToken(data));
    for (let index = 0; index < bots; index++) {
      await api.createBot({ name: `parent-${index}`, kind: "command", options: { command: process.execPath, args: [program, name] } });
    }
    api.close();
    let running: { kill(): Promise<void> } = first;
    const faults: string[] = [];
    let left = 0;
    let atMost = 0;
    for (let kill = 1; kill <= times; kill++) {
      // Most are killed when all children are there; some in the middle of their start.
      if (random.chance(0.8)) await until("children", async () => named(name).length >= bots * childrenEach);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 100)));
      await running.kill();
      const before = named(name);
      atMost = Math.max(atMost, before.length);
      const next = spawnSkep({ data });
      await next.ready;
      const still = new Set(named(name).map(identity));
      const strays = before.filter((pid) => still.has(identity(pid)));
      left += strays.length;
      if (strays.length > 0) faults.push(`kill ${kill}: ${strays.length} of ${before.length} are still there after the next start`);
      running = next;
      if (kill % 10 === 0) say(`${kill} kills, up to ${atMost} processes left behind by one, ${left} still there after the next start`);
    }
    await running.kill();
    await using last = await startSkep({ data });
    await last.stop();
    const end = named(name);
    if (end.length > 0) faults.push(`${end.length} are there after the last stop`);
    for (const pid of end) process.kill(pid, "SIGKILL");
    return {
      figures: [
        { name: "kills", value: times, unit: "", better: "higher" },
        { name: "left behind by one kill, at most", value: atMost, unit: "processes", better: "higher", must: bots * childrenEach - 2 },
        { name: "there after the next start", value: left, unit: "processes", better: "lower", must: 0 },
        { name: "there after the last stop", value: end.length, unit: "processes", better: "lower", must: 0 },
      ],
      faults,
      details: {},
    };
  },
};

/** A pid may be given again: with the start time it names a process for good. */
const identity = (pid: number): string => `${pid} ${processStatus(pid)?.startedAt ?? "gone"}`;

/** Found by what they are called, not by how Skep finds them. */
function named(name: string): number[] {
  const called = `sleep 4242.${name}`;
  if (process.platform !== "linux") {
    return execFileSync("ps", ["-axo", "pid=,command="], { encoding: "utf8" })
      .split("\n")
      .flatMap((line) => (line.trim().endsWith(` ${called}`) ? [Number.parseInt(line, 10)] : []));
  }
  return readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1") === `${called.replace(" ", "\0")}\0` ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}
