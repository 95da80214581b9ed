import { createToken, startSkep } from "../program/running-skep.ts";
import type { RunningSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import type { SkepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import type { BenchmarkResult, Figure } from "../results.ts";
import { percentile } from "../percentile.ts";

export interface FaultOptions {
  /** How often the fault is made. */
  times: number;
}

/** Each stands in a file of its own that begins with the question it answers. */
export interface FaultRun {
  name: string;
  question: string;
  /** As often as the row of the requirements says. */
  times: number;
  run(options: FaultOptions, say: (line: string) => void): Promise<Omit<BenchmarkResult, "name" | "question">>;
}

/** The real program on a folder of its own, and the ways in. All of it is gone when it is disposed of, however the run has ended. */
export interface Started extends AsyncDisposable {
  data: string;
  skep: RunningSkep;
  token: string;
  api: SkepApi;
  /** In good order, as a run ends that has gone well. @returns false if it had to be killed */
  stop(): Promise<boolean>;
}

/** @param connections for REST */
export async function started(connections?: number): Promise<Started> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder("skep-faults-"));
  const data = `${folder.path}/data`;
  const skep = stack.use(await startSkep({ data }));
  const token = await createToken(data);
  const api = stack.adopt(skepApi(skep.url, token, connections), (each) => each.close());
  const all = stack.move();
  return {
    data,
    skep,
    token,
    api,
    stop: () => {
      api.close();
      return skep.stop();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The middle, the slowest of a hundred and the slowest. The bound is for the second: the last one measures the machine and who else is on it. */
export const durations = (name: string, list: readonly number[], must: number): Figure[] => [
  { name: `${name}, p50`, value: percentile(list, 50), unit: "ms", better: "lower" },
  { name: `${name}, p99`, value: percentile(list, 99), unit: "ms", better: "lower", must },
  { name: `${name}, slowest`, value: percentile(list, 100), unit: "ms", better: "lower" },
];

/** Waits for a condition. @throws when it has not come within the limit */
export async function until<T>(what: string, read: () => Promise<T | null | false>, limitMs = 30_000): Promise<T> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== null && value !== false) return value;
    if (performance.now() > limit) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
