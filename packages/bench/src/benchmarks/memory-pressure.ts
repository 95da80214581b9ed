/**
 * Is the program stable when it and five bots have 256 MiB together (R-C9)?
 *
 * The kernel keeps the limit, page cache included, and ends a process when there is nothing left to give back. Five bots of three kinds
 * answer 200 messages per second over 100 connections, half of them models that stream; then everything is restarted once under the limit.
 */
import { join } from "node:path";
import { runLoad } from "../load/run-load.ts";
import { processMemory } from "../program/process-status.ts";
import { memoryLimit } from "../program/memory-limit.ts";
import { startModel } from "../program/running-model.ts";
import { createToken, startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import type { Figure } from "../results.ts";
import type { Benchmark } from "./benchmark.ts";

const limitMiB = 256;
const rate = 200;

export const memoryPressure: Benchmark = {
  name: "memory-pressure",
  question: `Is the program stable when it and five bots have ${limitMiB} MiB together?`,
  async run({ seconds }, say) {
    using limit = memoryLimit(limitMiB);
    if (!limit) return { figures: [], faults: ["this account may not make a control group, so nothing was measured"], details: {} };
    await using home = await temporaryFolder("skep-pressure-");
    await using model = await startModel();
    const data = join(home.path, "data");
    const faults: string[] = [];
    const figures: Figure[] = [];
    const add = (name: string, value: number, unit: string, must?: number): void => {
      figures.push({ name, value, unit, better: "lower", ...(must === undefined ? {} : { must }) });
    };
    const bots = [
      { name: "echo-1", kind: "echo", options: {} },
      { name: "echo-2", kind: "echo", options: {} },
      { name: "ollama-1", kind: "ollama", options: { url: model.url, model: "stand-in" } },
      { name: "ollama-2", kind: "ollama", options: { url: model.url, model: "stand-in" } },
      { name: "openai-1", kind: "openai", options: { baseUrl: `${model.url}/v1`, model: "stand-in" } },
    ];
    let token = "";
    for (const round of ["first", "restarted"] as const) {
      await using skep = await startSkep({ data, within: limit.command });
      token ||= await createToken(data);
      const api = skepApi(skep.url, token);
      if (round === "first") {
        await api.call("DELETE", "/api/bots/echo");
        for (const bot of bots) await api.createBot(bot);
      }
      const target = { kind: "skep", url: skep.url, token, bots: bots.map(({ name }) => name) } as const;
      const load = { kind: "paced", rate } as const;
      const plan = { frames: "joined", load, warmUpSeconds: 2, seconds, answers: "any", connections: 100, target } as const;
      const outcome = await runLoad(plan, skep.pid);
      for (const { kind, count, example } of outcome.faults) faults.push(`${round}: ${kind} (${count} times): ${example}`);
      const running = (await api.bots()).flatMap(({ processes }) => processes);
      const restarts = running.reduce((sum, one) => sum + one.restarts, 0);
      const all = [skep.pid, ...running.flatMap(({ pid }) => pid ?? [])];
      const together = all.reduce((sum, pid) => sum + (processMemory(pid)?.pssMiB ?? Number.NaN), 0);
      add(`${round}: controller and five bots, PSS`, together, "MiB", limitMiB);
      add(`${round}: p99 at ${rate} messages/s`, outcome.latency.p99, "ms");
      add(`${round}: restarts of bots`, restarts, "", 0);
      add(`${round}: processes ended by the kernel`, limit.killed, "", 0);
      say(`${round}: ${outcome.completed} round trips, p99 ${outcome.latency.p99.toFixed(1)} ms`);
      api.close();
      await skep.stop();
    }
    add("most memory at any time, page cache included", limit.maxMiB, "MiB", limitMiB);
    return { figures, faults, details: {} };
  },
};
