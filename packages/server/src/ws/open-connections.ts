import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal } from "@skep/protocol";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";

const checkEveryMs = 1000;

interface Connection {
  /** Called every second. */
  check(now: number): void;
  onClose(run: () => void): void;
}

/** The connections of one door, from the handshake to the last close. */
export class OpenConnections<C extends Connection> {
  readonly #open = new Set<C>();
  readonly #server: WebSocketServer;
  readonly #timer: NodeJS.Timeout;
  #refusing = false;
  #whenEmpty: () => void = () => {};

  /** @param frameBytes the largest frame that is read */
  constructor(frameBytes: number, now: () => number) {
    this.#server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: frameBytes });
    this.#timer = setInterval(() => {
      const at = now();
      for (const connection of this.#open) connection.check(at);
    }, checkEveryMs).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): IterableIterator<C> {
    return this.#open.values();
  }

  /** To be asked before anything else of a request. @throws Refusal `shutting_down` */
  mayEnter(): void {
    if (this.#refusing) throw new Refusal("shutting_down");
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, make: (webSocket: WebSocket) => C): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = make(webSocket);
      this.#open.add(connection);
      connection.onClose(() => {
        this.#open.delete(connection);
        if (this.#open.size === 0) this.#whenEmpty();
      });
    });
  }

  /** Lets nobody in any more; those who are here stay. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Lets nobody in any more, asks everybody to go, and resolves when all are gone. */
  async close(ask: (connection: C) => void): Promise<void> {
    this.#refusing = true;
    clearInterval(this.#timer);
    if (this.#open.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    for (const connection of this.#open) ask(connection);
    await gone;
  }
}
