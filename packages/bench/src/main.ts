/** `npm run bench`: runs the benchmarks against the real program, one after the other, and keeps what they say. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmarks/benchmark.ts";
import { fleet } from "./benchmarks/fleet.ts";
import { history } from "./benchmarks/history.ts";
import { memory } from "./benchmarks/memory.ts";
import { memoryPressure } from "./benchmarks/memory-pressure.ts";
import { paced } from "./benchmarks/paced.ts";
import { roundTrips } from "./benchmarks/round-trips.ts";
import { start } from "./benchmarks/start.ts";
import { describeMachine } from "./machine.ts";
import { removeSeededData } from "./seed/seeded-data.ts";
import { type BenchmarkResult, fails, keepResult, printResult, writeResults } from "./results.ts";

const benchmarks: readonly Benchmark[] = [roundTrips, paced, start, history, memory, memoryPressure, fleet];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    seconds: { type: "string", default: "5" },
    runs: { type: "string", default: "3" },
    messages: { type: "string", default: "1000000" },
    json: { type: "string" },
    "no-keep": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const chosen = values.only ? benchmarks.filter(({ name }) => values.only?.flatMap((list) => list.split(",")).includes(name)) : benchmarks;

if (values.help || chosen.length === 0) {
  if (!values.help) console.error(`There is no benchmark "${values.only?.join(",")}".\n`);
  console.log(`npm run bench -- [options]
  --only NAME     one of them, or several: --only paced,memory
  --seconds N     measured time of one run (5)
  --runs N        runs of which the median counts (3)
  --messages N    in the data folder of those that need a full one (1000000)
  --json FILE     writes all results of this run there as well
  --no-keep       leaves packages/bench/results as it is

${benchmarks.map(({ name, question }) => `  ${name.padEnd(14)}${question}`).join("\n")}`);
  process.exitCode = values.help ? 0 : 2;
} else {
  const options = { seconds: Number(values.seconds), runs: Number(values.runs), messages: Number(values.messages) };
  const machine = describeMachine();
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, node ${machine.node}, sync p50 ${machine.syncMs.p50} ms`,
  );
  if (machine.load > 0.5) console.log(`Others use this machine (load ${machine.load}): the figures below are worse than what it can do.`);
  const results: BenchmarkResult[] = [];
  try {
    for (const benchmark of chosen) {
      const { name, question } = benchmark;
      const result = { name, question, ...(await benchmark.run(options, (line) => console.log(`${name}: ${line}`))) };
      printResult(result);
      results.push(result);
      if (!values["no-keep"]) keepResult(result, machine, join(import.meta.dirname, "../results"));
      if (fails(result)) process.exitCode = 1;
    }
  } finally {
    await removeSeededData();
    if (values.json !== undefined) writeResults(results, machine, values.json);
  }
}
