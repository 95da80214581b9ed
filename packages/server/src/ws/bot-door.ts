import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal } from "@skep/protocol";
import type { BotIdentity } from "../access/access.ts";
import type { UnknownSockets } from "../access/unknown-sockets.ts";
import { BotConnection, botFrameBytes } from "./bot-connection.ts";
import type { BotConnectionOptions } from "./bot-connection.ts";
import { OpenConnections } from "./open-connections.ts";
import type { UpgradeDoor } from "./upgrades.ts";

export interface BotDoorOptions extends BotConnectionOptions {
  /** By the header `Authorization`; a cookie is nothing here. */
  authenticate(authorization: string): BotIdentity | null;
  unknown: UnknownSockets;
  addressOf(request: IncomingMessage): string;
}

/** The door `/bots`: programs come in as a bot, with that bot's token and nothing else. */
export class BotDoor implements UpgradeDoor {
  readonly #o: BotDoorOptions;
  readonly #connections: OpenConnections<BotConnection>;

  constructor(options: BotDoorOptions) {
    this.#o = options;
    this.#connections = new OpenConnections(botFrameBytes, () => options.now());
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#connections.mayEnter();
    const { authorization } = request.headers;
    const identity = authorization === undefined ? null : this.#o.authenticate(authorization);
    if (authorization !== undefined && !identity) {
      throw new Refusal("not_signed_in", "This is not the token of a bot. `skep bot token NAME` makes one for a bot of the kind remote.");
    }
    const known = identity ? () => {} : this.#o.unknown.enter(this.#o.addressOf(request));
    socket.once("close", known);
    this.#connections.accept(request, socket, head, (webSocket) => new BotConnection(webSocket, socket, identity, this.#o, known));
  }

  /** Lets nobody in any more; those who are here may end their work. */
  refuse(): void {
    this.#connections.refuse();
  }

  /** Tells whoever is still here to come again (C5). */
  close(): Promise<void> {
    return this.#connections.close((connection) => connection.end("shutting_down", "shutting down"));
  }

  /** Ends the connections of a token that was withdrawn or replaced (S5). */
  closeCredential(credential: string): void {
    for (const connection of this.#connections) {
      if (connection.credential === credential) connection.end("not_signed_in", "this token was withdrawn");
    }
  }
}
