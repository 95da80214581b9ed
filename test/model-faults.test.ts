import { afterAll, beforeAll, expect, test } from "vitest";
import { startModelServer } from "./model/model-server.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { startedServer } from "./support/started-server.ts";
import type { StartedServer } from "./support/started-server.ts";

let server: StartedServer;
let model: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  server = await startedServer();
  model = await startModelServer({ tokenMs: 5 });
});
afterAll(async () => {
  await server.end();
  await model.close();
});

const ask = async (name: string, options: Record<string, unknown>, limits: Record<string, unknown> = {}) => {
  const made = await server.call("POST", "/api/bots", { name, kind: "ollama", options: { url: model.url, ...options }, limits });
  expect(made.status).toBe(201);
  const id: string = (await server.call("POST", "/api/conversations", { bot: name })).body.id;
  const socket = await RecordingSocket.open(server);
  await socket.follow(id);
  socket.send(id, "Are you there?");
  const end = await socket.when(() => socket.messages().find((message) => message.outcome !== undefined), 30_000);
  await socket.close();
  return { id, socket, end };
};

test("a model's answer is streamed, stored as it was streamed, and the next turn sees the conversation", async () => {
  const { id, socket, end } = await ask("good", { model: "stand-in" });
  expect(end).toMatchObject({ role: "bot", outcome: "completed" });
  expect(socket.of("delta").length).toBeGreaterThan(1);
  expect(
    socket
      .of("delta")
      .map((delta) => delta.text)
      .join(""),
  ).toBe(end.text);
  const second = await server.call("POST", `/api/conversations/${id}/messages?wait=20`, { text: "And now?" });
  expect(second.body.answer.text).toContain("2 earlier messages");
});

test("[R-C7] a model that loads is announced as loading, then answers; a bot beside it is not disturbed", async () => {
  const loading = ask("loads", { model: "loading", silenceMs: 300 });
  const beside: string = (await server.call("POST", "/api/conversations", { bot: "echo" })).body.id;
  const calm = await server.call("POST", `/api/conversations/${beside}/messages?wait=5`, { text: "still here" });
  expect(calm.body.answer.text).toBe("still here");
  const { socket, end } = await loading;
  expect(socket.of("turn").find((turn) => turn.state === "loading")?.reason).toContain("may be loading");
  expect(end).toMatchObject({ role: "bot", outcome: "completed" });
});

test("[R-C7] a model server that is gone is tried again, then the turn fails with a clear text", async () => {
  const { socket, end } = await ask("gone", { url: "http://127.0.0.1:9", model: "any" }, { attempts: 2 });
  expect(socket.of("turn").some((turn) => turn.state === "retrying")).toBe(true);
  expect(end).toMatchObject({ role: "system", outcome: "failed" });
  expect(end.text).toMatch(/127\.0\.0\.1:9.*tried 2 times/);
});

test("[T4 B1] an answer that is cut off in the middle is replaced by the next attempt's", async () => {
  const { socket, end } = await ask("cut", { model: "cut" }, { attempts: 2 });
  expect(end).toMatchObject({ role: "system", outcome: "failed" });
  const streams = new Set(socket.of("delta").map((delta) => delta.stream));
  expect(streams.size).toBe(2);
  expect(socket.of("stream-ended").map((ended) => ended.outcome)).toEqual(["interrupted", "failed"]);
});
