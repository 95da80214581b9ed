import { isIPv6 } from "node:net";
import type { Bucket } from "../conversations/rate.ts";
import { fullBucket, take } from "../conversations/rate.ts";

/** More addresses than this are not remembered: the one that was longest ago makes room, and begins with a full bucket when it comes again. */
const mostAddresses = 10_000;

/** How often addresses may do something, each for itself. Its memory is bounded, however many addresses somebody has. */
export class AddressRates {
  readonly #perMinute: number;
  readonly #now: () => number;
  /** The one that was used last stands last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** @returns null, or after how many milliseconds it may be done. */
  take(address: string): number | null {
    const name = networkOf(address);
    const before = this.#buckets.get(name);
    const taken = take(before ?? fullBucket, this.#perMinute, this.#now());
    if (!taken.ok) return taken.retryAfterMs;
    this.#put(name, taken.bucket);
    return null;
  }

  /** For what turned out to be harmless. */
  giveBack(address: string): void {
    const name = networkOf(address);
    const bucket = this.#buckets.get(name);
    if (bucket) this.#put(name, { ...bucket, used: Math.max(0, bucket.used - 1) });
  }

  #put(name: string, bucket: Bucket): void {
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size <= mostAddresses) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
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
