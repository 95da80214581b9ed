import { WebSocket } from "ws";
import type { FromBot, ToBot } from "@skep/protocol/bot";
import type { StartedServer } from "./started-server.ts";

type LineOf<T extends ToBot["type"]> = Extract<ToBot, { type: T }>;

/** A program that has connected as a bot: keeps what it is told, says what a test wants. */
export class RemoteBot {
  readonly socket: WebSocket;
  readonly lines: ToBot[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<() => void>();
  #answers: ((turn: LineOf<"turn">) => FromBot[]) | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      for (const text of data.toString().split("\n")) {
        const line = JSON.parse(text) as ToBot;
        this.lines.push(line);
        if (line.type === "turn" && this.#answers) this.say(...this.#answers(line));
      }
      for (const look of this.#waiting) look();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  }

  /** Open, with the token in the header; null: without one. @throws what the upgrade was refused with: "401 {…}" */
  static async connect(server: Pick<StartedServer, "url">, token: string | null, headers: Record<string, string> = {}): Promise<RemoteBot> {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/bots`, {
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });
    const bot = new RemoteBot(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
      socket.once("unexpected-response", (_, response) => {
        let body = "";
        response.on("data", (piece: Buffer) => (body += piece.toString()));
        response.on("end", () => reject(new Error(`${response.statusCode} ${body}`)));
      });
    });
    return bot;
  }

  /** Connected and ready. Without `answers` it keeps silent about turns. */
  static async ready(
    server: Pick<StartedServer, "url">,
    token: string,
    answers: ((turn: LineOf<"turn">) => FromBot[]) | null = (turn) => [{ type: "answer", turn: turn.turn, text: `re: ${turn.text}` }],
    hello: Partial<Extract<FromBot, { type: "hello" }>> = {},
  ): Promise<RemoteBot> {
    const bot = await RemoteBot.connect(server, token);
    bot.#answers = answers;
    await bot.line("hello");
    bot.say({ type: "hello", protocol: 1, ...hello });
    return bot;
  }

  /** Several lines go in one frame. */
  say(...lines: (FromBot | { type: "authenticate"; token: string })[]): void {
    this.socket.send(lines.map((line) => JSON.stringify(line)).join("\n"));
  }

  /** The first line of this type, past or future, that passes. */
  line<T extends ToBot["type"]>(type: T, passes: (line: LineOf<T>) => boolean = () => true, ms = 15_000): Promise<LineOf<T>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited ${ms} ms in vain for "${type}"; it was told ${JSON.stringify(this.lines.slice(-5))}`));
      }, ms);
      const look = (): void => {
        const found = this.lines.find((line): line is LineOf<T> => line.type === type && passes(line as LineOf<T>));
        if (!found) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): Promise<unknown> {
    this.socket.close();
    return this.closed;
  }

  /** Cuts the line, without a goodbye. */
  cut(): Promise<unknown> {
    this.socket.terminate();
    return this.closed;
  }
}
