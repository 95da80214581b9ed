import { once } from "node:events";
import { closeCodes, limits } from "@skep/protocol";
import type { ServerMessage } from "@skep/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { RecordingSocket } from "./support/recording-socket.ts";
import { rawRequest } from "./support/raw-request.ts";
import { type StartedServer, startedServer } from "./support/started-server.ts";

let server: StartedServer;
afterEach(() => server.end());

interface Upgrade {
  socket: WebSocket;
  /** 101, or the status of the refusal. */
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: { code?: string; retryAfterMs?: number };
}

/** Tries to open a WebSocket, as a program would. */
function upgrade(path = "/ws", options: { headers?: Record<string, string>; localAddress?: string } = {}): Promise<Upgrade> {
  const socket = new WebSocket(server.url.replace("http", "ws") + path, options);
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve({ socket, status: 101, headers: {}, body: {} }));
    socket.once("unexpected-response", (_, response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () =>
        resolve({ socket, status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) as Upgrade["body"] }),
      );
    });
    socket.once("error", reject);
  });
}

const closed = async (socket: WebSocket): Promise<number> => ((await once(socket, "close")) as [number])[0];

/** Sends messages and collects what is said until `count` answers are there that are no ticks. */
async function exchange(socket: WebSocket, messages: readonly unknown[], count: number): Promise<ServerMessage[]> {
  const heard: ServerMessage[] = [];
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ServerMessage | ServerMessage[];
      heard.push(...(Array.isArray(frame) ? frame : [frame]));
      if (heard.length >= count) resolve();
    });
  });
  for (const message of messages) socket.send(typeof message === "string" ? message : JSON.stringify(message));
  await all;
  return heard;
}

describe("sockets of those who have not said who they are", () => {
  test("ten of one address, at both doors together: one more is told when to come again; who signs in or leaves makes room", async () => {
    server = await startedServer();
    const sockets = await Promise.all(Array.from({ length: 10 }, (_, i) => upgrade(i % 2 === 0 ? "/ws" : "/bots")));
    expect(sockets.every(({ status }) => status === 101)).toBe(true);
    for (const path of ["/ws", "/bots"]) {
      const refused = await upgrade(path);
      expect(refused).toMatchObject({ status: 429, body: { code: "busy", retryAfterMs: 5000 } });
      expect(refused.headers).toMatchObject({ "retry-after": "5", "x-content-type-options": "nosniff" });
    }
    expect((await upgrade("/ws", { localAddress: "127.0.0.2" })).status).toBe(101);
    expect((await upgrade("/ws", { headers: { authorization: `Bearer ${server.token}` } })).status).toBe(101);

    const [hello] = await exchange(sockets[0]?.socket as WebSocket, [{ type: "authenticate", token: server.token }], 1);
    expect(hello?.type).toBe("hello");
    expect((await upgrade()).status).toBe(101);
    expect((await upgrade()).status).toBe(429);
    sockets[1]?.socket.terminate();
    await expect.poll(async () => (await upgrade()).status).toBe(101);
  });

  test("who says nothing for 5 s is told to sign in, and gone", async () => {
    server = await startedServer();
    const openedAt = performance.now();
    const { socket } = await upgrade();
    expect(await closed(socket)).toBe(closeCodes.not_signed_in);
    expect(performance.now() - openedAt).toBeGreaterThan(4900);
  });

  test("who says much before a token is not listened to, be it in one frame or in many", async () => {
    server = await startedServer();
    for (const pieces of [["x".repeat(20_000)], Array.from({ length: 20 }, () => `"${"x".repeat(1000)}"`)]) {
      const { socket } = await upgrade();
      const end = closed(socket);
      socket.on("error", () => {});
      for (const piece of pieces) socket.send(piece);
      expect(await end).toBe(closeCodes.not_signed_in);
    }
  });

  test("a handshake that fails leaves nothing behind", async () => {
    server = await startedServer();
    const { host } = new URL(server.url);
    for (let i = 0; i < 30; i++) {
      const answer = await rawRequest(
        server.url,
        `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    }
  });
});

describe("messages of one connection", () => {
  const headers = (): { headers: Record<string, string> } => ({ headers: { authorization: `Bearer ${server.token}` } });

  test("more than a minute's worth is refused with the time to wait, keeps its key, and is stored when it is sent again", async () => {
    server = await startedServer({ messagesPerMinute: 600 });
    const conversation = (await server.call("POST", "/api/conversations", { bot: "echo" })).body.id as string;
    const reader = await RecordingSocket.open(server);
    const send = (i: number) => ({ type: "send" as const, conversation, key: `k${i}`, text: `${i}` });
    reader.say(...Array.from({ length: 620 }, (_, i) => send(i)));
    await reader.when(() => reader.of("accepted").length + reader.of("refused").length === 620);
    // Who has sent a lot may still read.
    await reader.follow(conversation);
    const refused = reader.of("refused");
    const accepted = reader.of("accepted");
    // A few are refilled while the frame is read on a slow machine.
    expect(accepted.length).toBeGreaterThanOrEqual(600);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ conversation, error: { code: "busy", status: 429 } });
    const wait = refused[0]?.error.retryAfterMs ?? 0;
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(100);
    expect(reader.of("error")).toEqual([]);
    const again = refused[0]?.key ?? "";
    await expect
      .poll(() => {
        reader.say({ ...send(0), key: again, text: again.slice(1) });
        return reader.of("accepted").some(({ key }) => key === again);
      })
      .toBe(true);
    // Another connection has its own.
    const other = await RecordingSocket.open(server);
    other.say(send(1000));
    await other.until((message) => message.type === "accepted");
  });

  test("what is no send counts too, also when it is no message at all", async () => {
    server = await startedServer({ messagesPerMinute: 60 });
    const { socket } = await upgrade("/ws", headers());
    const heard = await exchange(socket, [JSON.stringify(Array.from({ length: 100 }, () => 5))], 100);
    const codes = heard.flatMap((message) => (message.type === "error" ? [message.error.code] : []));
    expect(codes.filter((code) => code === "field_invalid").length).toBeLessThan(70);
    expect(codes.at(-1)).toBe("busy");
  });

  test("a frame with more messages than anybody can mean ends the connection before they are looked at", async () => {
    server = await startedServer();
    const { socket } = await upgrade("/ws", headers());
    socket.send(JSON.stringify(Array.from({ length: limits.frameMessages + 1 }, () => 5)));
    expect(await closed(socket)).toBe(closeCodes.protocol);
  });
});

describe("requests of those who have not signed in", () => {
  test("a hundred a minute of one address; the page's own files and those with a token are answered as before", async () => {
    server = await startedServer();
    const ask = (path: string) => fetch(server.url + path);
    let answered = 0;
    let refused: Response | undefined;
    while (answered < 150 && !refused) {
      const response = await ask(answered % 2 === 0 ? "/api/bots" : "/nothing");
      if (response.status === 429) refused = response;
      else answered++;
    }
    // The server of the test itself has asked once or twice; a few are refilled meanwhile.
    expect(answered).toBeGreaterThanOrEqual(95);
    expect(answered).toBeLessThan(150);
    expect(await refused?.json()).toMatchObject({ code: "busy", retryAfterMs: expect.any(Number) as number });
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    for (let i = 0; i < 20; i++) expect((await server.call("GET", "/api/bots")).status).toBe(200);
    expect((await ask("/")).status).not.toBe(429);
  });

  test("five sign-ins that fail in a minute; those that succeed do not count", async () => {
    server = await startedServer();
    const signIn = (token: string) =>
      fetch(`${server.url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: server.url },
        body: JSON.stringify({ token }),
      });
    for (let i = 0; i < 8; i++) {
      const link = (await server.call("POST", "/api/session/links")).body.url as string;
      expect((await signIn(link.split("#signin=")[1] ?? "")).status).toBe(201);
    }
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await signIn("wrong")).status));
    expect(statuses.toSorted((a, b) => a - b)).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const refused = await signIn("wrong");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(5);
  });
});

