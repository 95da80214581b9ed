/** The REST calls that the benchmarks need, over kept-alive connections. Answers with an error status are thrown. */
import { Agent, request } from "node:http";
import type { Bot, Conversation, Message } from "@skep/protocol";

export interface Page {
  epoch: string;
  head: number;
  messages: Message[];
}

export interface SkepApi {
  call<T>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T>;
  bots(): Promise<Bot[]>;
  /** Creates the bot and waits until it is ready. */
  createBot(bot: { name: string; kind: string } & Record<string, unknown>): Promise<void>;
  createConversation(bot: string): Promise<Conversation>;
  /** From first to last. */
  wholeLog(conversation: string): Promise<Page>;
  close(): void;
}

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function skepApi(url: string, token: string, connections = 16): SkepApi {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers: Record<string, string | number> = { authorization: `Bearer ${token}`, accept: "application/json" };
      if (payload !== undefined) {
        headers["content-type"] = "application/json";
        headers["content-length"] = Buffer.byteLength(payload);
      }
      const outgoing = request({ hostname, port, method, path, headers, agent }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("error", reject);
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const status = incoming.statusCode ?? 0;
          let parsed: unknown = null;
          try {
            parsed = text === "" ? null : JSON.parse(text);
          } catch {
            // Not JSON: reported below with its first words.
          }
          if (status >= 200 && status < 300) {
            resolve(parsed as T);
            return;
          }
          const code = (parsed as { code?: string } | null)?.code ?? "none";
          reject(new ApiError(status, code, `${method} ${path}: ${status} ${text.slice(0, 300)}`));
        });
      });
      outgoing.setTimeout(30_000, () => outgoing.destroy(new Error(`${method} ${path}: no answer for 30 s`)));
      outgoing.on("error", reject);
      outgoing.end(payload);
    });

  return {
    call,
    bots: async () => (await call<{ bots: Bot[] }>("GET", "/api/bots")).bots,
    async createBot(bot) {
      await call("POST", "/api/bots", bot);
      const limit = performance.now() + 30_000;
      for (;;) {
        const { state } = await call<Bot>("GET", `/api/bots/${bot.name}`);
        if (state === "ready") return;
        if (state === "failed" || performance.now() > limit) throw new Error(`bot ${bot.name} is ${state}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    createConversation: (bot) => call<Conversation>("POST", "/api/conversations", { bot }),
    async wholeLog(conversation) {
      const messages: Message[] = [];
      for (;;) {
        const after = messages.at(-1)?.seq ?? 0;
        const page = await call<Page>("GET", `/api/conversations/${conversation}/messages?after=${after}&limit=500`);
        messages.push(...page.messages);
        if (page.messages.length === 0 || (messages.at(-1)?.seq ?? 0) >= page.head) return { ...page, messages };
      }
    },
    close: () => agent.destroy(),
  };
}
