import type { TurnSettings } from "./turn.ts";

/** Settings of a bot for tests: small limits where a test may run into one, none otherwise. */
export const settingsUnderTest = (fields: Partial<TurnSettings> = {}): TurnSettings => ({
  queue: 10,
  attempts: 3,
  turnMs: 5000,
  answerBytes: 1000,
  partsBytes: 1000,
  permissions: "ask",
  permissionMs: 60_000,
  delivery: "at-least-once",
  perMinute: 0,
  personPerMinute: 0,
  personConcurrency: 0,
  fallback: [],
  ...fields,
});
