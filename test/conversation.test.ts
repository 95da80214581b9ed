import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

describe("order and identity", () => {
  test("[R-A1 O1 O2] 1,000 messages of one person within a second keep their order, in the log and for three readers", async () => {
    const id = await conversation();
    const readers = await Promise.all([1, 2, 3].map(() => RecordingSocket.open(server)));
    await Promise.all(readers.map((reader) => reader.follow(id)));
    const sender = readers[0] as RecordingSocket;
    const texts = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
    for (const text of texts) sender.send(id, text);
    await Promise.all(readers.map((reader) => reader.when(() => answers(reader).length === 1000, 30_000)));
    const stored = await log(id);
    expect(stored.map((m) => m.seq)).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
    expect(stored.filter((m) => m.role === "person").map((m) => m.text)).toEqual(texts);
    expect(stored.filter((m) => m.role === "bot").map((m) => m.text)).toEqual(texts);
    for (const reader of readers) expect(reader.messages().map((m) => [m.seq, m.text])).toEqual(stored.map((m) => [m.seq, m.text]));
    await Promise.all(readers.map((reader) => reader.close()));
  });

  test("[R-A7] 100 simultaneous requests of one person are all stored once, with gapless numbers", async () => {
    const id = await conversation();
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        server.call("POST", `/api/conversations/${id}/messages?wait=20`, { text: `r${i}`, key: `k${i}` }),
      ),
    );
    expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 100 }, () => 201));
    expect(replies.map((reply, i) => reply.body.answer.text === `r${i}`)).not.toContain(false);
    expect((await log(id)).map((m) => m.seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test("[O3] a gap in a sender's numbers is refused with the number that is expected, and nothing of it is stored", async () => {
    const id = await conversation();
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.say(
      { type: "send", conversation: id, key: "a", n: 1, text: "one" },
      { type: "send", conversation: id, key: "c", n: 3, text: "three" },
    );
    const refused = await socket.until((m) => m.type === "refused" && m.key === "c");
    expect(refused).toMatchObject({ error: { code: "send_gap", status: 409, expected: 2 } });
    await socket.when(() => answers(socket).length === 1);
    expect((await log(id)).map((m) => m.text)).toEqual(["one", "one"]);
    await socket.close();
  });

  test("[R-B10 K3] the same key gives the first answer again, marked duplicate, from either door; with other text it is refused", async () => {
    const id = await conversation();
    const socket = await RecordingSocket.open(server);
    socket.say({ type: "send", conversation: id, key: "same", text: "hello" });
    const first = await socket.until((m) => m.type === "accepted");
    expect(first).toMatchObject({ seq: 1, duplicate: false });
    const again = await server.call("POST", `/api/conversations/${id}/messages`, { text: "hello" }, { "idempotency-key": "same" });
    expect(again.body).toMatchObject({ seq: 1, duplicate: true, turn: first.type === "accepted" ? first.turn : "" });
    socket.say({ type: "send", conversation: id, key: "same", text: "other" });
    expect(await socket.until((m) => m.type === "refused")).toMatchObject({ error: { code: "key_conflict", status: 422 } });
    await socket.close();
  });
});

describe("subscribe and resume", () => {
  test("[S1 S3] a reader that comes back with its position gets everything after it, then live", async () => {
    const id = await conversation();
    const writer = await RecordingSocket.open(server);
    await writer.follow(id);
    for (let i = 0; i < 150; i++) writer.send(id, `m${i}`);
    await writer.when(() => answers(writer).length === 150);
    const epoch = writer.of("resumed")[0]?.epoch ?? "";
    const reader = await RecordingSocket.open(server);
    await reader.follow(id, { epoch, seq: 37 });
    expect(reader.of("resumed")[0]).toMatchObject({ from: 37, head: 300 });
    expect(reader.messages().map((m) => m.seq)).toEqual(Array.from({ length: 263 }, (_, i) => i + 38));
    await Promise.all([writer.close(), reader.close()]);
  });

  test("[S1] another epoch, a position ahead of the log and a foreign conversation are told, never guessed at", async () => {
    const id = await conversation();
    const socket = await RecordingSocket.open(server);
    socket.say({ type: "subscribe", conversation: id, after: { epoch: "elsewhere", seq: 3 } });
    expect(await socket.until((m) => m.type === "reset")).toMatchObject({ reason: "epoch", head: 0 });
    const { epoch } = (await server.call("GET", `/api/conversations/${id}`)).body;
    const other = await RecordingSocket.open(server);
    other.say({ type: "subscribe", conversation: id, after: { epoch, seq: 99 } }, { type: "subscribe", conversation: "c0" });
    expect(await other.until((m) => m.type === "reset")).toMatchObject({ reason: "ahead" });
    expect(await other.until((m) => m.type === "error")).toMatchObject({
      about: "subscribe",
      conversation: "c0",
      error: { code: "not_found" },
    });
    await Promise.all([socket.close(), other.close()]);
  });

  test("[S1] a conversation that is deleted ends its subscriptions with a reset", async () => {
    const id = await conversation();
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    expect((await server.call("DELETE", `/api/conversations/${id}`)).status).toBe(204);
    expect(await socket.until((m) => m.type === "reset")).toMatchObject({ reason: "erased" });
    expect((await server.call("GET", `/api/conversations/${id}`)).status).toBe(404);
    await socket.close();
  });

  test("[R-A6] of 1,000 connections a tenth is cut at random under load; each comes back and misses and doubles nothing", async () => {
    const id = await conversation();
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => RecordingSocket.open(server)));
    await Promise.all(sockets.map((socket) => socket.follow(id)));
    const epoch = sockets[0]?.of("resumed")[0]?.epoch ?? "";
    const writer = await RecordingSocket.open(server);
    const total = 60;
    for (let i = 0; i < total / 2; i++) writer.send(id, `m${i}`);
    const cut = sockets.filter((_, i) => i % 10 === 3);
    for (const socket of cut) socket.cut();
    for (let i = total / 2; i < total; i++) writer.send(id, `m${i}`);
    const back = await Promise.all(
      cut.map(async (before) => {
        const socket = await RecordingSocket.open(server);
        await socket.follow(id, { epoch, seq: before.messages().at(-1)?.seq ?? 0 });
        return { before, socket };
      }),
    );
    const whole = sockets.filter((socket) => !cut.includes(socket));
    const full = Array.from({ length: total * 2 }, (_, i) => i + 1);
    await Promise.all(whole.map((socket) => socket.when(() => socket.messages().length >= total * 2, 60_000)));
    await Promise.all(
      back.map(({ before, socket }) => socket.when(() => before.messages().length + socket.messages().length >= total * 2, 60_000)),
    );
    for (const socket of whole) expect(socket.messages().map((m) => m.seq)).toEqual(full);
    for (const { before, socket } of back) expect([...before.messages(), ...socket.messages()].map((m) => m.seq)).toEqual(full);
    await Promise.all([writer, ...whole, ...back.map(({ socket }) => socket)].map((socket) => socket.close()));
  }, 120_000);
});
