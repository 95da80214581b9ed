import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal } from "@skep/protocol";
import { WebSocketServer } from "ws";
import type { BotIdentity } from "../access/access.ts";
import type { UnknownSockets } from "../access/unknown-sockets.ts";
import { BotConnection, botFrameBytes } from "./bot-connection.ts";
import type { BotConnectionOptions } from "./bot-connection.ts";
import type { UpgradeDoor } from "./upgrades.ts";

const checkEveryMs = 1000;

export interface BotDoorOptions extends BotConnectionOptions {
  /** By the header `Authorization`; a cookie is nothing here. */
  authenticate(authorization: string): BotIdentity | null;
  unknown: UnknownSockets;
  addressOf(request: IncomingMessage): string;
}

/** The door `/bots`: programs come in as a bot, with that bot's token and nothing else. */
export class BotDoor implements UpgradeDoor {
  readonly #o: BotDoorOptions;
  readonly #connections = new Set<BotConnection>();
  readonly #wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: botFrameBytes,
  });
  readonly #timer: NodeJS.Timeout;
  #closing = false;
  #whenEmpty: () => void = () => {};

  constructor(options: BotDoorOptions) {
    this.#o = options;
    this.#timer = setInterval(() => {
      const now = options.now();
      for (const connection of this.#connections) connection.check(now);
    }, checkEveryMs).unref();
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#closing) throw new Refusal("shutting_down");
    const { authorization } = request.headers;
    const identity = authorization === undefined ? null : this.#o.authenticate(authorization);
    if (authorization !== undefined && !identity) {
      throw new Refusal("not_signed_in", "This is not the token of a bot. `skep bot token NAME` makes one for a bot of the kind remote.");
    }
    const known = identity ? () => {} : this.#o.unknown.enter(this.#o.addressOf(request));
    socket.once("close", known);
    this.#wss.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new BotConnection(webSocket, socket, identity, this.#o, known);
      this.#connections.add(connection);
      connection.onClose(() => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#whenEmpty();
      });
    });
  }

  /** Lets nobody in any more; those who are here may end their work. */
  refuse(): void {
    this.#closing = true;
  }

  /** Tells whoever is still here to come again (C5). */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    for (const connection of this.#connections) connection.end("shutting_down", "shutting down");
    await gone;
  }

  /** Ends the connections of a token that was withdrawn or replaced (S5). */
  closeCredential(credential: string): void {
    for (const connection of this.#connections) {
      if (connection.credential === credential) connection.end("not_signed_in", "this token was withdrawn");
    }
  }
}
