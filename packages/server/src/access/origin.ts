/**
 * Keeps pages of other sites out: a page anywhere can make a browser send requests to this machine (by another name of its own that
 * resolves to 127.0.0.1, or straight with the cookie). Pure: from headers to the code of a refusal, or null.
 */
import { readSessionCookie } from "./cookie.ts";

export interface HostRule {
  /** The port that is listened on. */
  port: number;
  /** More names, lower case, with or without a port. */
  allowedHosts: readonly string[];
}

/** `secure`: the way here is encrypted, so an origin that is not is another one. */
export interface Way {
  secure: boolean;
}

export interface OriginHeaders {
  host?: string | undefined;
  origin?: string | undefined;
  cookie?: string | undefined;
  authorization?: string | undefined;
  "sec-fetch-site"?: string | undefined;
  "sec-fetch-mode"?: string | undefined;
  "sec-fetch-dest"?: string | undefined;
  "skep-request"?: string | undefined;
}

const localNames = ["127.0.0.1", "localhost", "[::1]"];

export function checkHost(host: string | undefined, { port, allowedHosts }: HostRule): "host_refused" | null {
  if (host === undefined) return "host_refused";
  const name = host.toLowerCase();
  // A browser leaves the port away where it is the scheme's own.
  if (localNames.some((local) => name === `${local}:${port}` || ((port === 80 || port === 443) && name === local))) return null;
  const withoutPort = name.replace(/:\d+$/, "");
  // A name that is allowed with its port is allowed with that one alone.
  return allowedHosts.some((allowed) => allowed === name || (allowed === withoutPort && !/:\d+$/.test(allowed))) ? null : "host_refused";
}

/**
 * For reads. Browsers name the origin of some and the site of all; from elsewhere there is only one that is no attack: following a link
 * to the page (`page`: it is what is asked for).
 */
export function checkRead(headers: OriginHeaders, way: Way, page: boolean): "origin_refused" | null {
  if (headers.origin !== undefined) return checkOrigin(headers, way);
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return null;
  return page && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document" ? null : "origin_refused";
}

/**
 * For what acts by the cookie: a header that no form can send, and no page of another origin without asking first, which is not answered.
 * It stands behind the origin, should a browser ever be wrong about that.
 */
export function checkAct(headers: OriginHeaders, way: Way): "origin_refused" | "header_missing" | null {
  const refused = checkOrigin(headers, way);
  if (refused !== null) return refused;
  const byCookie = headers.authorization === undefined && readSessionCookie(headers.cookie) !== null;
  return byCookie && headers["skep-request"] === undefined ? "header_missing" : null;
}

/**
 * For everything but reads, and for every WebSocket. Browsers always name the origin there; programs do not, and a program
 * proves itself with a token, which no browser adds by itself. So an origin must be this one, and only a cookie needs one.
 */
export function checkOrigin(headers: OriginHeaders, { secure }: Way = { secure: false }): "origin_refused" | null {
  const { host, origin } = headers;
  if (origin !== undefined) {
    if (secure && !/^https:/i.test(origin)) return "origin_refused";
    return originHost(origin) === withoutDefaultPort(host) ? null : "origin_refused";
  }
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none" ? null : "origin_refused";
  return readSessionCookie(headers.cookie) === null ? null : "origin_refused";
}

function originHost(origin: string): string | null {
  const match = /^https?:\/\/([^/?#@\\]+)$/.exec(origin.toLowerCase());
  return match?.[1] === undefined ? null : withoutDefaultPort(match[1]);
}

const withoutDefaultPort = (host: string | undefined): string => (host ?? "").toLowerCase().replace(/:(80|443)$/, "");
