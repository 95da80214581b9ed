import { isIPv6 } from "node:net";
import type { Config } from "./config.ts";

export type Address = Pick<Config, "host" | "allowedHosts" | "tlsCertificate" | "trustProxy">;

/** Every address of the machine. */
export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";

const written = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/** Where to listen: `localhost` stands for this machine by both its addresses. */
export const listeningHosts = ({ host }: Pick<Config, "host">): readonly [string, ...string[]] =>
  host === "localhost" ? ["127.0.0.1", "::1"] : [host];

/** The name and port by which requests may name this server besides the loopback's. */
export const ownName = ({ host }: Pick<Config, "host">, port: number): string => `${written(host)}:${port}`;

/** The address that people open: behind a proxy, the proxy's. */
export function ownUrl({ host, allowedHosts, tlsCertificate, trustProxy }: Address, port: number): string {
  const [named] = allowedHosts;
  if (named !== undefined && trustProxy.length > 0) return `https://${named}`;
  const scheme = tlsCertificate === null ? "http" : "https";
  if (named !== undefined && isWildcard(host)) return `${scheme}://${/:\d+$/.test(named) ? named : `${named}:${port}`}`;
  return `${scheme}://${written(listeningHosts({ host })[0])}:${port}`;
}
