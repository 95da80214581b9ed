/** Who is at the other end of a connection, and whether the way there is encrypted. Pure. */
import { BlockList, isIP, isIPv6 } from "node:net";
import { isLoopback } from "../config.ts";

export interface Caller {
  /** An IP address; empty over the control socket. */
  address: string;
  /** Did it come over TLS, here or at the proxy? */
  secure: boolean;
  /** Came in plain text, from elsewhere, and past the proxy. */
  exposed: boolean;
}

export interface Arrival {
  /** The other end of the socket. */
  remote: string;
  encrypted: boolean;
  /** The headers X-Forwarded-For and X-Forwarded-Proto. */
  forwardedFor?: string | undefined;
  forwardedProto?: string | undefined;
}

export type Trusted = (address: string) => boolean;

/** @param ranges addresses, or networks such as 10.0.0.0/8 */
export function trustedProxies(ranges: readonly string[]): Trusted {
  if (ranges.length === 0) return () => false;
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** What a proxy says counts only when it comes from one that is trusted; of a list, the last that no trusted one has written. */
export function callerOf({ remote, encrypted, forwardedFor, forwardedProto }: Arrival, trusted: Trusted): Caller {
  const own = plain(remote);
  if (!trusted(own)) return { address: own, secure: encrypted, exposed: !encrypted && own !== "" && !isLoopback(own) };
  let address = own;
  for (const entry of (forwardedFor ?? "").split(",").toReversed()) {
    const named = withoutPort(entry.trim());
    // Who writes something else there hides; the last one that is known stands for it.
    if (isIP(named) === 0) break;
    address = plain(named);
    if (!trusted(address)) break;
  }
  return { address, secure: encrypted || forwardedProto?.trim().toLowerCase() === "https", exposed: false };
}

/** An IPv4 address that came over an IPv6 socket. */
const plain = (address: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;

const withoutPort = (entry: string): string => /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
