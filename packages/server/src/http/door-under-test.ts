/** For tests: the REST door over a real store and real conversations in a temporary folder. Its bots answer with what they were sent. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Refusal } from "@skep/protocol";
import type { Bot, BotCreate } from "@skep/protocol";
import { Access } from "../access/access.ts";
import { newSignInLink } from "../access/sign-in-link.ts";
import type { FleetApi } from "../bots/api.ts";
import { Conversations } from "../conversations/conversations.ts";
import { Tick } from "../conversations/tick.ts";
import type { Place } from "../conversations/turn.ts";
import type { Workers } from "../conversations/turns.ts";
import type { Log, LogFields } from "../log.ts";
import { silentLog } from "../log.ts";
import { GroupCommit } from "../store/group-commit.ts";
import { openDataFolder } from "../store/sqlite/data-folder.ts";
import { SqliteStore } from "../store/sqlite/sqlite-store.ts";
import { realTime } from "../time.ts";
import { Assets } from "./assets.ts";
import type { AssetFolders } from "./assets.ts";
import type { Http } from "./http.ts";
import { createHttp } from "./http.ts";
import type { Problem } from "./problem.ts";

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  text: string;
  json: unknown;
}

export interface Asked {
  body?: unknown;
  /** Sent as it is. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  /** Without a token. */
  unknown?: boolean;
}

export interface DoorUnderTest {
  http: Http;
  fleet: FleetApi;
  access: Access;
  data: string;
  token: string;
  log: { event: string; fields: LogFields }[];
  ready: { ok: boolean; reason?: string };
  ask(method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT" | "HEAD" | "OPTIONS", url: string, asked?: Asked): Promise<Answer>;
  /** A conversation with a bot that answers. */
  conversation(): Promise<string>;
  close(): Promise<void>;
}

export const problem = (answer: Answer): Problem => answer.json as Problem;

export async function openDoor(folders: AssetFolders = {}): Promise<DoorUnderTest> {
  const data = mkdtempSync(join(tmpdir(), "skep-door-"));
  const store = await SqliteStore.open(openDataFolder(data), Date.now, () => {});
  const commit = new GroupCommit({ store, time: realTime });
  const fleet = new EchoFleet();
  const conversations: Conversations = new Conversations({
    store,
    commit,
    time: realTime,
    tick: new Tick(realTime),
    messageBytes: 10_240,
    onError: () => {},
    workers: fleet.workers((token, text) => conversations.turns.answer(token, text)),
  });
  const access = new Access({ credentials: await store.credentials(), save: (operation) => commit.add(operation), now: Date.now });
  const { token } = await access.createToken({ name: "test", role: "owner", expiresAt: null });
  const lines: DoorUnderTest["log"] = [];
  const keep = (event: string, fields: LogFields = {}): void => void lines.push({ event, fields });
  const log: Log = { ...silentLog, info: keep, warn: keep, error: keep };
  const ready: DoorUnderTest["ready"] = { ok: true };
  const http = createHttp({
    conversations,
    fleet,
    access,
    config: { host: "127.0.0.1", port: 8000, allowedHosts: [] },
    log,
    assets: new Assets(folders),
    version: "0.0.0",
    now: Date.now,
    ready: () => ready,
    metrics: async () => "# HELP up Up\n",
    newLink: (url) => newSignInLink(access, data, url),
  });
  const ask: DoorUnderTest["ask"] = async (method, url, { body, raw, headers = {}, unknown = false } = {}) => {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await http.app.inject({
      method,
      url,
      headers: {
        host: "127.0.0.1:8000",
        ...(unknown ? {} : { authorization: `Bearer ${token}` }),
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(payload === undefined ? {} : { payload }),
    });
    const json = /json/.test(String(response.headers["content-type"])) && response.body !== "" ? response.json<unknown>() : undefined;
    return { status: response.statusCode, headers: response.headers, text: response.body, json };
  };
  let made = 0;
  return {
    http,
    fleet,
    access,
    data,
    token,
    log: lines,
    ready,
    ask,
    conversation: async () => {
      const name = `bot${++made}`;
      await ask("POST", "/api/bots", { body: { name, kind: "echo" } });
      return ((await ask("POST", "/api/conversations", { body: { bot: name } })).json as { id: string }).id;
    },
    close: async () => {
      await http.app.close();
      await conversations.turns.stop();
      await commit.idle();
      await store.close();
      rmSync(data, { recursive: true });
    },
  };
}

class EchoFleet implements FleetApi {
  readonly #bots = new Map<string, Bot>();

  workers(answer: (token: string, text: string) => void): Workers {
    const place: Place = {
      context: "message",
      give: ({ token, text }) => {
        queueMicrotask(() => answer(token, text));
        return true;
      },
      release: () => {},
      cancel: () => {},
    };
    return { settings: (bot) => this.#bots.get(bot)?.limits ?? null, place: (bot) => (this.#bots.has(bot) ? place : null) };
  }
  list(): Bot[] {
    return [...this.#bots.values()];
  }
  get(name: string): Bot {
    const bot = this.#bots.get(name);
    if (!bot) throw new Refusal("not_found", `There is no bot named "${name}"`);
    return bot;
  }
  async add(input: BotCreate): Promise<Bot> {
    if (this.#bots.has(input.name)) throw new Refusal("bot_exists", `There is a bot named "${input.name}"`, { field: "name" });
    return this.#put({ ...input, state: "ready", queued: 0, running: 0, processes: [], createdAt: new Date(0).toISOString() });
  }
  async change(name: string, patch: Parameters<FleetApi["change"]>[1]): Promise<Bot> {
    const bot = this.get(name);
    return this.#put({ ...bot, ...(patch.options && { options: patch.options }), workers: patch.workers ?? bot.workers });
  }
  async remove(name: string): Promise<void> {
    this.get(name);
    this.#bots.delete(name);
  }
  start = async (name: string): Promise<Bot> => this.#put({ ...this.get(name), state: "ready" });
  stop = async (name: string): Promise<Bot> => this.#put({ ...this.get(name), state: "stopped" });
  restart = async (name: string): Promise<Bot> => this.#put({ ...this.get(name), state: "ready" });
  logs(name: string, _limit: number): ReturnType<FleetApi["logs"]> {
    this.get(name);
    return [{ at: new Date(0).toISOString(), pid: null, source: "skep", level: "info", text: "started" }];
  }
  watch(_onEvent: Parameters<FleetApi["watch"]>[0]): () => void {
    return () => {};
  }
  #put(bot: Bot): Bot {
    this.#bots.set(bot.name, bot);
    return bot;
  }
}
