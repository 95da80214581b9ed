/** The same load on the control and on the real program, in turns, so that a machine that drifts drifts for both. */
import { join } from "node:path";
import { createToken, startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import type { LoadPlan } from "./load-plan.ts";
import { type MeasuredLoad, runLoad } from "./run-load.ts";
import { startEcho } from "./running-control.ts";

export interface Pair {
  /** A frame for every message, both ways: what a server does that was written in an afternoon. The bounds are ratios to this. */
  echo: MeasuredLoad;
  /**
   * Array frames, both ways; only where a connection has several messages in flight. What was sent in one frame then comes
   * back in one frame for ever, so this counts frames more than messages, and no server that does anything can follow.
   */
  joined: MeasuredLoad | null;
  skep: MeasuredLoad;
}

export type LoadShape = Omit<LoadPlan, "target" | "frames">;

const botCount = 10;

export async function loadEcho(shape: LoadShape, frames: LoadPlan["frames"]): Promise<MeasuredLoad> {
  await using echo = await startEcho(frames);
  return await runLoad({ ...shape, frames, target: { kind: "echo", url: echo.url } }, echo.pid);
}

/** On a fresh data folder with ten echo bots of one process each, left at their defaults. */
export async function loadSkep(shape: LoadShape): Promise<MeasuredLoad> {
  await using home = await temporaryFolder("skep-load-");
  const data = join(home.path, "data");
  await using skep = await startSkep({ data });
  const token = await createToken(data);
  const api = skepApi(skep.url, token);
  const bots = Array.from({ length: botCount }, (_, index) => `load-${index}`);
  for (const name of bots) await api.createBot({ name, kind: "echo" });
  api.close();
  return await runLoad({ ...shape, frames: "joined", target: { kind: "skep", url: skep.url, token, bots } }, skep.pid);
}

export async function alternating(shape: LoadShape, runs: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const several = shape.load.kind === "closed" && shape.load.inFlight > 1;
  for (let index = 0; index < runs; index++) {
    const echo = await loadEcho(shape, "single");
    pairs.push({ echo, joined: several ? await loadEcho(shape, "joined") : null, skep: await loadSkep(shape) });
  }
  return pairs;
}

export const faultsOf = (pairs: readonly Pair[]): string[] =>
  pairs.flatMap((pair) =>
    (["echo", "joined", "skep"] as const).flatMap((side) =>
      (pair[side]?.faults ?? []).map(({ kind, count, example }) => `${side}: ${kind} (${count} times): ${example}`),
    ),
  );
