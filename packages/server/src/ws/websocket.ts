import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { closeCodes, limits } from "@skep/protocol";
import type { SignedIn } from "../access/access.ts";
import type { UnknownSockets } from "../access/unknown-sockets.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { OpenConnections } from "./open-connections.ts";
import type { UpgradeDoor } from "./upgrades.ts";

const closeWithinMs = 1000;

export interface WebSocketOptions extends ConnectionOptions {
  authenticate(request: IncomingMessage): SignedIn | null;
  unknown: UnknownSockets;
  addressOf(request: IncomingMessage): string;
}

/** The door `/ws`. */
export class WebSocketDoor implements UpgradeDoor {
  readonly #o: WebSocketOptions;
  readonly #connections: OpenConnections<Connection>;

  constructor(options: WebSocketOptions) {
    this.#o = options;
    this.#connections = new OpenConnections(limits.frameBytes, () => options.now());
  }

  get connections(): number {
    return this.#connections.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#connections.mayEnter();
    const person = this.#o.authenticate(request);
    const known = person ? () => {} : this.#o.unknown.enter(this.#o.addressOf(request));
    socket.once("close", known);
    this.#connections.accept(request, socket, head, (webSocket) => new Connection(webSocket, socket, person, this.#o, known));
  }

  /** Tells every client to come again (C5). */
  async close(): Promise<void> {
    // A client that does not answer the close is not waited for.
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, closeWithinMs);
    await this.#connections.close((connection) => connection.close(closeCodes.shutting_down, "shutting down"));
    clearTimeout(timer);
  }

  /** Ends the connections of a credential that was withdrawn (S5). */
  closeCredential(credential: string): void {
    for (const connection of this.#connections) {
      if (connection.credential === credential) connection.close(closeCodes.not_signed_in, "signed out");
    }
  }
}
