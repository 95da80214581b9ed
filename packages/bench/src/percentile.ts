/** Of a short list; 100 is the largest. For long ones see `load/latencies.ts`. */
export function percentile(list: readonly number[], p: number): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (list: readonly number[]): number => percentile(list, 50);
