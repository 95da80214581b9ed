/** Bots that stand in for others (R-D5), and what a bot takes (K5), shown with the real program and real processes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { echoBots } from "./support/echo-bots.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { startedServer } from "./support/started-server.ts";
import type { Json, StartedServer } from "./support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

const { bot, until, ready, add, conversation, ask, kill } = echoBots(() => server);

describe("fallback", () => {
  beforeAll(async () => {
    await add("spare", { options: { prefix: "spare: ", commands: false } });
  });

  test("[R-D5] when a bot has failed, another one answers, and the answer says so; people are told why", async () => {
    const options = { prefix: "main: " };
    await server.call("POST", "/api/bots", { name: "main", kind: "echo", options, restart: { maxRestarts: 0 }, fallback: ["spare"] });
    await ready("main");
    const id = await conversation("main");
    expect(await ask(id, "one")).toMatchObject({ author: "main", text: "main: one" });
    expect(await ask(id, "one")).not.toHaveProperty("insteadOf");
    await kill("main", "1");
    await until(async () => (await bot("main")).state === "failed" && true);
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.send(id, "two");
    const answer = await socket.when(() => socket.messages().find(({ text }) => text.endsWith(": two")));
    expect(answer).toMatchObject({ author: "spare", insteadOf: "main", text: "spare: two", outcome: "completed" });
    const told = socket.of("turn").find(({ by }) => by === "spare");
    expect(told?.reason).toMatch(/"main" did not answer \(.*\); "spare" answers instead/);
    const { messages } = (await server.call("GET", `/api/conversations/${id}/messages`)).body;
    expect(messages.at(-1)).toMatchObject({ author: "spare", insteadOf: "main" });
    await socket.close();
    await server.call("POST", "/api/bots/main/start");
    await ready("main");
    expect(await ask(id, "three")).toMatchObject({ author: "main" });
    // Stopped by hand is not failed: then messages wait, as they do without a fallback.
    await server.call("POST", "/api/bots/main/stop");
    const waits = ask(id, "four");
    await until(async () => (await bot("main")).queued === 1 && true);
    await server.call("POST", "/api/bots/main/start");
    expect(await waits).toMatchObject({ author: "main", text: "main: four" });
  });

  test("[R-D5] a bot that was stopped by hand does not stand in: messages wait until one of the two can", async () => {
    await add("second", { options: { prefix: "second: " } });
    const options = { crashAtStart: true };
    await server.call("POST", "/api/bots", { name: "first", kind: "echo", options, restart: { maxRestarts: 0 }, fallback: ["second"] });
    await until(async () => (await bot("first")).state === "failed" && true);
    await server.call("POST", "/api/bots/second/stop");
    const id = await conversation("first");
    const waits = ask(id, "hi");
    await until(async () => (await bot("first")).queued === 1);
    expect((await bot("second")).queued).toBe(0);
    await server.call("POST", "/api/bots/second/start");
    expect(await waits).toMatchObject({ author: "second", insteadOf: "first", text: "second: hi" });
  });

  test("[R-D5 T4] a bot whose attempts all break off in mid-answer is replaced by another one; no text is shown twice", async () => {
    await add("breaks", { fallback: ["spare"], limits: { attempts: 3 } });
    const id = await conversation("breaks");
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    const text = "/crash-after 4";
    socket.send(id, text);
    const answer = await socket.when(() => socket.messages().find(({ role }) => role === "bot"));
    expect(answer).toMatchObject({ author: "spare", insteadOf: "breaks", text: `spare: ${text}`, outcome: "completed" });
    const broken = new Set(socket.of("delta").map(({ stream }) => stream));
    expect(broken.size).toBe(3);
    expect(socket.of("stream-ended").map(({ stream, outcome }) => [broken.has(stream), outcome])).toEqual(
      [1, 2, 3].map(() => [true, "interrupted"]),
    );
    expect(socket.messages().map(({ role }) => role)).toEqual(["person", "bot"]);
    await socket.close();
  });

  test("[R-D5 B5] bots that stand in for each other cannot pass a turn round for ever: it fails visibly when each has had its attempts", async () => {
    await add("left", { limits: { attempts: 1 } });
    await add("right", { limits: { attempts: 1 }, fallback: ["left"] });
    expect((await server.call("PATCH", "/api/bots/left", { fallback: ["right"] })).status).toBe(200);
    await ready("left");
    const end = await ask(await conversation("left"), "/fail no luck");
    expect(end).toMatchObject({ role: "system", outcome: "failed" });
    expect(end.text).toContain("no luck");
    for (const [fallback, words] of [
      [["left"], "itself"],
      [["nobody"], 'no bot "nobody"'],
    ] as const) {
      const { status, body } = await server.call("PATCH", "/api/bots/left", { fallback });
      expect([status, body.field]).toEqual([400, "fallback.0"]);
      expect(body.detail).toContain(words);
    }
  });

  test("[R-D5 B1] what another bot was working on when Skep stopped goes on after the start, and is answered once", async () => {
    await add("slow", {});
    await server.call("POST", "/api/bots", {
      name: "gone",
      kind: "echo",
      options: { crashAtStart: true },
      restart: { maxRestarts: 0 },
      fallback: ["slow"],
    });
    await until(async () => (await bot("gone")).state === "failed" && true);
    const id = await conversation("gone");
    const sent = (await server.call("POST", `/api/conversations/${id}/messages`, { text: "/hang 1" })).body;
    await until(async () => (await bot("slow")).running === 1);
    server = await server.again();
    const { messages } = await until(async () => {
      const page = (await server.call("GET", `/api/conversations/${id}/messages`)).body;
      return page.messages.length > 1 && page;
    });
    const answer = { role: "bot", author: "slow", insteadOf: "gone", outcome: "completed", turn: sent.turn };
    expect(messages).toMatchObject([{ turn: sent.turn }, answer]);
  });
});

describe("limits", () => {
  test("[K5] a bot takes so many messages a minute: one more is refused with the time to try again, and is not stored", async () => {
    await add("limited", { limits: { perMinute: 3 } });
    const id = await conversation("limited");
    const path = `/api/conversations/${id}/messages`;
    const send = (key: string) => server.call("POST", path, { text: "hi", key });
    expect([(await send("a")).status, (await send("b")).status, (await send("b")).body.duplicate, (await send("c")).status]).toEqual([
      201,
      201,
      true,
      201,
    ]);
    const refused = await send("d");
    expect(refused).toMatchObject({ status: 429, body: { code: "busy", detail: '"limited" takes 3 messages a minute' } });
    expect(refused.body.retryAfterMs).toBeGreaterThan(10_000);
    expect(refused.headers.get("retry-after")).toBe(String(Math.ceil(refused.body.retryAfterMs / 1000)));
    // What was accepted is not refused when it is sent again: its sender could not know that it is there (K2).
    expect((await send("a")).body).toMatchObject({ duplicate: true, seq: 1 });
    expect((await server.call("POST", path, { text: "other", key: "a" })).body.code).toBe("key_conflict");
    const socket = await RecordingSocket.open(server);
    socket.say({ type: "send", conversation: id, key: "e", text: "hi" });
    expect(await socket.until((m) => m.type === "refused")).toMatchObject({ key: "e", error: { code: "busy", status: 429 } });
    await socket.close();
    expect((await server.call("GET", path)).body.messages.filter(({ role }: Json) => role === "person")).toHaveLength(3);
    await server.call("PATCH", "/api/bots/limited", { limits: { perMinute: 0 } });
    expect((await send("d")).status).toBe(201);
  });

  test("[K5] so many messages of one person may be pending, in all of their conversations with the bot", async () => {
    await add("shy", { limits: { personConcurrency: 2 } });
    const ids = await Promise.all([1, 2, 3].map(() => conversation("shy")));
    const send = (i: number, text: string) => server.call("POST", `/api/conversations/${ids[i]}/messages`, { text });
    const first = await send(0, "/stall");
    expect([first.status, (await send(1, "/stall")).status]).toEqual([201, 201]);
    expect(await send(2, "hi")).toMatchObject({ status: 429, body: { code: "busy", retryAfterMs: 1000 } });
    await server.call("POST", `/api/conversations/${ids[0]}/turns/${first.body.turn}/cancel`);
    expect((await send(2, "hi")).status).toBe(201);
    await server.call("DELETE", "/api/bots/shy");
  });
});
