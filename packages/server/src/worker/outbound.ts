/**
 * Where a bot's process may connect to: to the server that its definition names, and nowhere else. Pure; imports nothing, since every bot loads it.
 *
 *   public  anybody's
 *   own     this machine's (127.0.0.1, ::1) and a private network's: only where the definition says so plainly
 *   never   no model server lives there: link-local and with it the cloud's metadata, "this" network, multicast, documentation, and addresses of
 *           IPv6 that mean one of IPv4 (mapped, 6to4, Teredo…), by which filters are passed
 */
export type Reach = "public" | "own" | "never";

/** Ranges of IPv4, the first that fits counts; what is in none is public. */
const ranges: readonly (readonly [string, number, Reach])[] = [
  ["100.100.100.200", 32, "never"],
  ["168.63.129.16", 32, "never"],
  ["127.0.0.0", 8, "own"],
  ["10.0.0.0", 8, "own"],
  ["172.16.0.0", 12, "own"],
  ["192.168.0.0", 16, "own"],
  ["100.64.0.0", 10, "own"],
  ["0.0.0.0", 8, "never"],
  ["169.254.0.0", 16, "never"],
  ["192.0.0.0", 24, "never"],
  ["192.0.2.0", 24, "never"],
  ["192.88.99.0", 24, "never"],
  ["198.18.0.0", 15, "never"],
  ["198.51.100.0", 24, "never"],
  ["203.0.113.0", 24, "never"],
  ["224.0.0.0", 3, "never"],
];

/** @returns the 32 bits; null for what is not four decimal numbers */
function bitsOf(address: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return null;
  return parts.reduce((bits, part) => bits * 256 + part, 0);
}

function reachOfBits(bits: number): Reach {
  for (const [network, length, reach] of ranges) {
    const size = 2 ** (32 - length);
    if (Math.floor(bits / size) === Math.floor((bitsOf(network) ?? 0) / size)) return reach;
  }
  return "public";
}

/** @returns the eight groups of an IPv6 address; null for what is none. The last two may be written as IPv4. */
function groupsOf(address: string): number[] | null {
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (tail !== undefined) {
    const bits = bitsOf(tail);
    if (bits === null) return null;
    return groupsOf(`${address.slice(0, -tail.length)}${Math.floor(bits / 65_536).toString(16)}:${(bits % 65_536).toString(16)}`);
  }
  if (!/^[\da-f:]+$/i.test(address)) return null;
  const halves = address.split("::");
  if (halves.length > 2) return null;
  const [left = [], right = []] = halves.map((half) => (half === "" ? [] : half.split(":").map((group) => Number.parseInt(group, 16))));
  const zeros = 8 - left.length - right.length;
  if (halves.length === 1 ? zeros !== 0 : zeros < 1) return null;
  return [...left, ...Array.from({ length: zeros }, () => 0), ...right];
}

/** @param address IPv4 or IPv6 as systems write it. What is neither is never reached. */
export function reachOf(address: string): Reach {
  const bits = bitsOf(address);
  if (bits !== null) return reachOfBits(bits);
  const groups = groupsOf(address);
  if (!groups) return "never";
  const [first = 0, second = 0] = groups;
  if (groups.every((group, i) => group === (i === 7 ? 1 : 0))) return "own";
  // A network without IPv4 reaches the rest of the world in this way (NAT64), but nobody inside.
  if (first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0)) {
    return reachOfBits((groups[6] ?? 0) * 65_536 + (groups[7] ?? 0)) === "public" ? "public" : "never";
  }
  // The metadata of two clouds.
  if ((first === 0xfd00 && second === 0xec2) || (first === 0xfd20 && second === 0xce)) return "never";
  if (first >= 0xfc00 && first < 0xfe00) return "own";
  if (first < 0x2000 || first > 0x3fff || first === 0x2002) return "never";
  // Teredo, benchmarks, documentation and others that are no place.
  return first === 0x2001 && (second < 0x200 || second === 0xdb8) ? "never" : "public";
}

const isAddress = (host: string): boolean => bitsOf(host) !== null || host.startsWith("[");

/** Names that only a network of one's own knows. */
const isOwnName = (host: string): boolean => /^[^.]+$|\.(?:localhost|local|localdomain|lan|home|internal|home\.arpa)$/.test(host);

/** What is wrong with the address of a model server, for the person who wrote it; null when nothing is. */
export function serverProblem(address: string): string | null {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) return "must be an http or https address";
  const host = url.hostname;
  if (!isAddress(host)) return null;
  const written = /^https?:\/\/(?:[^/@\\]*@)?(\[[^\]]*\]|[^/:?#\\]*)/i.exec(address)?.[1]?.toLowerCase();
  if (written !== host) return `names an address in a form that hides it; write ${host}`;
  return reachOf(host.replace(/^\[|\]$/g, "")) === "never" ? `names ${host}, where no model server can be` : null;
}

/** May a server of this name be at this address? @param privateNetwork the definition says that its name is one of a private network */
export function mayBeAt(host: string, address: string, privateNetwork: boolean): boolean {
  const reach = reachOf(address);
  return reach === "public" || (reach === "own" && (privateNetwork || isAddress(host) || isOwnName(host)));
}
