/** The same load on the control and on the real program, in turns, so that a machine that drifts drifts for both. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createToken, startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import type { LoadPlan } from "./load-plan.ts";
import { type MeasuredLoad, runLoad } from "./run-load.ts";
import { startEcho } from "./running-echo.ts";

export interface Pair {
  echo: MeasuredLoad;
  skep: MeasuredLoad;
}

export type LoadShape = Omit<LoadPlan, "target">;

const botCount = 10;

export async function loadEcho(shape: LoadShape): Promise<MeasuredLoad> {
  await using echo = await startEcho();
  return await runLoad({ ...shape, target: { kind: "echo", url: echo.url } }, echo.pid);
}

/** On a fresh data folder with ten echo bots of one process each, left at their defaults. */
export async function loadSkep(shape: LoadShape): Promise<MeasuredLoad> {
  const home = await mkdtemp(join(tmpdir(), "skep-bench-"));
  const data = join(home, "data");
  try {
    await using skep = await startSkep({ data });
    const token = await createToken(data);
    const api = skepApi(skep.url, token);
    const bots = Array.from({ length: botCount }, (_, index) => `load-${index}`);
    for (const name of bots) await api.createBot({ name, kind: "echo" });
    api.close();
    return await runLoad({ ...shape, target: { kind: "skep", url: skep.url, token, bots } }, skep.pid);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

export async function alternating(shape: LoadShape, runs: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let index = 0; index < runs; index++) pairs.push({ echo: await loadEcho(shape), skep: await loadSkep(shape) });
  return pairs;
}

export const faultsOf = (pairs: readonly Pair[]): string[] =>
  pairs.flatMap(({ echo, skep }) =>
    [echo, skep].flatMap(({ faults }, side) =>
      faults.map(({ kind, count, example }) => `${side === 0 ? "echo" : "skep"}: ${kind} (${count} times): ${example}`),
    ),
  );
