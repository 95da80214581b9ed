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
