import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openApiOf } from "./open-api.ts";
import type { DoorUnderTest } from "../door-under-test.ts";
import { openDoor, problem } from "../door-under-test.ts";
import { botShape, conversationShape, kindShape, logLineShape, messageShape, problemShape, tokenShape } from "./shapes.ts";

let door: DoorUnderTest;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("bots", () => {
  test("[R-C1] add, list, get, change, stop, start, restart, logs, remove", async () => {
    const added = await door.ask("POST", "/api/bots", { body: { name: "ada", kind: "echo" } });
    expect(added.status).toBe(201);
    expect(added.headers["location"]).toBe("/api/bots/ada");
    const bot = botShape.strict().parse(added.json);
    expect(bot).toMatchObject({ name: "ada", workers: 1, restart: { policy: "always" }, limits: { attempts: 5 } });

    const again = await door.ask("POST", "/api/bots", { body: { name: "ada", kind: "echo" } });
    expect(again.status).toBe(409);
    expect(problem(again).code).toBe("bot_exists");

    const { bots } = z.object({ bots: z.array(botShape) }).parse((await door.ask("GET", "/api/bots")).json);
    expect(bots.map((one) => one.name)).toContain("ada");
    expect((await door.ask("PATCH", "/api/bots/ada", { body: { workers: 3 } })).json).toMatchObject({ workers: 3 });
    expect((await door.ask("POST", "/api/bots/ada/stop")).json).toMatchObject({ state: "stopped" });
    expect((await door.ask("POST", "/api/bots/ada/start", { body: {} })).json).toMatchObject({ state: "starting" });
    await expect.poll(async () => (await door.ask("GET", "/api/bots/ada")).json).toMatchObject({ state: "ready" });
    expect((await door.ask("POST", "/api/bots/ada/restart")).status).toBe(200);
    z.strictObject({ lines: z.array(logLineShape) }).parse((await door.ask("GET", "/api/bots/ada/logs?limit=10")).json);
    expect(await door.ask("DELETE", "/api/bots/ada")).toMatchObject({ status: 204, text: "" });
    expect((await door.ask("GET", "/api/bots/ada")).status).toBe(404);
  });

  test("kinds: what there is to choose from, what each can do, which options it has; a bot can what its kind can", async () => {
    const { kinds } = z.strictObject({ kinds: z.array(kindShape.strict()) }).parse((await door.ask("GET", "/api/kinds")).json);
    expect(kinds.map(({ name }) => name)).toEqual(expect.arrayContaining(["echo", "acp"]));
    expect(kinds.find(({ name }) => name === "acp")).toMatchObject({
      can: ["cancel", "resume", "tools", "images", "files"],
      options: { properties: { permissions: { enum: ["ask", "allow", "reject"], default: "ask" } } },
    });
    await door.ask("POST", "/api/bots", { body: { name: "able", kind: "echo" } });
    expect((await door.ask("GET", "/api/bots/able")).json).toMatchObject({ can: kinds.find(({ name }) => name === "echo")?.can });
    await door.ask("DELETE", "/api/bots/able");
  });

  test("a field inside is named by its path", async () => {
    const answer = await door.ask("POST", "/api/bots", { body: { name: "x", kind: "echo", limits: { attempts: 0 } } });
    expect(problem(answer)).toMatchObject({ code: "field_invalid", field: "limits.attempts" });
  });
});

