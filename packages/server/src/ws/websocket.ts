import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal, closeCodes, errorTable, limits } from "@skep/protocol";
import { WebSocketServer } from "ws";
import type { SignedIn } from "../access/access.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";

const checkEveryMs = 1000;
const closeWithinMs = 1000;

export interface WebSocketOptions extends ConnectionOptions {
  /** Host and Origin. @throws Refusal */
  checkUpgrade(request: IncomingMessage): void;
  authenticate(request: IncomingMessage): SignedIn | null;
}

/** The door `/ws` on a server that listens already. */
export class WebSocketDoor {
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

  attach(server: Server): void {
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      if (this.#closing) throw new Refusal("shutting_down");
      if ((request.url ?? "").split("?", 1)[0] !== "/ws") throw new Refusal("not_found");
      this.#o.checkUpgrade(request);
    } catch (error) {
      rejectUpgrade(socket, error instanceof Refusal ? error : new Refusal("internal"));
      return;
    }
    const person = this.#o.authenticate(request);
    this.#wss.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, socket, person, this.#o);
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

function rejectUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = JSON.stringify({ type: "about:blank", title: errorTable[refusal.code].title, ...refusal.toWire() });
  socket.on("error", () => {});
  socket.end(
    `HTTP/1.1 ${refusal.status} ${errorTable[refusal.code].title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
