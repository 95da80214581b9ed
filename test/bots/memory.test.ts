/**
 * What a bot process costs. Memory is the proportional set size: a page that several processes share counts for each of them in
 * part. The node program itself is most of what they share, so several bots run here, as they do in a fleet; one alone would be
 * charged for all of it. Figures are printed, so that a run can be read.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelServer } from "../model/model-server.ts";
import { startModelServer } from "../model/model-server.ts";
import type { BotProcess } from "./bot-process.ts";
import { startBot } from "./bot-process.ts";

const together = 8;
/** So many of them work, one after the other. */
const working = 2;
const turnsEach = 400;
const starts = 21;

/** What `node -e 0` takes on an idle machine of the kind that the bound was set on. On a busy one the bound grows as this does. */
const bareMs = 25;

let folder: string;
let server: ModelServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skep-memory-"));
  server = await startModelServer();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const optionsFor: Record<string, () => Record<string, unknown>> = {
  echo: () => ({}),
  ollama: () => ({ url: server.url, model: "stand-in" }),
  anthropic: () => ({ baseUrl: server.url, apiKeyEnv: "", model: "stand-in" }),
  openai: () => ({ baseUrl: `${server.url}/v1`, model: "stand-in" }),
};

interface Memory {
  proportional: number;
  own: number;
}

/** In MB (10^6 bytes). */
async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string): number => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024) / 1e6;
  return { proportional: field("Pss"), own: field("Private_Clean") + field("Private_Dirty") };
}

const most = async (bots: readonly BotProcess[]): Promise<Memory> => {
  const all = await Promise.all(bots.map((bot) => memoryOf(bot.pid)));
  return { proportional: Math.max(...all.map((each) => each.proportional)), own: Math.max(...all.map((each) => each.own)) };
};

const shown = ({ proportional, own }: Memory): string => `${proportional.toFixed(1)} MB proportional, ${own.toFixed(1)} MB own`;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** What an empty program takes here and now: the measure of how busy the machine is. */
async function bareStart(): Promise<number> {
  const before = performance.now();
  await new Promise((resolve) => spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }).once("close", resolve));
  return performance.now() - before;
}

async function work(bot: BotProcess, turns: number, atOnce: number): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < turns) {
      next++;
      await bot.ending(bot.ask(`turn ${next}: tell me a story 🐝`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

describe.runIf(process.platform === "linux").each(["echo", "ollama", "openai", "anthropic"])("%s", (kind) => {
  const start = (): Promise<BotProcess> => startBot(kind, optionsFor[kind]?.() ?? {}, folder);

  test(`[R-C2] of ${together} bots the largest takes at most 20 MB idle and 30 MB after ${turnsEach} turns`, async () => {
    await using first = await start();
    await first.ending(first.ask("so that the compile cache is warm"));
    const bots = await Promise.all(Array.from({ length: together }, start));
    try {
      const idle = await most(bots);
      const busy = bots.slice(0, working);
      for (const bot of busy) await work(bot, turnsEach, 6);
      const worked = await most(busy);
      process.stdout.write(`${kind}: idle ${shown(idle)}; after ${turnsEach} turns ${shown(worked)} (largest of ${together})\n`);
      expect(idle.proportional).toBeLessThanOrEqual(20);
      expect(worked.proportional).toBeLessThanOrEqual(30);
    } finally {
      await Promise.all(bots.map((bot) => bot[Symbol.asyncDispose]()));
    }
  });

  test("[R-C1] ready within 60 ms of its start, p50, with a warm compile cache", async () => {
    const times: number[] = [];
    const bare: number[] = [];
    for (let index = 0; index <= starts; index++) {
      bare.push(await bareStart());
      const before = performance.now();
      await using _ = await start();
      // The first one warms the cache.
      if (index > 0) times.push(performance.now() - before);
    }
    const [bot, node] = [median(times), median(bare)];
    process.stdout.write(
      `${kind}: ready after p50 ${bot.toFixed(1)} ms; node alone starts and ends in ${node.toFixed(1)} ms (${starts} starts)\n`,
    );
    expect(bot).toBeLessThanOrEqual(60 * Math.max(1, node / bareMs));
  });
});
