/**
 * Do many bots live side by side, and does one that misbehaves disturb the others (R-C1, R-C2)?
 *
 * 100 bots of three kinds, models answered by a stand-in model server; every one of them is talked to, open loop. Then the same load
 * once more on 97 of them, while one of the other three is killed again and again, one hangs again and again, and one babbles without
 * an end. The load alone and the load with faults take turns, so that a machine that drifts drifts for both.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Bot } from "@skep/protocol";
import { type MeasuredLoad, runLoad } from "../load/run-load.ts";
import { median } from "../percentile.ts";
import { processMemory } from "../program/process-status.ts";
import { startModel } from "../program/running-model.ts";
import { createToken, startSkep } from "../program/running-skep.ts";
import { type SkepApi, skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import type { Figure } from "../results.ts";
import type { Benchmark } from "./benchmark.ts";

const launches = 30;
const total = 100;
const rate = 100;
const victims = { killed: "fleet-killed", hung: "fleet-hung", babbling: "fleet-babbling" };

interface Definition {
  name: string;
  kind: string;
  options: Record<string, unknown>;
}

/** A third of each kind; the last three, which are to misbehave, are of kind echo. */
function definitions(model: string): Definition[] {
  const kinds = [
    { kind: "echo", options: {} },
    { kind: "ollama", options: { url: model, model: "stand-in" } },
    { kind: "openai", options: { baseUrl: `${model}/v1`, model: "stand-in" } },
  ];
  const well = Array.from({ length: total - 3 }, (_, index) => ({
    name: `fleet-${index}`,
    ...(kinds[index % kinds.length] as (typeof kinds)[number]),
  }));
  return [...well, ...Object.values(victims).map((name) => ({ name, kind: "echo", options: {} }))];
}

async function allReady(api: SkepApi, names: ReadonlySet<string>, limitMs: number): Promise<void> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const waiting = (await api.bots()).filter(({ name, state }) => names.has(name) && state !== "ready");
    if (waiting.length === 0) return;
    if (performance.now() > limit)
      throw new Error(`${waiting.length} bots are not ready, such as ${waiting[0]?.name}: ${waiting[0]?.state}`);
    await delay(20);
  }
}

/** From the request to the state `ready`, one bot after the other. */
async function launchTimes(api: SkepApi): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < launches; index++) {
    const began = performance.now();
    await api.createBot({ name: "fleet-launch", kind: "echo" });
    times.push(performance.now() - began);
    await api.call("DELETE", "/api/bots/fleet-launch");
  }
  return times.toSorted((a, b) => a - b);
}

/** Until it is told to stop. What the three are told waits in their queues and is told again: they never come to rest. */
function misbehave(api: SkepApi): { stop(): Promise<{ kills: number; hangs: number; babbles: number }> } {
  const done = { kills: 0, hangs: 0, babbles: 0 };
  const stopping = new AbortController();
  const again = async (pauseMs: number, run: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      await run();
      await delay(pauseMs);
    }
  };
  const say = async (bot: string, text: string): Promise<void> => {
    const { id } = await api.createConversation(bot);
    await api.call("POST", `/api/conversations/${id}/messages`, { text });
  };
  const work = Promise.all([
    again(500, async () => {
      const bot = await api.call<Bot>("GET", `/api/bots/${victims.killed}`);
      const pid = bot.processes[0]?.pid ?? null;
      if (pid === null || bot.state !== "ready") return;
      process.kill(pid, "SIGKILL");
      done.kills++;
    }),
    again(1000, async () => {
      await say(victims.hung, "/hang 1");
      done.hangs++;
    }),
    again(1000, async () => {
      await say(victims.babbling, "/babble 100000000");
      done.babbles++;
    }),
  ]);
  return {
    stop: async () => {
      stopping.abort();
      await work;
      return done;
    },
  };
}

