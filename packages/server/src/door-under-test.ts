/** For tests: the REST door over the real store, conversations and bots, in a temporary folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Access } from "./access/access.ts";
import { newSignInLink } from "./access/sign-in-link.ts";
import type { FleetApi } from "./bots/api.ts";
import { kinds } from "./bots/kinds/index.ts";
import { Core } from "./core.ts";
import type { Log, LogFields } from "./log.ts";
import { silentLog } from "./log.ts";
import { OverviewKeeper } from "./operations/overview.ts";
import { openDataFolder } from "./store/sqlite/data-folder.ts";
import { SqliteStore } from "./store/sqlite/sqlite-store.ts";
import { realTime } from "./time.ts";
import { Assets } from "./http/assets.ts";
import type { Http } from "./http/http.ts";
import { EventStreams } from "./http/event-stream.ts";
import { createHttp } from "./http/http.ts";
import type { Problem } from "./http/problem.ts";

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
  streams: EventStreams;
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

export async function openDoor(web?: string, { filesBytes = 100_000_000 }: { filesBytes?: number } = {}): Promise<DoorUnderTest> {
  const data = mkdtempSync(join(tmpdir(), "skep-door-"));
  const store = await SqliteStore.open(openDataFolder(data), Date.now, () => {});
  const overview = new OverviewKeeper({
    time: realTime,
    limits: { delayMs: 0, answerMs: 0 },
    memoryLimitMb: 10_000,
    sources: {
      connections: () => 0,
      waitingOperations: () => ({ used: core.commit.waiting, limit: core.commit.mostWaiting }),
      bots: () => core.fleet.list(),
      placesOf: (bot) => core.fleet.placesOf(bot),
      down: (bot) => core.fleet.down(bot),
      storeBroken: () => null,
      memory: () => process.memoryUsage.rss(),
      loopDelayMs: () => 0,
      disk: async () => ({ size: 100e9, free: 50e9 }),
    },
  });
  const core: Core = await Core.open({
    store,
    folder: data,
    kinds,
    launch: { node: process.execPath, compileCache: join(tmpdir(), "skep-compile-cache"), environment: {} },
    time: realTime,
    messageBytes: 10_240,
    filesBytes,
    onError: () => {},
    onClosed: (outcome, _, bot, ms) => overview.turnEnded(outcome, bot, ms),
    onSent: (code) => {
      if (code === null) overview.accepted();
    },
    onStored: (ms, operations) => overview.stored(ms, operations),
    onBotLog: () => {},
    onStoreFailure: () => {},
  });
  const { commit, conversations, files, fleet } = core;
  overview.run();
  const access = new Access({ credentials: await store.credentials(), save: (operation) => commit.add(operation), now: Date.now });
  const { token } = await access.createToken({ name: "test", role: "owner", expiresAt: null });
  const lines: DoorUnderTest["log"] = [];
  const keep = (event: string, fields: LogFields = {}): void => void lines.push({ event, fields });
  const log: Log = { ...silentLog, info: keep, warn: keep, error: keep };
  const ready: DoorUnderTest["ready"] = { ok: true };
  const streams = new EventStreams({ conversations, tick: core.tick, isValid: (credential) => access.isValid(credential), now: Date.now });
  const http = createHttp({
    conversations,
    streams,
    fleet,
    files,
    access,
    config: { host: "127.0.0.1", port: 8000, allowedHosts: [], tlsCertificate: null, trustProxy: [] },
    certificate: null,
    log,
    assets: new Assets(web ?? join(data, "no-page")),
    version: "0.0.0",
    now: Date.now,
    ready: () => ready,
    metrics: async () => "# HELP up Up\n",
    findModels: async () => ({ servers: [], ollamaUrl: "http://127.0.0.1:11434" }),
    overview,
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
    streams,
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
      overview.stop();
      await http.app.close();
      await core.close(0);
      rmSync(data, { recursive: true });
    },
  };
}
