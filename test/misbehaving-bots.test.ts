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

test("[R-C4 B6] a bot that hangs is seen within its heartbeat and replaced; its turn fails visibly only after all attempts", async () => {
  await server.call("POST", "/api/bots", { name: "hangs", kind: "echo", limits: { attempts: 1 }, restart: { maxRestarts: 1000 } });
  const id = await conversation("hangs");
  const started = performance.now();
  const reply = await server.call("POST", `/api/conversations/${id}/messages?wait=30`, { text: "/hang" });
  const took = performance.now() - started;
  expect(reply.body.answer).toMatchObject({ role: "system", outcome: "failed" });
  expect(reply.body.answer.text).toMatch(/did not answer for [\d.]+ s: it hangs/);
  console.log(`R-C4: a hung bot was replaced after ${took.toFixed(0)} ms`);
  expect(took).toBeLessThan(4000);
  const ok = await server.call("POST", `/api/conversations/${id}/messages?wait=30`, { text: "back?" });
  expect(ok.body.answer.text).toBe("back?");
});

test("[B2 B3] what waits behind a turn that crashes the bot is answered after it, in order, and so is what is before it", async () => {
  await server.call("POST", "/api/bots", { name: "ahead", kind: "echo", limits: { attempts: 2 }, restart: { maxRestarts: 1000 } });
  const id = await conversation("ahead");
  const socket = await RecordingSocket.open(server);
  await socket.follow(id);
  const texts = ["/crash 1", "b", "c", "/crash", "e"];
  for (const text of texts) socket.send(id, text);
  await socket.when(() => socket.messages().filter((m) => m.outcome !== undefined).length === texts.length);
  const ends = socket.messages().filter((m) => m.outcome !== undefined);
  expect(ends.map((m) => m.outcome)).toEqual(["completed", "completed", "completed", "failed", "completed"]);
  const turns = socket.messages().flatMap((m) => (m.role === "person" ? [m.turn] : []));
  expect(ends.map((m) => m.turn)).toEqual(turns);
  expect(ends[3]?.text).toContain("tried 2 times");
  await socket.close();
});

test("[B5] after the last attempt the turn fails with a visible message, and can be retried by hand", async () => {
  await server.call("POST", "/api/bots", { name: "fails", kind: "echo", limits: { attempts: 2 }, restart: { maxRestarts: 1000 } });
  const id = await conversation("fails");
  const reply = await server.call("POST", `/api/conversations/${id}/messages?wait=30`, { text: "/fail no luck" });
  expect(reply.body.answer).toMatchObject({ role: "system", outcome: "failed" });
  expect(reply.body.answer.text).toContain("no luck");
  const retried = await server.call("POST", `/api/conversations/${id}/turns/${reply.body.turn}/retry`);
  expect(retried.body).toMatchObject({ state: "queued" });
  const socket = await RecordingSocket.open(server);
  await socket.follow(id);
  await socket.when(() => socket.messages().filter((m) => m.outcome === "failed").length === 2);
  await socket.close();
});

test("[B6] more than maxRestarts restarts end in `failed` with the reason on view; sends are still accepted", async () => {
  await server.call("POST", "/api/bots", { name: "loops", kind: "echo", options: { crashAtStart: true }, restart: { maxRestarts: 2 } });
  const socket = await RecordingSocket.open(server);
  socket.say({ type: "watch", topic: "fleet" });
  const failed = await socket.until((m) => m.type === "bot" && m.bot.name === "loops" && m.bot.state === "failed");
  expect(failed.type === "bot" ? failed.bot.reason : "").toMatch(/exited with code 1; 2 restarts in 10 min did not help/);
  const id = await conversation("loops");
  expect((await server.call("POST", `/api/conversations/${id}/messages`, { text: "kept" })).status).toBe(201);
  await server.call("DELETE", "/api/bots/loops");
  expect((await log(id)).at(-1)).toMatchObject({ role: "system", outcome: "failed" });
  await socket.close();
});

test("[B8] a bot that babbles costs only itself", async () => {
  await server.call("POST", "/api/bots", { name: "babbles", kind: "echo", limits: { attempts: 1 }, restart: { maxRestarts: 1000 } });
  const noisy = await conversation("babbles");
  const calm = await conversation();
  const noise = server.call("POST", `/api/conversations/${noisy}/messages?wait=30`, { text: "/babble 50000000" });
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const from = performance.now();
    await server.call("POST", `/api/conversations/${calm}/messages?wait=10`, { text: `calm ${i}` });
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  console.log(
    `B8: beside 50 MB of babble the other bot answers in ${times[10]?.toFixed(1)} ms (median), ${times[19]?.toFixed(1)} ms at worst`,
  );
  expect(times[10]).toBeLessThan(500);
  expect((await noise).body.answer.outcome).toBeDefined();
});
