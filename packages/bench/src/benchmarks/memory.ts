/**
 * How much memory do the program, its connections and its bots need?
 *
 * Resident memory of the controller, idle; the same with 1,000 and with 10,000 connections that are signed in and follow one conversation
 * each; and what each bot's process costs in proportion (shared pages divided among those who share them). On a data folder that
 * was used before: the first start of all compiles the program, later ones find it compiled.
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

/** Model kinds need no model server as long as nobody asks them anything. */
const kinds = [
  { kind: "echo", count: 10, options: {}, bounds: {} },
  { kind: "ollama", count: 5, options: { model: "none" }, bounds: { must: 20, aim: 13 } },
  { kind: "openai", count: 5, options: { model: "none" }, bounds: { must: 20, aim: 13 } },
];

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

type Bounds = Pick<Figure, "must" | "aim">;
type Add = (name: string, value: number, unit: string, bounds?: Bounds) => void;

export const memory: Benchmark = {
  name: "memory",
  question: "How much memory do the program, its connections and its bots need?",
  async run() {
    await using home = await temporaryFolder("skep-memory-");
    const data = join(home.path, "data");
    const figures: Figure[] = [];
    const details: Record<string, unknown> = {};
    const add: Add = (name, value, unit, bounds = {}) => figures.push({ name, value, unit, better: "lower", ...bounds });
    await measureBots(data, () => {}, {});
    await measureController(data, add, details);
    await measureBots(data, add, details);
    return { figures, faults: [], details };
  },
};

/** With nothing but the bot that a first start adds. */
async function measureController(data: string, add: Add, details: Record<string, unknown>): Promise<void> {
  const token = await removeBots(data);
  await using skep = await startSkep({ data });
  const idle = await settledMemory(skep.pid, 3000);
  details["idle"] = idle;
  add("idle controller RSS", idle.rssMiB, "MiB", { must: 110 });
  add("idle controller PSS", idle.pssMiB, "MiB");
  const target = { kind: "skep", url: skep.url, token, bots: ["echo"] } as const;
  for (const connections of [1000, 10_000]) {
    const held = await holdIdle({ target, connections, frames: "joined", load: { kind: "idle" }, warmUpSeconds: 0, seconds: 0 });
    const during = await settledMemory(skep.pid, 5000);
    await held.release();
    details[`${connections} connections`] = { during, after: await settledMemory(skep.pid, 2000) };
    const added = during.rssMiB - idle.rssMiB;
    const each = (added * 1024) / connections;
    if (connections === 1000) add(`${connections} connections, added RSS`, added, "MiB", { must: 60 });
    add(`${connections} connections, each`, each, "KiB", connections === 10_000 ? { must: 20, aim: 10 } : {});
  }
}

async function removeBots(data: string): Promise<string> {
  await using skep = await startSkep({ data });
  const token = await createToken(data, "controller");
  const api = skepApi(skep.url, token);
  for (const { name } of await api.bots()) if (name !== "echo") await api.call("DELETE", `/api/bots/${name}`);
  api.close();
  await skep.stop();
  return token;
}

async function measureBots(data: string, add: Add, details: Record<string, unknown>): Promise<void> {
  await using skep = await startSkep({ data });
  const token = await createToken(data, "bots");
  const api = skepApi(skep.url, token);
  for (const { kind, count, options } of kinds) {
    for (let index = 0; index < count; index++) await api.createBot({ name: `memory-${kind}-${index}`, kind, options });
  }
  details["controller with bots"] = await settledMemory(skep.pid, 3000);
  const found = await botMemory(api);
  for (const { kind, bounds } of kinds) {
    const list = found.get(kind) ?? [];
    const of = (field: keyof ProcessMemory): number => median(list.map((one) => one[field]));
    details[`bots of kind ${kind}`] = list;
    add(`${kind} bot PSS, idle, one of ${list.length}`, of("pssMiB"), "MiB", bounds);
    add(`${kind} bot RSS`, of("rssMiB"), "MiB");
  }
  api.close();
  await skep.stop();
}
