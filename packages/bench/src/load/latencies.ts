/** Milliseconds in, percentiles out: a histogram with three digits, so that long runs cost no memory. */
import { build } from "hdr-histogram-js";
import type { LatencySummary } from "./load-plan.ts";

export interface Latencies {
  record(ms: number): void;
  reset(): void;
  readonly count: number;
  summary(): LatencySummary;
}

export function latencies(): Latencies {
  // In microseconds, up to ten minutes.
  const histogram = build({
    useWebAssembly: false,
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
  });
  const at = (p: number): number => histogram.getValueAtPercentile(p) / 1000;
  return {
    record: (ms) => histogram.recordValue(Math.max(1, Math.round(ms * 1000))),
    reset: () => histogram.reset(),
    get count() {
      return histogram.totalCount;
    },
    summary: () => ({ p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1000 }),
  };
}