export const fleet: Benchmark = {
  name: "fleet",
  question: "Do a hundred bots live side by side, and does one that misbehaves disturb the others?",
  async run({ seconds, runs }, say) {
    await using home = await temporaryFolder("skep-fleet-");
    await using model = await startModel();
    const data = join(home.path, "data");
    await using skep = await startSkep({ data });
    const token = await createToken(data);
    const api = skepApi(skep.url, token);
    const figures: Figure[] = [];
    const faults: string[] = [];
    const lower = (name: string, value: number, unit: string, must?: number): void => {
      figures.push({ name, value, unit, better: "lower", ...(must === undefined ? {} : { must }) });
    };

    // The first launch of a kind compiles it; from then on it is read from the cache.
    for (const { kind, options } of definitions(model.url).slice(0, 3)) {
      await api.createBot({ name: "fleet-warm", kind, options });
      await api.call("DELETE", "/api/bots/fleet-warm");
    }
    const times = await launchTimes(api);
    lower("[R-C1] launch to ready through REST p50", median(times), "ms", 250);
    lower("[R-C1] launch to ready through REST, worst", times.at(-1) ?? Number.NaN, "ms");

    const defined = definitions(model.url);
    const names = defined.map(({ name }) => name);
    const began = performance.now();
    await Promise.all(defined.map((bot) => api.call("POST", "/api/bots", bot)));
    await allReady(api, new Set(names), 60_000);
    lower(`[R-C1] ${total} bots added at once, all ready after`, (performance.now() - began) / 1000, "s", 15);
    say(`${total} bots ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);

    const well = names.slice(0, -3);
    const load = async (bots: readonly string[], seconds: number): Promise<MeasuredLoad> => {
      const plan = { frames: "joined", load: { kind: "paced", rate }, warmUpSeconds: 2, seconds, answers: "any" } as const;
      const target = { kind: "skep", url: skep.url, token, bots } as const;
      const outcome = await runLoad({ ...plan, connections: bots.length, target }, skep.pid);
      for (const { kind, count, example } of outcome.faults) faults.push(`${kind} (${count} times): ${example}`);
      return outcome;
    };
    await load(names, seconds);
    const memory = (await api.bots()).flatMap(({ name, processes }) =>
      processes.flatMap(({ pid }) => ({ name, pssMiB: (pid === null ? null : processMemory(pid))?.pssMiB ?? Number.NaN })),
    );
    const controller = processMemory(skep.pid)?.pssMiB ?? Number.NaN;
    const each = memory.map(({ pssMiB }) => pssMiB);
    lower("[R-C2] a bot, talked to, PSS, largest", Math.max(...each), "MiB", 30);
    lower("[R-C2] a bot, talked to, PSS, median", median(each), "MiB");
    lower("[R-C2] all bots and the controller together, PSS", controller + each.reduce((sum, one) => sum + one, 0), "MiB", 3072);

    const pairs: { alone: MeasuredLoad; beside: MeasuredLoad; done: { kills: number; hangs: number; babbles: number } }[] = [];
    for (let index = 0; index < runs; index++) {
      const alone = await load(well, seconds);
      const faulty = misbehave(api);
      const beside = await load(well, seconds);
      pairs.push({ alone, beside, done: await faulty.stop() });
      for (const name of Object.values(victims)) await api.call("POST", `/api/bots/${name}/restart`);
    }
    const p99 = (side: "alone" | "beside"): number[] => pairs.map((pair) => pair[side].latency.p99);
    lower(`the other ${well.length} bots: p99 before`, median(p99("alone")), "ms");
    lower(`the other ${well.length} bots: p99 beside one killed, one hung, one babbling`, median(p99("beside")), "ms");
    const ratio = median(pairs.map(({ alone, beside }) => beside.latency.p99 / alone.latency.p99));
    lower("[R-C2] p99 beside the three ÷ p99 before", ratio, "", 2);
    for (const { done } of pairs) {
      say(`kills ${done.kills}, hangs ${done.hangs}, babbles ${done.babbles}`);
      if (done.kills === 0 || done.hangs === 0 || done.babbles === 0) faults.push("not every fault was made");
    }
    api.close();
    await skep.stop();
    return { figures, faults, details: { pairs, memory, controller, times } };
  },
};
