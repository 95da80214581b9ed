/**
 * How many durable round trips per second does the program do, compared with a server that does nothing?
 *
 * A round trip: message -> committed -> bot process -> answer committed -> delivered. Closed loop, ten echo bots, one
 * conversation per connection; the same generator against a bare echo server just before, so that the ratio holds
 * on a machine whose rate drifts.
 */
import { alternating, faultsOf } from "../load/alternating.ts";
import { median } from "../percentile.ts";
import type { Figure } from "../results.ts";
import type { Benchmark } from "./benchmark.ts";

const settings = [
  { label: "100 connections", connections: 100, inFlight: 1, must: 0.2, aim: 0.35 },
  { label: "1,000 connections", connections: 1000, inFlight: 1, must: 0.3, aim: 0.5 },
  { label: "100 connections, 10 in flight each", connections: 100, inFlight: 10, must: 0.5, aim: 0.75 },
];

export const roundTrips: Benchmark = {
  name: "round-trips",
  question: "How many durable round trips per second does the program do, compared with a server that does nothing?",
  async run({ seconds, runs }, say) {
    const figures: Figure[] = [];
    const faults: string[] = [];
    const details: unknown[] = [];
    for (const { label, connections, inFlight, must, aim } of settings) {
      const pairs = await alternating({ connections, load: { kind: "closed", inFlight }, warmUpSeconds: 2, seconds }, runs);
      const ratio = median(pairs.map(({ echo, skep }) => skep.perSecond / echo.perSecond));
      figures.push({ name: `${label}: ÷ echo`, value: ratio, unit: "", better: "higher", must, aim });
      for (const side of ["echo", "skep"] as const) {
        const of = (pick: (load: (typeof pairs)[number]["skep"]) => number): number => median(pairs.map((pair) => pick(pair[side])));
        figures.push(
          { name: `${label}: ${side}`, value: of((load) => load.perSecond), unit: "/s", better: "higher" },
          { name: `${label}: ${side} p50`, value: of((load) => load.latency.p50), unit: "ms", better: "lower" },
          { name: `${label}: ${side} p99`, value: of((load) => load.latency.p99), unit: "ms", better: "lower" },
        );
      }
      if (inFlight > 1) {
        const joined = median(pairs.map((pair) => pair.joined?.perSecond ?? Number.NaN));
        figures.push({ name: `${label}: echo, array frames`, value: joined, unit: "/s", better: "higher" });
      }
      const micros = median(pairs.map(({ skep }) => skep.serverMicros));
      figures.push({ name: `${label}: controller CPU`, value: micros, unit: "µs per round trip", better: "lower" });
      faults.push(...faultsOf(pairs));
      details.push({ label, connections, inFlight, pairs });
      say(`${label}: ratios ${pairs.map(({ echo, skep }) => (skep.perSecond / echo.perSecond).toFixed(3)).join(" ")}`);
    }
    return { figures, faults, details };
  },
};
