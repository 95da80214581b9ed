/**
 * Which bot works on a turn: the one that was asked, or one of those that stand in for it (its `fallback`). Pure.
 *
 *   asked ──down, or its attempts are used up──> the first stand-in that is up and has room ──the same──> the next one…
 *
 * Nobody gets a turn again whose attempts at it are used up, so it cannot go round for ever. A bot whose work must not be repeated (at most once)
 * does not stand in, since after a restart nobody would know whether it had begun; and what it has begun nobody else does again.
 */
import type { TurnSettings } from "./turn.ts";

export interface Considered {
  /** The bot that was asked, and its stand-ins in order. */
  asked: string;
  fallback: readonly string[];
  /** Who has it now. */
  at: string;
  /** Attempts made so far, by those who have had it before. */
  tried: ReadonlyMap<string, number> | null;
}

export interface Others {
  settings(bot: string): TurnSettings | null;
  /** Will it work on what it is given? */
  up(bot: string): boolean;
  full(bot: string): boolean;
}

/** @returns another bot than the one that has it, or null. */
export function standInFor({ asked, fallback, at, tried }: Considered, others: Others): string | null {
  for (let i = -1; i < fallback.length; i++) {
    const bot = i < 0 ? asked : (fallback[i] as string);
    if (bot === at) continue;
    const settings = others.settings(bot);
    if (!settings || (bot !== asked && settings.delivery !== "at-least-once")) continue;
    if ((tried?.get(bot) ?? 0) >= settings.attempts || !others.up(bot) || others.full(bot)) continue;
    return bot;
  }
  return null;
}

/**
 * Where a turn stands after a restart, when only the number of its attempts is known: they are counted against the bots in their order.
 * @returns who is to go on, and how many attempts at it count for that one; null when all are used up.
 */
export function placeAfterRestart(
  attemptsMade: number,
  bots: readonly string[],
  settings: (bot: string) => TurnSettings | null,
): { bot: string; attemptsMade: number; tried: Map<string, number> } | null {
  const tried = new Map<string, number>();
  let left = attemptsMade;
  for (const [i, bot] of bots.entries()) {
    const own = settings(bot);
    if (!own || (i > 0 && own.delivery !== "at-least-once")) continue;
    if (left < own.attempts) return { bot, attemptsMade: left, tried };
    tried.set(bot, own.attempts);
    left -= own.attempts;
  }
  return null;
}
