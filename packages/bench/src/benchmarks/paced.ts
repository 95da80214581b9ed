/**
 * What does the program add to the time of a message at 1,000 messages per second?
 *
 * Open loop over 100 connections: every message has a time at which it should go, and its latency counts from there,
 * also when the generator or the server was late. What is added is the difference to the control.
 */
import { alternating, faultsOf } from "../load/alternating.ts";
import { median } from "../percentile.ts";
import type { Figure } from "../results.ts";
import type { Benchmark } from "./benchmark.ts";

const rate = 1000;

export const paced: Benchmark = {
  name: "paced",
  question: "What does the program add to the time of a message at 1,000 messages per second over 100 connections?",
  async run({ seconds, runs }, say) {
    const pairs = await alternating({ connections: 100, load: { kind: "paced", rate }, warmUpSeconds: 2, seconds }, runs);
    const figures: Figure[] = [];
    const of = (side: "echo" | "skep", p: "p50" | "p99" | "p999"): number => median(pairs.map((pair) => pair[side].latency[p]));
    figures.push({ name: "p99 added", value: of("skep", "p99") - of("echo", "p99"), unit: "ms", better: "lower", must: 10, aim: 3 });
    figures.push({ name: "p50 added", value: of("skep", "p50") - of("echo", "p50"), unit: "ms", better: "lower" });
    for (const side of ["echo", "skep"] as const) {
      for (const p of ["p50", "p99", "p999"] as const)
        figures.push({ name: `${side} ${p}`, value: of(side, p), unit: "ms", better: "lower" });
      figures.push({ name: `${side} reached`, value: median(pairs.map((pair) => pair[side].perSecond)), unit: "/s", better: "higher" });
    }
    const faults = faultsOf(pairs);
    for (const { skep } of pairs) {
      if (skep.perSecond < rate * 0.98)
        faults.push(`skep: only ${Math.round(skep.perSecond)} of ${rate} messages per second were answered in time`);
    }
    say(`p99 added: ${pairs.map(({ echo, skep }) => (skep.latency.p99 - echo.latency.p99).toFixed(2)).join(" ")} ms`);
    return { figures, faults, details: pairs };
  },
};
