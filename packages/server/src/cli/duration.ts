import { exitCodes, Failure } from "./failure.ts";

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "90s", "15m", "12h", "30d" in seconds. @throws Failure */
export function durationOf(text: string): number {
  const match = /^([1-9]\d{0,6})([smhd])$/.exec(text);
  if (!match) throw new Failure(`"${text}" is no duration. Write a number and a unit: 90s, 15m, 12h or 30d.`, exitCodes.usage);
  return Number(match[1]) * (seconds[match[2] as string] as number);
}