describe("conversations and messages", () => {
  test("begin, rename, list by pages, erase", async () => {
    const id = await door.conversation();
    const one = conversationShape.strict().parse((await door.ask("GET", `/api/conversations/${id}`)).json);
    expect((await door.ask("PATCH", `/api/conversations/${id}`, { body: { title: "Tea & <b>cake</b>" } })).json).toMatchObject({
      title: "Tea & <b>cake</b>",
    });
    for (let i = 0; i < 3; i++) await door.ask("POST", "/api/conversations", { body: { bot: one.bot } });
    const page = z.strictObject({ conversations: z.array(conversationShape), cursor: z.string().nullable() });
    const first = page.parse((await door.ask("GET", `/api/conversations?bot=${one.bot}&limit=3`)).json);
    const second = page.parse((await door.ask("GET", `/api/conversations?bot=${one.bot}&limit=3&cursor=${first.cursor}`)).json);
    expect(new Set([...first.conversations, ...second.conversations].map((conversation) => conversation.id)).size).toBe(4);
    expect(second.cursor).toBeNull();
    expect(page.parse((await door.ask("GET", "/api/conversations?query=cake")).json).conversations).toHaveLength(1);
    expect((await door.ask("DELETE", `/api/conversations/${id}`)).status).toBe(204);
    expect((await door.ask("GET", `/api/conversations/${id}/messages`)).status).toBe(404);
    expect((await door.ask("POST", "/api/conversations", { body: { bot: "nobody" } })).status).toBe(404);
  });

  test("[O1] messages in pages both ways, in ascending order", async () => {
    const id = await door.conversation();
    for (let i = 1; i <= 5; i++) await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, { body: { text: `${i}` } });
    const seqs = async (query: string): Promise<number[]> => {
      const { json } = await door.ask("GET", `/api/conversations/${id}/messages${query}`);
      const page = z.strictObject({ epoch: z.string(), head: z.int(), messages: z.array(messageShape.strict()) }).parse(json);
      expect(page.head).toBe(10);
      return page.messages.map((message) => message.seq);
    };
    expect(await seqs("")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await seqs("?after=3&limit=2")).toEqual([4, 5]);
    expect(await seqs("?before=4&limit=2")).toEqual([2, 3]);
    expect(await seqs("?after=10")).toEqual([]);
  });

  test("`wait` adds the answer, also to a duplicate", async () => {
    const id = await door.conversation();
    const ask = { body: { text: "hello", key: "k" } };
    const first = await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, ask);
    expect(first.status).toBe(201);
    expect(first.json).toMatchObject({ seq: 1, duplicate: false, answer: { role: "bot", text: "hello", seq: 2, outcome: "completed" } });
    const again = await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, ask);
    expect(again.json).toEqual({ ...(first.json as object), duplicate: true });
    expect((await door.ask("POST", `/api/conversations/${id}/messages`, ask)).json).not.toHaveProperty("answer");
  });

  test("a turn that is not there cannot be cancelled or tried again", async () => {
    const id = await door.conversation();
    expect((await door.ask("POST", `/api/conversations/${id}/turns/t99999/cancel`)).status).toBe(404);
    expect((await door.ask("POST", `/api/conversations/${id}/turns/t99999/retry`)).status).toBe(404);
    const { turn } = (await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, { body: { text: "a" } })).json as {
      turn: string;
    };
    expect((await door.ask("POST", `/api/conversations/${id}/turns/${turn}/cancel`)).json).toEqual({ state: "completed" });
  });

  test("[R-B7] search takes any text as text, and gives the places", async () => {
    const id = await door.conversation();
    await door.ask("POST", `/api/conversations/${id}/messages?wait=10`, { body: { text: "a zebra's coat" } });
    for (const query of ["'; DROP TABLE message; --", '"', "zebra OR", "a*b", "NEAR(", "^"]) {
      expect((await door.ask("GET", `/api/search?query=${encodeURIComponent(query)}`)).status).toBe(200);
    }
    // Indexing follows the commit in the background.
    await expect
      .poll(async () => ((await door.ask("GET", "/api/search?query=zebra&since=2020-01-01")).json as { found: unknown[] }).found.length)
      .toBe(2);
    const { json } = await door.ask("GET", "/api/search?query=zebra");
    expect(json).toMatchObject({ found: [{ conversation: id, places: [{ offset: 2, length: 5 }] }, {}] });
  });
});

