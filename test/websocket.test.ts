import { afterAll, beforeAll, expect, test } from "vitest";
import type { Message } from "../packages/protocol/src/wire.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { startedServer } from "./support/started-server.ts";
import type { StartedServer } from "./support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

const conversation = (bot = "echo"): Promise<string> => server.conversation(bot);
const log = (id: string): Promise<Message[]> => server.log(id);
const answers = (socket: RecordingSocket) => socket.messages().filter((m) => m.role === "bot");

test("[K5] more than a bot's queue is refused before it is accepted, with a time to try again", async () => {
  await server.call("POST", "/api/bots", { name: "narrow", kind: "echo", limits: { queue: 2, concurrency: 1 } });
  const id = await conversation("narrow");
  const send = (text: string) => server.call("POST", `/api/conversations/${id}/messages`, { text });
  await send("/stall");
  await send("waits");
  const third = await send("too much");
  expect(third).toMatchObject({ status: 429, body: { code: "busy", retryAfterMs: 1000 } });
  expect(third.headers.get("retry-after")).toBe("1");
  expect((await log(id)).length).toBe(2);
  await server.call("DELETE", "/api/bots/narrow");
});

test("[R-B1 R-B2 R-B4 R-B5 R-B6] bad input gets a clear refusal that names the field, and the connection goes on", async () => {
  const id = await conversation();
  const socket = await RecordingSocket.open(server);
  const refusal = async (key: string, text: string) => {
    socket.say({ type: "send", conversation: id, key, text });
    const refused = await socket.until((m) => m.type === "refused" && m.key === key);
    return refused.type === "refused" ? refused.error : null;
  };
  expect(await refusal("e1", "")).toMatchObject({ code: "message_empty", status: 400, detail: "Message cannot be empty", field: "text" });
  expect(await refusal("e2", " \n\t ")).toMatchObject({ code: "message_empty" });
  expect(await refusal("e3", "é".repeat(5121))).toMatchObject({
    code: "message_too_large",
    status: 413,
    detail: "Message has 10242 bytes, the limit is 10240",
  });
  socket.socket.send(`{"type":"send","conversation":"${id}","key":"e4","text":"\\ud800"}`);
  expect(await socket.until((m) => m.type === "refused" && m.key === "e4")).toMatchObject({
    error: { code: "field_invalid", field: "text" },
  });
  socket.socket.send(`{"type":"send","conversation":"${id}","key":"e5","text":null}`);
  expect(await socket.until((m) => m.type === "refused" && m.key === "e5")).toMatchObject({
    error: { code: "field_invalid", field: "text" },
  });
  socket.socket.send(`{"type":"send","conversation":"${id}","key":"e6","text":"x","extra":1}`);
  expect(await socket.until((m) => m.type === "refused" && m.key === "e6")).toMatchObject({ error: { field: "extra" } });
  for (const bad of ["{", "[", '"x"', "17", "null", "{}", '{"type":"nothing"}', '[[{"type":"send"}]]']) socket.socket.send(bad);
  await socket.when(() => socket.of("error").length >= 7);
  expect(JSON.stringify(socket.of("error"))).not.toMatch(/\bat \w+ \(|node:|\.ts:/);
  socket.say({ type: "send", conversation: id, key: "e7", text: "é".repeat(5120) });
  expect(await socket.until((m) => (m.type === "accepted" || m.type === "refused") && m.key === "e7")).toMatchObject({
    type: "accepted",
  });
  await socket.close();
}, 40_000);

test("[R-B4 R-B7] any Unicode and any SQL comes back byte for byte", async () => {
  const id = await conversation();
  for (const text of [
    "蜂の巣 שלום 🐝👩‍👩‍👧 e\u0301 \u202Eabc",
    "'; DROP TABLE messages; --",
    "a\u0000b",
    "\u2028\uFEFF<script>alert(1)</script>",
  ]) {
    const reply = await server.call("POST", `/api/conversations/${id}/messages?wait=10`, { text });
    expect(reply.body.answer.text).toBe(text);
  }
});

test("[C3] who does not sign in, or with a token that is not valid, is closed with a code that says not to come again", async () => {
  const wrong = await RecordingSocket.open(server, { authorized: false });
  wrong.say({ type: "authenticate", token: "skep_wrong" });
  expect((await wrong.closed).code).toBe(4501);
  const early = await RecordingSocket.open(server, { authorized: false });
  early.say({ type: "watch", topic: "fleet" });
  expect((await early.closed).code).toBe(4501);
  const right = await RecordingSocket.open(server, { authorized: false });
  right.say({ type: "authenticate", token: server.token });
  expect(await right.until((m) => m.type === "hello")).toMatchObject({ person: "owner", version: 1 });
  await right.close();
});

test("a foreign host or origin never gets a WebSocket", async () => {
  for (const headers of [{ host: "evil.example" }, { origin: "https://evil.example" }, { origin: "null" }]) {
    await expect(RecordingSocket.open(server, { headers })).rejects.toThrow(/421|403/);
  }
});

test("[S5] a token that is revoked ends its sockets", async () => {
  const made = (await server.call("POST", "/api/tokens", { name: "short-lived", role: "owner" })).body;
  const socket = await RecordingSocket.open({ url: server.url, token: made.token });
  await socket.until((m) => m.type === "hello");
  await server.call("DELETE", `/api/tokens/${made.id}`);
  expect((await socket.closed).code).toBe(4501);
});

test("[C4] a reader that does not read costs bounded memory, and gets everything once it reads again", async () => {
  const id = await conversation();
  const slow = await RecordingSocket.open(server);
  await slow.follow(id);
  slow.socket.pause();
  const writer = await RecordingSocket.open(server);
  await writer.follow(id);
  const text = "x".repeat(10_000);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 1000; i++) {
    writer.send(id, `${i} ${text}`);
    if (i % 100 === 99) await writer.when(() => answers(writer).length > i - 100, 30_000);
  }
  await writer.when(() => answers(writer).length === 1000, 30_000);
  console.log(
    `C4: 20 MB to a reader that does not read: memory +${((process.memoryUsage().rss - before) / 1e6).toFixed(0)} MB, writer and reader included`,
  );
  slow.socket.resume();
  await slow.when(() => slow.messages().length === 2000, 30_000);
  expect(slow.messages().map((m) => m.seq)).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
  await Promise.all([slow.close(), writer.close()]);
}, 90_000);