describe("heads of requests", () => {
  const request = (...lines: string[]): Promise<string> => rawRequest(server.url, `${lines.join("\r\n")}\r\n\r\n`);

  test("too many fields, too much of them, two hosts, a whole address as the target: each is refused with its reason", async () => {
    server = await startedServer();
    const host = `Host: ${new URL(server.url).host}`;
    const many = Array.from({ length: 120 }, (_, i) => `X-${i}: 1`);
    expect(await request("GET /healthz HTTP/1.1", host, "Connection: close", ...many)).toMatch(/^HTTP\/1\.1 431 [^]*head_too_large/);
    // More than Node keeps by itself: what would hide behind them is not lost in silence.
    const hidden = Array.from({ length: 2100 }, () => "a:b");
    const refused = await request("POST /api/session HTTP/1.1", host, "Connection: close", ...hidden, "Origin: http://evil.example");
    expect(refused).toMatch(/^HTTP\/1\.1 431 /);
    const large = await request("GET /healthz HTTP/1.1", host, `X: ${"x".repeat(17_000)}`);
    expect(large).toMatch(/^HTTP\/1\.1 431 [^]*nosniff/i);
    expect(await request("GET /healthz HTTP/1.1", host, "Host: evil.example", "Connection: close")).toMatch(
      /^HTTP\/1\.1 400 [^]*More than one Host/,
    );
    expect(await request(`GET http://evil.example/healthz HTTP/1.1`, host, "Connection: close")).toMatch(
      /^HTTP\/1\.1 400 [^]*head_malformed/,
    );
    expect(await request("GET /healthz HTTP/1.1", host, "Connection: close")).toMatch(/^HTTP\/1\.1 200 /);
    const upgradeLines = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    expect(await request("GET /ws HTTP/1.1", host, "Host: evil.example", ...upgradeLines)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("a head that does not end is cut off; nobody else waits meanwhile", async () => {
    server = await startedServer();
    const slow = rawRequest(server.url, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    const silent = rawRequest(server.url);
    expect((await server.call("GET", "/api/bots")).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
    expect(await silent).toMatch(/^HTTP\/1\.1 408 |^$/);
  });
});