describe("access", () => {
  const page = { unknown: true, headers: { origin: "http://127.0.0.1:8000" } };

  test("a link signs in, the cookie works for the page and for no other site, signing out ends it", async () => {
    const { url } = (await door.ask("POST", "/api/session/links")).json as { url: string };
    const secret = url.split("#signin=")[1] as string;
    const signedIn = await door.ask("POST", "/api/session", { ...page, body: { token: secret } });
    expect(signedIn).toMatchObject({ status: 201, json: { person: { id: "owner", role: "owner" } } });
    const header = String(signedIn.headers["set-cookie"]);
    expect(header).toMatch(/^skep_session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/);
    const cookie = header.split(";")[0] as string;

    expect((await door.ask("GET", "/api/session", { unknown: true, headers: { cookie } })).status).toBe(200);
    const stop = (headers: Record<string, string>) =>
      door.ask("POST", "/api/bots/none/stop", { unknown: true, headers: { cookie, "skep-request": "1", ...headers } });
    const plain = await door.ask("POST", "/api/bots/none/stop", { unknown: true, headers: { cookie, origin: "http://127.0.0.1:8000" } });
    expect(plain).toMatchObject({ status: 403, json: { code: "origin_refused" } });
    expect(problem(plain).detail).toContain("Skep-Request");
    expect(problem(await stop({ origin: "http://127.0.0.1:8000" })).code).toBe("not_found");
    expect(await stop({ origin: "http://evil.example" })).toMatchObject({ status: 403, json: { code: "origin_refused" } });
    expect(await stop({})).toMatchObject({ status: 403 });

    expect((await door.ask("POST", "/api/session", { ...page, body: { token: secret } })).json).toMatchObject({ code: "not_signed_in" });
    const signedOut = await door.ask("DELETE", "/api/session", {
      unknown: true,
      headers: { cookie, origin: "http://127.0.0.1:8000", "skep-request": "1" },
    });
    expect(signedOut.status).toBe(204);
    expect(String(signedOut.headers["set-cookie"])).toContain("Max-Age=0");
    expect((await door.ask("GET", "/api/session", { unknown: true, headers: { cookie } })).status).toBe(401);
    expect((await door.ask("DELETE", "/api/session")).json).toMatchObject({ code: "state_conflict" });
  });

  test("tokens: made, listed without their secret, revoked", async () => {
    const made = await door.ask("POST", "/api/tokens", { body: { name: "ci", expiresInSeconds: 60 } });
    const { token, ...shown } = tokenShape.extend({ token: z.string() }).strict().parse(made.json);
    const headers = { authorization: `Bearer ${token}` };
    expect((await door.ask("GET", "/api/session", { headers })).status).toBe(200);
    expect((await door.ask("GET", "/api/tokens")).json).toMatchObject({ tokens: expect.arrayContaining([shown]) as unknown });
    expect((await door.ask("GET", "/api/tokens")).text).not.toContain(token);
    expect((await door.ask("DELETE", "/api/tokens/ci")).status).toBe(204);
    expect((await door.ask("GET", "/api/session", { headers })).status).toBe(401);
    expect((await door.ask("POST", "/api/tokens", { body: { name: "x", role: "king" } })).json).toMatchObject({ field: "role" });
  });

  test.each([
    ["GET", "/api/bots"],
    ["POST", "/api/bots"],
    ["GET", "/api/conversations"],
    ["GET", "/api/conversations/c1/messages"],
    ["GET", "/api/search?query=a"],
    ["GET", "/api/session"],
    ["GET", "/api/tokens"],
    ["POST", "/api/session/links"],
    ["GET", "/api/status"],
  ] as const)("[S5] nobody unknown gets in: %s %s", async (method, url) => {
    const answer = await door.ask(method, url, { unknown: true });
    expect(answer).toMatchObject({ status: 401, json: { code: "not_signed_in" } });
    expect(answer.headers["www-authenticate"]).toContain("Bearer");
  });

  test("a malformed body of someone unknown is not even looked at", async () => {
    expect((await door.ask("POST", "/api/bots", { unknown: true, raw: "{" })).status).toBe(401);
  });

  test("another host name is refused, whatever is asked for", async () => {
    for (const url of ["/", "/healthz", "/api/bots", "/nothing"]) {
      expect(await door.ask("GET", url, { headers: { host: "evil.example:8000" } })).toMatchObject({
        status: 421,
        json: { code: "host_refused" },
      });
    }
  });
});

