import { WebSocket } from "ws";
import type { ClientMessage, Message, ServerMessage } from "../../packages/protocol/src/wire.ts";
import type { StartedServer } from "./started-server.ts";

/** A WebSocket that remembers everything it was told, and waits for what it has not been told yet. */
export class RecordingSocket {
  readonly socket: WebSocket;
  readonly all: ServerMessage[] = [];
  /** How many frames came. */
  frames = 0;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<() => void>();
  #n = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      this.frames++;
      const parsed = JSON.parse(data.toString()) as ServerMessage | ServerMessage[];
      this.all.push(...(Array.isArray(parsed) ? parsed : [parsed]));
      for (const look of this.#waiting) look();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  }

  /** Signed in with the token in the header, unless `authorized` is false. */
  static async open(
    server: Pick<StartedServer, "url" | "token">,
    { authorized = true, headers = {} }: { authorized?: boolean; headers?: Record<string, string> } = {},
  ): Promise<RecordingSocket> {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, {
      headers: { ...(authorized ? { authorization: `Bearer ${server.token}` } : {}), ...headers },
      perMessageDeflate: false,
    });
    const recording = new RecordingSocket(socket);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return recording;
  }

  say(...messages: ClientMessage[]): void {
    this.socket.send(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }

  /** Subscribes, and resolves when it is live. */
  async follow(conversation: string, after?: { epoch: string; seq: number }): Promise<void> {
    this.say({ type: "subscribe", conversation, ...(after ? { after } : {}) });
    await this.until((m) => m.type === "live" && m.conversation === conversation);
  }

  /** Sends with the next number. @returns the key. */
  send(conversation: string, text: string, key = crypto.randomUUID()): string {
    this.say({ type: "send", conversation, key, n: ++this.#n, text });
    return key;
  }

  messages(conversation?: string): Message[] {
    return this.all.flatMap((m) =>
      m.type === "message" && (conversation === undefined || m.conversation === conversation) ? [m.message] : [],
    );
  }

  of<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.all.filter((m): m is Extract<ServerMessage, { type: T }> => m.type === type);
  }

  /** The first message, past or future, that fits. */
  until(fits: (message: ServerMessage) => boolean, ms = 15_000): Promise<ServerMessage> {
    return this.when(() => this.all.find(fits), ms);
  }

  /** Looks again with every frame, until there is something. */
  when<T>(look: () => T | undefined | false, ms = 15_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(again);
        reject(new Error(`waited ${ms} ms in vain; the last messages: ${JSON.stringify(this.all.slice(-5))}`));
      }, ms);
      const again = (): void => {
        const found = look();
        if (found === undefined || found === false) return;
        clearTimeout(timer);
        this.#waiting.delete(again);
        resolve(found);
      };
      this.#waiting.add(again);
      again();
    });
  }

  close(): Promise<unknown> {
    this.socket.close();
    return this.closed;
  }

  /** Cuts the line, without a goodbye. */
  cut(): void {
    this.socket.terminate();
  }
}
