export interface BackOff {
  baseMs: number;
  capMs: number;
}

export const defaultBackOff: BackOff = { baseMs: 250, capMs: 15_000 };

/**
 * Full jitter (C2): a whole interval is drawn from, so that a thousand clients of a server that restarts do not come back together.
 * @param tries failures so far; 0 means now
 * @param random 0 <= random < 1
 * @returns milliseconds
 */
export const fullJitter = (tries: number, random: number, { baseMs, capMs }: BackOff = defaultBackOff): number =>
  tries <= 0 ? 0 : random * Math.min(capMs, baseMs * 2 ** Math.min(tries - 1, 30));
