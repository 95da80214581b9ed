import type { ClientMessage, ServerMessage } from "@skep/protocol";
import { WebSocket } from "ws";

export interface Seen {
  /** As `performance.now` has it. */
  at: number;
  message: ServerMessage;
}

/** A reader of one conversation that also sends, and tells when something was said. */
export class WatchingReader {
  readonly #socket: WebSocket;
  readonly #conversation: string;
  readonly #waiting = new Set<{ test: (message: ServerMessage) => boolean; give: (seen: Seen) => void }>();

  private constructor(socket: WebSocket, conversation: string) {
    this.#socket = socket;
    this.#conversation = conversation;
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => {
      const at = performance.now();
      const frame = JSON.parse(data.toString()) as ServerMessage | ServerMessage[];
      for (const message of Array.isArray(frame) ? frame : [frame]) {
        for (const wait of this.#waiting) {
          if (!wait.test(message)) continue;
          this.#waiting.delete(wait);
          wait.give({ at, message });
        }
      }
    });
  }

  static async open(url: string, token: string, conversation: string): Promise<WatchingReader> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const reader = new WatchingReader(socket, conversation);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const live = reader.when((message) => message.type === "live");
    reader.#say({ type: "subscribe", conversation });
    await live;
    return reader;
  }

  #say(message: ClientMessage): void {
    this.#socket.send(JSON.stringify(message));
  }

  send(text: string): void {
    this.#say({ type: "send", conversation: this.#conversation, key: crypto.randomUUID(), text });
  }

  /** The first message that passes, of those to come. */
  when(test: (message: ServerMessage) => boolean, limitMs = 30_000): Promise<Seen> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(wait);
        reject(new Error(`waited ${limitMs} ms in vain in ${this.#conversation}`));
      }, limitMs);
      const wait = {
        test,
        give: (seen: Seen) => {
          clearTimeout(timer);
          resolve(seen);
        },
      };
      this.#waiting.add(wait);
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}
