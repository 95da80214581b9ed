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
      rejectUpgrade(socket, error instanceof Refusal ? error : new Refusal("internal"));
    }
  });
}

function rejectUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = JSON.stringify({ type: "about:blank", title: errorTable[refusal.code].title, ...refusal.toWire() });
  socket.on("error", () => {});
  socket.end(
    `HTTP/1.1 ${refusal.status} ${errorTable[refusal.code].title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
