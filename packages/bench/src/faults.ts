/** `npm run faults`: makes bots die, hang, restart and leave children behind, as often as the requirements say, and measures what people see. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { FaultRun } from "./faults/fault-run.ts";
import { hangs } from "./faults/hangs.ts";
import { kills } from "./faults/kills.ts";
import { pressure } from "./faults/pressure.ts";
import { restarts } from "./faults/restarts.ts";
import { strays } from "./faults/strays.ts";
import { describeMachine } from "./machine.ts";
import { type BenchmarkResult, fails, keepResult, printResult, writeResults } from "./results.ts";

const runs: readonly FaultRun[] = [kills, hangs, restarts, strays, pressure];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    times: { type: "string" },
    json: { type: "string" },
    "no-keep": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const chosen = values.only ? runs.filter(({ name }) => values.only?.flatMap((list) => list.split(",")).includes(name)) : runs;
const times = values.times === undefined ? null : Number(values.times);

if (values.help || chosen.length === 0 || (times !== null && !(Number.isInteger(times) && times > 0))) {
  if (!values.help)
    console.error(chosen.length === 0 ? `There is no run "${values.only?.join(",")}".\n` : "--times must be a whole number.\n");
  console.log(`npm run faults -- [options]
  --only NAME     one of them, or several: --only kills,hangs
  --times N       how often each fault is made, instead of the figure in brackets
  --json FILE     writes all results of this run there as well
  --no-keep       leaves packages/bench/results as it is

${runs.map(({ name, question, times: usual }) => `  ${name.padEnd(10)}${question} (${usual})`).join("\n")}`);
  process.exitCode = values.help ? 0 : 2;
} else {
  const machine = describeMachine();
  if (machine.load > 0.5) console.log(`Others use this machine (load ${machine.load}): the figures below are worse than what it can do.`);
  const results: BenchmarkResult[] = [];
  for (const run of chosen) {
    const { name, question } = run;
    const result = {
      name: `faults-${name}`,
      question,
      ...(await run.run({ times: times ?? run.times }, (line) => console.log(`${name}: ${line}`))),
    };
    printResult(result);
    results.push(result);
    if (!values["no-keep"]) keepResult(result, machine, join(import.meta.dirname, "../results"));
    if (fails(result)) process.exitCode = 1;
  }
  if (values.json !== undefined) writeResults(results, machine, values.json);
}
