import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal, closeCodes, limits } from "@skep/protocol";
import { WebSocketServer } from "ws";
import type { SignedIn } from "../access/access.ts";
import type { UnknownSockets } from "../access/unknown-sockets.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { UpgradeDoor } from "./upgrades.ts";

const checkEveryMs = 1000;
const closeWithinMs = 1000;

export interface WebSocketOptions extends ConnectionOptions {
  authenticate(request: IncomingMessage): SignedIn | null;
  unknown: UnknownSockets;
  addressOf(request: IncomingMessage): string;
}

/** The door `/ws`. */
export class WebSocketDoor implements UpgradeDoor {
  readonly #o: WebSocketOptions;
  readonly #connections = new Set<Connection>();
  readonly #wss = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: limits.frameBytes });
  readonly #timer: NodeJS.Timeout;
  #closing = false;
  #whenEmpty: () => void = () => {};

  constructor(options: WebSocketOptions) {
    this.#o = options;
    this.#timer = setInterval(() => {
      const now = options.now();
      for (const connection of this.#connections) connection.check(now);
    }, checkEveryMs).unref();
  }

  get connections(): number {
    return this.#connections.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#closing) throw new Refusal("shutting_down");
    const person = this.#o.authenticate(request);
    const known = person ? () => {} : this.#o.unknown.enter(this.#o.addressOf(request));
    socket.once("close", known);
    this.#wss.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, socket, person, this.#o, known);
      this.#connections.add(connection);
      connection.onClose(() => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#whenEmpty();
      });
    });
  }

  /** Tells every client to come again (C5). */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    for (const connection of this.#connections) connection.close(closeCodes.shutting_down, "shutting down");
    // A client that does not answer the close is not waited for.
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, closeWithinMs);
    await gone;
    clearTimeout(timer);
  }

  /** Ends the connections of a credential that was withdrawn (S5). */
  closeCredential(credential: string): void {
    for (const connection of this.#connections) {
      if (connection.credential === credential) connection.close(closeCodes.not_signed_in, "signed out");
    }
  }
}
