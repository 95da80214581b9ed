import type { BenchmarkResult } from "../results.ts";

export interface BenchmarkOptions {
  /** The measured time of one run. */
  seconds: number;
  /** How often a short run is repeated; the median counts. */
  runs: number;
  /** Messages in the data folder of those that need a full one. */
  messages: number;
}

/** Each stands in a file of its own that begins with the question it answers. */
export interface Benchmark {
  name: string;
  question: string;
  run(options: BenchmarkOptions, say: (line: string) => void): Promise<Omit<BenchmarkResult, "name" | "question">>;
}
