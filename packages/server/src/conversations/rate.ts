/** Token buckets: each holds as many as may be taken in a minute, and is refilled evenly over a minute. Pure, but for the map of them. */
const minuteMs = 60_000;

export interface Bucket {
  /** Tokens taken and not refilled, at the time `at` (milliseconds). */
  readonly used: number;
  readonly at: number;
}

export const fullBucket: Bucket = { used: 0, at: 0 };

export type Taken = { ok: true; bucket: Bucket } | { ok: false; retryAfterMs: number };

const usedAt = ({ used, at }: Bucket, perMinute: number, now: number): number =>
  Math.max(0, used - (Math.max(0, now - at) * perMinute) / minuteMs);

export function take(bucket: Bucket, perMinute: number, now: number): Taken {
  const used = usedAt(bucket, perMinute, now) + 1;
  // What sums of fractions are off by is not held against anybody.
  const over = used - perMinute - 1e-6;
  return over > 0 ? { ok: false, retryAfterMs: Math.ceil((over * minuteMs) / perMinute) } : { ok: true, bucket: { used, at: now } };
}

/** Buckets by name. Those that nobody has used for a minute are full: they are thrown away whenever the number of buckets has doubled. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();
  #sweepAt = 64;

  get size(): number {
    return this.#buckets.size;
  }

  /** @returns null, or after how many milliseconds there is one. */
  take(name: string, perMinute: number, now: number): number | null {
    const taken = take(this.#buckets.get(name) ?? fullBucket, perMinute, now);
    if (!taken.ok) return taken.retryAfterMs;
    this.#buckets.set(name, taken.bucket);
    if (this.#buckets.size > this.#sweepAt) this.#sweep(now);
    return null;
  }

  /** For a send that turned out to be none. */
  giveBack(name: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket) this.#buckets.set(name, { ...bucket, used: Math.max(0, bucket.used - 1) });
  }

  #sweep(now: number): void {
    for (const [name, { at }] of this.#buckets) if (now - at >= minuteMs) this.#buckets.delete(name);
    this.#sweepAt = Math.max(64, this.#buckets.size * 2);
  }
}
