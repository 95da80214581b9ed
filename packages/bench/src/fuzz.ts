/**
 * Does the program mind input that is no input?
 *
 * `npm run fuzz` sends a million malformed frames and two hundred thousand malformed requests, made from its own schemas, and keeps what came out.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzzRun, type FuzzResult } from "./fuzz/fuzz-run.ts";
import { describeMachine } from "./machine.ts";
import { type BenchmarkResult, fails, keepResult, printResult, writeResults } from "./results.ts";

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "1000000" },
    requests: { type: "string", default: "200000" },
    seed: { type: "string" },
    json: { type: "string" },
    "no-keep": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(`npm run fuzz -- [options]
  --frames N     malformed frames for the WebSocket (1000000)
  --requests N   malformed requests (200000)
  --seed S       makes the same input as an earlier run; printed at the start of every run
  --json FILE    writes the result there as well
  --no-keep      leaves packages/bench/results as it is`);
} else {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  console.log(`seed ${seed}`);
  const result = await fuzzRun({
    frames: Number(values.frames),
    requests: Number(values.requests),
    seed,
    say: (line) => console.log(line),
  });
  const report = asBenchmark(result);
  printResult(report);
  const machine = describeMachine();
  if (!values["no-keep"]) keepResult(report, machine, join(import.meta.dirname, "../results"));
  if (values.json !== undefined) writeResults([report], machine, values.json);
  if (fails(report)) process.exitCode = 1;
}

function asBenchmark({ failures, alive, memoryMiB, ...rest }: FuzzResult): BenchmarkResult {
  const { frames, requests, seconds } = rest;
  const memory: BenchmarkResult["figures"] = memoryMiB
    ? [
        { name: "memory more than before, after it", value: memoryMiB.after - memoryMiB.before, unit: "MiB", better: "lower", must: 50 },
        { name: "memory more than before, at its height", value: memoryMiB.highest - memoryMiB.before, unit: "MiB", better: "lower" },
      ]
    : [];
  return {
    name: "fuzz",
    question: "Does the program end, fail or grow when it is sent what is malformed?",
    figures: [
      { name: "bugs, unhandled rejections, 5xx other than 503", value: failures.length, unit: "", better: "lower", must: 0 },
      { name: "frames", value: frames, unit: "", better: "higher" },
      { name: "requests", value: requests, unit: "", better: "higher" },
      ...memory,
      { name: "time", value: seconds, unit: "s", better: "lower" },
    ],
    faults: [...(alive ? [] : ["it did not answer afterwards"]), ...failures],
    details: { ...rest, memoryMiB },
  };
}
