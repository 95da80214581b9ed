import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";

/** What one connection may take: a slow or endless request is cut off, and cannot hold a socket for ever. */
export const socketLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
} as const satisfies ServerOptions;

const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** For bytes that are no HTTP request: there is nobody to explain anything to. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Pick<Socket, "writable" | "end" | "destroy">): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const status = answers[error.code ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export function hardened(server: Server): void {
  server.on("clientError", answerBrokenRequest);
}
