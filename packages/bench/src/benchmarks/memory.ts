/**
 * How much memory do the program, its connections and its bots need?
 *
 * Resident memory of the controller, idle; the same with 1,000 and with 10,000 connections that are signed in and follow one conversation
 * each; and what each bot's process costs in proportion (shared pages divided among those who share them).
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { holdIdle } from "../load/run-load.ts";
import { median } from "../percentile.ts";
import { type ProcessMemory, processMemory } from "../program/process-status.ts";
import { createToken, startSkep } from "../program/running-skep.ts";
import { type SkepApi, skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import type { Figure } from "../results.ts";
import type { Benchmark } from "./benchmark.ts";

const bots = Array.from({ length: 10 }, (_, index) => `memory-${index}`);

/** The median of a second, so that a collection of garbage in between does not decide. */
async function settledMemory(pid: number, settleMs: number): Promise<ProcessMemory> {
  await delay(settleMs);
  const taken: ProcessMemory[] = [];
  for (let index = 0; index < 10; index++) {
    const memory = processMemory(pid);
    if (!memory) throw new Error("this system does not tell the memory of a process");
    taken.push(memory);
    await delay(100);
  }
  const of = (field: keyof ProcessMemory): number => median(taken.map((memory) => memory[field]));
  return { rssMiB: of("rssMiB"), pssMiB: of("pssMiB"), ownMiB: of("ownMiB") };
}

async function botMemory(api: SkepApi): Promise<Map<string, ProcessMemory[]>> {
  const kinds = new Map<string, ProcessMemory[]>();
  for (const { kind, processes } of await api.bots()) {
    for (const { pid } of processes) {
      const memory = pid === null ? null : processMemory(pid);
      if (memory) kinds.set(kind, [...(kinds.get(kind) ?? []), memory]);
    }
  }
  return kinds;
}

export const memory: Benchmark = {
  name: "memory",
  question: "How much memory do the program, its connections and its bots need?",
  async run(_options, say) {
    await using home = await temporaryFolder("skep-memory-");
    const data = join(home.path, "data");
    const figures: Figure[] = [];
    const faults: string[] = [];
    const details: Record<string, unknown> = {};
    const add = (name: string, value: number, unit: string, must?: number, aim?: number): void => {
      figures.push({ name, value, unit, better: "lower", ...(must === undefined ? {} : { must }), ...(aim === undefined ? {} : { aim }) });
    };
    await using skep = await startSkep({ data });
    const token = await createToken(data);
    const api = skepApi(skep.url, token);
    const idle = await settledMemory(skep.pid, 3000);
    details["idle"] = idle;
    add("idle controller RSS", idle.rssMiB, "MiB", 110);
    add("idle controller PSS", idle.pssMiB, "MiB");
    for (const name of bots) await api.createBot({ name, kind: "echo" });
    // Needs no model server as long as nobody asks it anything.
    for (const kind of ["ollama", "openai"]) {
      const options = { model: "none", url: "http://127.0.0.1:9" };
      for (let index = 0; index < 5; index++) {
        await api.createBot({ name: `${kind}-${index}`, kind, options }).catch((error: unknown) => faults.push(String(error)));
      }
    }
    const withBots = await settledMemory(skep.pid, 2000);
    details["withBots"] = withBots;
    for (const [kind, list] of await botMemory(api)) {
      const of = (field: keyof ProcessMemory): number => median(list.map((one) => one[field]));
      details[`bots ${kind}`] = list;
      add(
        `${kind} bot PSS, ${list.length} of them`,
        of("pssMiB"),
        "MiB",
        kind === "echo" ? undefined : 20,
        kind === "echo" ? undefined : 13,
      );
      add(`${kind} bot RSS`, of("rssMiB"), "MiB");
    }
    for (const [connections, must] of [
      [1000, 60],
      [10_000, null],
    ] as const) {
      const target = { kind: "skep", url: skep.url, token, bots } as const;
      const before = await settledMemory(skep.pid, 1000);
      const held = await holdIdle({ target, connections, frames: "joined", load: { kind: "idle" }, warmUpSeconds: 0, seconds: 0 });
      const during = await settledMemory(skep.pid, 5000);
      await held.release();
      details[`${connections} connections`] = { before, during, after: await settledMemory(skep.pid, 2000) };
      const added = during.rssMiB - before.rssMiB;
      say(`${connections} connections: ${before.rssMiB.toFixed(0)} -> ${during.rssMiB.toFixed(0)} MiB`);
      if (must !== null) add(`${connections} connections, added RSS`, added, "MiB", must);
      add(
        `${connections} connections, each`,
        (added * 1024) / connections,
        "KiB",
        must === null ? 20 : undefined,
        must === null ? 10 : undefined,
      );
    }
    api.close();
    return { figures, faults, details };
  },
};
