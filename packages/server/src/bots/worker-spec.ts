import type { WorkerSpec } from "@skep/protocol";

/** One worker as the definition has it. */
export interface WorkerPlan {
  /** Unique within its bot. */
  name: string;
  weight: number;
  /** What is laid over the bot's options. */
  options: Record<string, unknown>;
  /** Where in the list of the definition it stands, for messages about it; null where they are all alike. */
  index: number | null;
}

/** The workers of a definition, one by one. Those without a name are called by their number: "1", "2"… */
export function workerPlans(workers: number | readonly WorkerSpec[]): WorkerPlan[] {
  if (typeof workers === "number") {
    return Array.from({ length: workers }, (_, i) => ({ name: String(i + 1), weight: 1, options: {}, index: null }));
  }
  const plans: WorkerPlan[] = [];
  for (const [index, { name, weight, count, options }] of workers.entries()) {
    for (let i = 1; i <= count; i++) {
      const own = name === undefined ? String(plans.length + 1) : count === 1 ? name : `${name}-${i}`;
      plans.push({ name: own, weight, options, index });
    }
  }
  return plans;
}

/** @returns the name that two of them have, or null. */
export function sharedName(plans: readonly WorkerPlan[]): string | null {
  const seen = new Set<string>();
  for (const { name } of plans) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}
