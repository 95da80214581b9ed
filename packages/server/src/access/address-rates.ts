import { isIPv6 } from "node:net";
import type { Bucket } from "../conversations/rate.ts";
import { fullBucket, take } from "../conversations/rate.ts";

/** Addresses in one generation; there are two. */
const mostOfGeneration = 5000;

/**
 * How often addresses may do something, each for itself. Its memory is bounded, however many addresses somebody has: those of which nothing was
 * heard for so long that thousands of others came meanwhile are forgotten, and begin with a full bucket when they come again.
 */
export class AddressRates {
  readonly #perMinute: number;
  readonly #now: () => number;
  #young = new Map<string, Bucket>();
  #old: ReadonlyMap<string, Bucket> = new Map();

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** How many entries there are; an address may have two. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** @returns null, or after how many milliseconds it may be done. */
  take(address: string): number | null {
    const name = networkOf(address);
    const before = this.#bucketOf(name);
    const taken = take(before, this.#perMinute, this.#now());
    // Who is refused is remembered too.
    this.#put(name, taken.ok ? taken.bucket : before);
    return taken.ok ? null : taken.retryAfterMs;
  }

  /** For what turned out to be harmless. */
  giveBack(address: string): void {
    const name = networkOf(address);
    const bucket = this.#bucketOf(name);
    this.#put(name, { ...bucket, used: Math.max(0, bucket.used - 1) });
  }

  #bucketOf(name: string): Bucket {
    return this.#young.get(name) ?? this.#old.get(name) ?? fullBucket;
  }

  #put(name: string, bucket: Bucket): void {
    this.#young.set(name, bucket);
    if (this.#young.size < mostOfGeneration) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}

/** Whom an address stands for: of IPv6 everybody has a whole network (/64), of IPv4 one address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => "0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
