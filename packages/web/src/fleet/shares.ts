/** The weights of a bot's workers, as somebody sets them. Pure. */
import type { Bot, WorkerSpec } from "@skep/protocol";

/** Workers with one weight: one, or several that are alike. */
export interface Share {
  name: string;
  weight: number;
  count: number;
}

const specsOf = (workers: Bot["workers"]): WorkerSpec[] =>
  typeof workers === "number" ? Array.from({ length: workers }, () => ({ weight: 1, count: 1, options: {} })) : workers;

export function sharesOf({ workers, processes }: Pick<Bot, "workers" | "processes">): Share[] {
  let first = 0;
  return specsOf(workers).map(({ weight, count }) => {
    const last = first + count - 1;
    const [from, to] = [processes[first]?.name ?? String(first + 1), processes[last]?.name ?? String(last + 1)];
    first = last + 1;
    return { name: count === 1 ? from : `${from} to ${to}`, weight, count };
  });
}

/** The same workers with other weights, as they are sent. Those that are a number become a list only when a weight makes it necessary. */
export function withWeights(workers: Bot["workers"], weights: readonly number[]): Bot["workers"] {
  if (typeof workers === "number" && weights.every((weight) => weight === 1)) return workers;
  return specsOf(workers).map((spec, i) => ({ ...spec, weight: weights[i] ?? spec.weight }));
}

/** Which part of the messages each gets, 0 to 1. */
export function parts(shares: readonly Pick<Share, "weight" | "count">[]): number[] {
  const all = shares.reduce((sum, { weight, count }) => sum + weight * count, 0);
  return shares.map(({ weight, count }) => (weight * count) / all);
}
