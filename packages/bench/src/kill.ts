/**
 * Does the program lose, double or reorder anything when it is killed at any time?
 *
 * `npm run kill -- --kills 200` kills it that often under load and keeps what came out in `results/`.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killRun, type KillRunResult } from "./kill/kill-run.ts";
import { describeMachine } from "./machine.ts";
import { percentile } from "./percentile.ts";
import { type BenchmarkResult, keepResult, printResult, writeResults } from "./results.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string" },
    round: { type: "string", default: "25" },
    clients: { type: "string", default: "5" },
    rate: { type: "string", default: "80" },
    json: { type: "string" },
    "no-keep": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(`npm run kill -- [options]
  --kills N     how often it is killed (200)
  --seed S      replays the schedule of an earlier run; printed at the start of every run
  --round N     kills between two judgements (25)
  --clients N   clients that send and read (5)
  --rate N      messages per second of each client (80)
  --json FILE   writes the result there as well
  --no-keep     leaves packages/bench/results as it is`);
} else {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  console.log(`seed ${seed}`);
  const options = {
    kills: Number(values.kills),
    seed,
    round: Number(values.round),
    clients: Number(values.clients),
    rate: Number(values.rate),
  };
  const result = await killRun({ ...options, say: (line) => console.log(line) });
  const report = asBenchmark(result);
  printResult(report);
  const machine = describeMachine();
  if (!values["no-keep"]) keepResult(report, machine, join(import.meta.dirname, "../results"));
  if (values.json !== undefined) writeResults([report], machine, values.json);
  process.exitCode = result.findings.length === 0 ? 0 : 1;
}

function asBenchmark(result: KillRunResult): BenchmarkResult {
  const { startMs, firstAcceptedMs, firstAnswerMs, findings, ...rest } = result;
  const times = (name: string, list: readonly number[]): BenchmarkResult["figures"] =>
    [50, 99, 100].map((p) => ({ name: `${name} p${p}`, value: percentile(list, p), unit: "ms", better: "lower" }));
  return {
    name: "kill",
    question: "Does the program lose, double or reorder anything when it is killed at any time under load?",
    figures: [
      { name: "findings", value: findings.length, unit: "", better: "lower", must: 0 },
      { name: "kills of the program", value: Object.values(rest.kills).reduce((sum, n) => sum + n, 0), unit: "", better: "higher" },
      { name: "kills of bots", value: rest.botKills, unit: "", better: "higher" },
      { name: "accepted", value: rest.tally.accepted, unit: "messages", better: "higher" },
      ...times("spawn to ready", startMs),
      ...times("kill to first accepted", firstAcceptedMs),
      ...times("kill to first answer", firstAnswerMs),
    ],
    faults: findings.map(({ kind, conversation, detail }) => `${kind} ${conversation} ${detail}`),
    details: rest,
  };
}
