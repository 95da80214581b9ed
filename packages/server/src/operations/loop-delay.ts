import { monitorEventLoopDelay } from "node:perf_hooks";

const everyMs = 20;

/** How late the event loop was. @returns a reader, which gives the p99 in milliseconds since the last reading, and an end of it */
export function watchLoopDelay(): { read(): number; stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: everyMs });
  histogram.enable();
  return {
    read: () => {
      const { count } = histogram;
      // It holds the times between two looks; what is beyond the time that was asked for is the delay.
      const late = count === 0 ? 0 : Math.max(0, histogram.percentile(99) / 1e6 - everyMs);
      histogram.reset();
      return late;
    },
    stop: () => void histogram.disable(),
  };
}
