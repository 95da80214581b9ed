import type { IncomingMessage, RequestListener, Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";
import { createRequire } from "node:module";
import { Refusal } from "@skep/protocol/errors";
import type { Certificate } from "./certificate.ts";
import { securityHeaders } from "./security-headers.ts";

/** What one connection may take: a slow or endless request is cut off, and cannot hold a socket for ever. */
export const socketLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
} as const satisfies ServerOptions;

/** One more is hung up on before a byte of it is read. */
const mostConnections = 20_000;
const mostHeaders = 100;

/**
 * Heads that mean different things to different readers, and those that are only there to be work.
 * @throws Refusal `head_too_large`, `head_malformed`
 */
export function checkHead({ rawHeaders, url }: Pick<IncomingMessage, "rawHeaders" | "url">): void {
  if (rawHeaders.length > 2 * mostHeaders) throw new Refusal("head_too_large", `At most ${mostHeaders} header fields`);
  // A whole address in the place of a path would name a second host.
  if (!url?.startsWith("/")) throw new Refusal("head_malformed", "The target of a request is a path that begins with /");
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === "host") hosts++;
  if (hosts > 1) throw new Refusal("head_malformed", "More than one Host");
}

const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** For bytes that are no HTTP request: there is nobody to explain anything to. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Pick<Socket, "writable" | "end" | "destroy">): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const status = answers[error.code ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n${headerLines}Content-Length: 0\r\n\r\n`);
}

const headerLines = Object.entries(securityHeaders)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join("");

/** Handshakes that do not end are no requests yet, so nothing else limits them. */
const handshakeTimeout = 5000;

/** A server for one address. Not by `import`: that form of these modules loads an HTTP client too, at the price of 15 MB. */
export function createServer(certificate: Certificate | null, handle: RequestListener): Server {
  const require = createRequire(import.meta.url);
  const server =
    certificate === null
      ? (require("node:http") as typeof import("node:http")).createServer(socketLimits, handle)
      : (require("node:https") as typeof import("node:https")).createServer({ ...socketLimits, ...certificate, handshakeTimeout }, handle);
  limitConnections(server);
  return server;
}

function limitConnections(server: Server): void {
  // Node would drop what is above its own number in silence, an Origin too; `checkHead` counts instead.
  server.maxHeadersCount = 0;
  server.maxConnections = mostConnections;
}

/** For servers that are not fastify's own. */
export function hardened(server: Server): void {
  server.on("clientError", answerBrokenRequest);
}
