import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal, errorTable } from "@skep/protocol";

export interface UpgradeDoor {
  /** @throws Refusal */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Upgrades {
  /** By path. */
  doors: Readonly<Record<string, UpgradeDoor>>;
  /** Host and Origin. @throws Refusal */
  check(request: IncomingMessage): void;
  /** On every answer that is a refusal. */
  headers: Readonly<Record<string, string>>;
}

/** Brings every WebSocket to its door, on a server that listens already. */
export function attachUpgrades(server: Server, upgrades: Upgrades): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    try {
      const door = Object.hasOwn(upgrades.doors, path) ? upgrades.doors[path] : undefined;
      if (!door) throw new Refusal("not_found");
      upgrades.check(request);
      door.upgrade(request, socket, head);
    } catch (error) {
      rejectUpgrade(socket, error instanceof Refusal ? error : new Refusal("internal"), upgrades.headers);
    }
  });
}

function rejectUpgrade(socket: Duplex, refusal: Refusal, headers: Upgrades["headers"]): void {
  const { title } = errorTable[refusal.code];
  const { retryAfterMs } = refusal.extra;
  const body = JSON.stringify({ type: "about:blank", title, ...refusal.toWire() });
  const lines = Object.entries({
    ...headers,
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) }),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on("error", () => {});
  socket.end(`HTTP/1.1 ${refusal.status} ${title}\r\n${lines.join("")}\r\n${body}`);
}
