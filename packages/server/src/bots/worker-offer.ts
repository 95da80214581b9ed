import type { FromBot } from "@skep/protocol/bot";

const maxConcurrency = 10_000;
const maxAhead = 64;

/**
 * How many conversations a process works on at a time (`places`), and how many turns of one it holds (`ahead`): what it offers in its greeting, within
 * what its definition allows (`concurrency`), never less than one. Pure.
 */
export function offerOf(
  greeting: Pick<Extract<FromBot, { type: "hello" }>, "concurrency" | "ahead">,
  concurrency: number,
): { places: number; ahead: number } {
  const within = (offered: number, ...most: number[]): number => Math.max(1, Math.min(Math.floor(offered), ...most));
  return { places: within(greeting.concurrency ?? concurrency, concurrency, maxConcurrency), ahead: within(greeting.ahead ?? 1, maxAhead) };
}
