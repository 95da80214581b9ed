import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Message } from "../../packages/protocol/src/wire.ts";
import type { Config } from "../../packages/server/src/config.ts";
import { silentLog } from "../../packages/server/src/log.ts";
import { startServer } from "../../packages/server/src/server.ts";
import type { RunningServer } from "../../packages/server/src/server.ts";

export interface StartedServer extends RunningServer {
  data: string;
  /** A bearer token of the owner's. */
  token: string;
  /** REST with the token; the body as JSON. @returns status and parsed body. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Json; headers: Headers }>;
  /** Begins one with a bot. @returns its id. */
  conversation(bot: string): Promise<string>;
  /** All messages of a conversation. */
  log(conversation: string): Promise<Message[]>;
  /** Stops it and starts another on the same data, with what else is different. */
  again(changed?: Partial<Config>): Promise<StartedServer>;
  /** Stops it and removes its data. */
  end(): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers of the API are looked into freely by tests
export type Json = any;

/** The real server in this process, on a free port and a folder of its own. */
export async function startedServer(
  options: Partial<Config> = {},
  data = mkdtempSync(join(tmpdir(), "skep-test-")),
): Promise<StartedServer> {
  const config: Config = {
    host: "127.0.0.1",
    port: 0,
    data,
    messageBytes: 10_240,
    messagesPerMinute: 0,
    filesBytes: 1_000_000_000,
    log: "off",
    logLevel: "info",
    allowedHosts: [],
    tlsCertificate: null,
    tlsKey: null,
    trustProxy: [],
    echoBot: true,
    memoryMb: 0,
    alertDelayMs: 500,
    alertAnswerMs: 0,
    ...options,
  };
  const server = await startServer(config, { node: process.execPath, variables: process.env, version: "0.0.0", log: silentLog });
  const secret = server.signinLink?.split("#signin=")[1];
  let token = tokens.get(data) ?? "";
  if (secret !== undefined && token === "") {
    const headers = { "content-type": "application/json", origin: server.url };
    const session = await fetch(`${server.url}/api/session`, { method: "POST", headers, body: JSON.stringify({ token: secret }) });
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    const made = await fetch(`${server.url}/api/tokens`, {
      method: "POST",
      headers: { ...headers, cookie, "skep-request": "1" },
      body: JSON.stringify({ name: "test", role: "owner" }),
    });
    token = ((await made.json()) as { token: string }).token;
    tokens.set(data, token);
  }
  const call: StartedServer["call"] = async (method, path, body, headers = {}) => {
    const response = await fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text), headers: response.headers };
  };
  return {
    ...server,
    data,
    token,
    call,
    conversation: async (bot) => (await call("POST", "/api/conversations", { bot })).body.id,
    log: async (conversation) => {
      const all: Message[] = [];
      for (let after = 0; ;) {
        const page: Message[] = (await call("GET", `/api/conversations/${conversation}/messages?after=${after}&limit=500`)).body.messages;
        all.push(...page);
        if (page.length === 0) return all;
        after = all.at(-1)?.seq ?? 0;
      }
    },
    again: async (changed = {}) => {
      await server.stop("again");
      return startedServer({ ...options, ...changed }, data);
    },
    end: async () => {
      await server.stop("end of test");
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Tokens outlive a restart of their server. */
const tokens = new Map<string, string>();