describe("every answer", () => {
  test("carries the headers that keep it to itself", async () => {
    for (const url of ["/healthz", "/nothing", "/api/bots", "/api/bots/%zz"]) {
      const { headers } = await door.ask("GET", url);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers["permissions-policy"]).toContain("camera=()");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers).not.toHaveProperty("access-control-allow-origin");
    }
  });

  test("to HEAD has no body", async () => {
    expect(await door.ask("HEAD", "/api/bots")).toMatchObject({ status: 200, text: "" });
  });
});

test("who hangs up in the middle of a body is no bug, and nothing about it stands in the log", async () => {
  const own = await openDoor();
  try {
    await own.http.app.listen({ host: "127.0.0.1", port: 0 });
    const host = `127.0.0.1:${own.http.port()}`;
    const socket = connect(own.http.port(), "127.0.0.1");
    const lines = ["POST /api/bots HTTP/1.1", `Host: ${host}`, `Authorization: Bearer ${own.token}`, "Content-Type: application/json"];
    socket.write(`${lines.join("\r\n")}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{"name":`);
    await once(socket, "data");
    socket.destroy();
    const open = (): Promise<number> => new Promise((resolve) => own.http.app.server.getConnections((_, count) => resolve(count)));
    await expect.poll(open).toBe(0);
    await fetch(`http://${host}/healthz`);
    expect(own.log).toEqual([]);
  } finally {
    await own.close();
  }
});

describe("operations", () => {
  test("alive, ready or not and why, figures, a glance", async () => {
    expect((await door.ask("GET", "/healthz", { unknown: true })).json).toEqual({ status: "ok" });
    expect((await door.ask("GET", "/readyz", { unknown: true })).status).toBe(200);
    door.ready = Object.assign(door.ready, { ok: false, reason: "The disk is full" });
    const not = await door.ask("GET", "/readyz", { unknown: true });
    expect(not).toMatchObject({ status: 503, json: { code: "store_unavailable", detail: "The disk is full", retryAfterMs: 1000 } });
    expect(not.headers["retry-after"]).toBe("1");
    problemShape.strict().parse(not.json);
    expect((await door.ask("GET", "/api/status")).json).toMatchObject({
      ready: false,
      reason: "The disk is full",
      url: "http://127.0.0.1:8000",
    });
    Object.assign(door.ready, { ok: true });
    const metrics = await door.ask("GET", "/metrics", { unknown: true });
    expect(metrics.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(metrics.text).toContain("# HELP");
  });

  test("the description covers every door, and refers to nothing that is not there", async () => {
    const document = (await door.ask("GET", "/openapi.json", { unknown: true })).json as ReturnType<typeof openApiOf> & {
      paths: Record<string, Record<string, { operationId: string }>>;
      components: { schemas: Record<string, unknown>; responses: Record<string, unknown> };
    };
    expect(document["openapi"]).toBe("3.1.0");
    expect(Object.keys(document.paths)).toContain("/api/conversations/{id}/turns/{turn}/cancel");
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] as string);
    expect(references.length).toBeGreaterThan(20);
    for (const reference of new Set(references)) {
      const [, part, kind, name] = reference.split("/");
      expect(part).toBe("components");
      expect(document.components[kind as "schemas"]).toHaveProperty(name as string);
    }
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((one) => one.operationId));
    expect(new Set(ids).size).toBe(ids.length);
    expect(text).not.toContain("$defs");
    expect(document).toMatchObject({
      paths: {
        "/api/conversations/{id}/messages": {
          get: {
            parameters: [
              { name: "id", in: "path", required: true },
              { name: "after", in: "query", required: false, schema: { type: "integer", minimum: 0 } },
              { name: "before", in: "query" },
              { name: "limit", required: false, schema: { type: "integer", default: 100, maximum: 500 } },
            ],
          },
        },
      },
    });
  });
});
