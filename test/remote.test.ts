/** A bot that is a program elsewhere, with the real server and real sockets. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Bot, Message } from "../packages/protocol/src/index.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { RemoteBot } from "./support/remote-bot.ts";
import { startedServer } from "./support/started-server.ts";
import type { StartedServer } from "./support/started-server.ts";

/** The machine may be busy. */
const patient = { timeout: 15_000 };

let server: StartedServer;
let made = 0;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

/** A remote bot with a token and a conversation. */
async function addBot(more: Record<string, unknown> = {}): Promise<{ name: string; token: string; id: string }> {
  const name = `far${++made}`;
  expect((await server.call("POST", "/api/bots", { name, kind: "remote", ...more })).status).toBe(201);
  const { status, body } = await server.call("POST", `/api/bots/${name}/token`);
  expect(status).toBe(201);
  const id: string = (await server.call("POST", "/api/conversations", { bot: name })).body.id;
  return { name, token: body.token, id };
}

const botNamed = async (name: string): Promise<Bot> => (await server.call("GET", `/api/bots/${name}`)).body;
const untilState = async (name: string, state: Bot["state"]): Promise<void> => {
  await expect.poll(async () => (await botNamed(name)).state, patient).toBe(state);
};
const ask = (id: string, text: string, wait = 20) => server.call("POST", `/api/conversations/${id}/messages?wait=${wait}`, { text });
const messages = async (id: string, by = server): Promise<Message[]> =>
  (await by.call("GET", `/api/conversations/${id}/messages?limit=500`)).body.messages;
const answersIn = async (id: string, by = server): Promise<string[]> =>
  (await messages(id, by)).filter(({ role }) => role !== "person").map(({ text }) => text);

describe("talking", () => {
  test("it gets hello with its settings first, answers, and streams", async () => {
    const { name, token, id } = await addBot({ options: { settings: { colour: "red" } } });
    const bot = await RemoteBot.ready(server, token, ({ turn, text }) => [
      { type: "delta", turn, text: "re: " },
      { type: "delta", turn, text },
      { type: "answer", turn },
    ]);
    expect(bot.lines[0]).toEqual({ type: "hello", protocol: 1, bot: name, options: { files: false, settings: { colour: "red" } } });
    expect((await ask(id, "hi 🐝")).body.answer).toMatchObject({ text: "re: hi 🐝", author: name, outcome: "completed" });
    expect(await botNamed(name)).toMatchObject({ state: "ready", processes: [{ pid: null, restarts: 0 }] });
    await bot.close();
  });

  test("a program that cannot set headers says its token in its first line, and may say more in the same frame", async () => {
    const { token, id } = await addBot();
    const bot = await RemoteBot.connect(server, null);
    bot.say({ type: "authenticate", token }, { type: "hello", protocol: 1 });
    const asked = ask(id, "hi");
    const { turn } = await bot.line("turn");
    bot.say({ type: "answer", turn, text: "yes" });
    expect((await asked).body.answer.text).toBe("yes");
    await bot.close();
  });

  test("[B2] turns of 20 conversations side by side, several lines in a frame both ways", async () => {
    const { name, token } = await addBot();
    const bot = await RemoteBot.ready(server, token);
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await server.call("POST", "/api/conversations", { bot: name })).body.id as string),
    );
    const answers = await Promise.all(ids.map(async (id, index) => (await ask(id, `${index}`)).body.answer.text));
    expect(answers).toEqual(ids.map((_, index) => `re: ${index}`));
    await bot.close();
  });

  test("[T3] a cancellation reaches it", async () => {
    const { token, id } = await addBot();
    const bot = await RemoteBot.ready(server, token, null);
    const sent = await server.call("POST", `/api/conversations/${id}/messages`, { text: "long work" });
    const { turn } = await bot.line("turn");
    await server.call("POST", `/api/conversations/${id}/turns/${sent.body.turn}/cancel`);
    await bot.line("cancel", (line) => line.turn === turn);
    bot.say({ type: "failure", turn, reason: "Cancelled", retry: false });
    expect((await ask(id, "next", 0)).status).toBe(201);
    await bot.line("turn", (line) => line.text === "next");
    await bot.close();
  });
});

describe("away", () => {
  test("[B1] while no program is there messages wait, and the bot says why; a program that comes answers them", async () => {
    const { name, token, id } = await addBot();
    expect(await botNamed(name)).toMatchObject({
      state: "starting",
      reason: expect.stringMatching(/^no program has connected yet.*bot token/),
    });
    const waiting = ask(id, "first");
    await expect.poll(async () => (await botNamed(name)).queued, patient).toBe(1);
    const bot = await RemoteBot.ready(server, token);
    expect((await waiting).body.answer.text).toBe("re: first");
    await bot.close();
    await untilState(name, "starting");
    expect((await botNamed(name)).reason).toMatch(/^not connected since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: its program hung up$/);
    const later = ask(id, "second");
    const back = await RemoteBot.ready(server, token);
    expect((await later).body.answer.text).toBe("re: second");
    await back.close();
  });

  test("[B6] fifty disconnects are no restarts: the bot never becomes failed, and gets in at once each time", async () => {
    const { name, token, id } = await addBot({ restart: { policy: "never", maxRestarts: 0 } });
    for (let round = 0; round < 50; round++) {
      const bot = await RemoteBot.ready(server, token);
      await (round % 2 === 0 ? bot.cut() : bot.close());
    }
    const bot = await RemoteBot.ready(server, token);
    expect((await ask(id, "still here?")).body.answer.text).toBe("re: still here?");
    expect(await botNamed(name)).toMatchObject({ state: "ready", processes: [{ restarts: 0 }] });
    await bot.close();
  });

  test("a bot that was stopped by hand lets its program go; one that comes meanwhile hears hello when the bot is started", async () => {
    const { name, token, id } = await addBot();
    const bot = await RemoteBot.ready(server, token);
    expect((await server.call("POST", `/api/bots/${name}/stop`)).body.state).toBe("stopped");
    expect(await bot.closed).toEqual({ code: 4005, reason: "the bot was stopped; connect again" });
    const early = await RemoteBot.connect(server, token);
    const waiting = ask(id, "hi");
    await expect.poll(async () => (await botNamed(name)).queued, patient).toBe(1);
    expect(early.lines).toEqual([]);
    await server.call("POST", `/api/bots/${name}/start`);
    await early.line("hello");
    early.say({ type: "hello", protocol: 1 });
    const { turn } = await early.line("turn");
    early.say({ type: "answer", turn, text: "yes" });
    expect((await waiting).body.answer.text).toBe("yes");
    await early.close();
  });

  test("a bot that is removed ends its connection and its token, also for a bot that gets its name later", async () => {
    const { name, token } = await addBot();
    const bot = await RemoteBot.ready(server, token);
    await server.call("DELETE", `/api/bots/${name}`);
    expect((await bot.closed).code).toBe(4501);
    await server.call("POST", "/api/bots", { name, kind: "remote" });
    await expect(RemoteBot.connect(server, token)).rejects.toThrow("401");
  });
});

describe("replaced", () => {
  test("[B4] a newer connection takes the place at once; what the old one still says about its turn is nothing", async () => {
    const { token, id } = await addBot();
    const old = await RemoteBot.ready(server, token, null);
    const asked = ask(id, "hi");
    const { turn, attempt } = await old.line("turn");
    expect(attempt).toBe(1);
    // Half open: it hears nothing of the end, and goes on as if nothing had happened.
    old.socket.pause();
    const restarted = await RemoteBot.ready(server, token, null);
    old.say({ type: "delta", turn, text: "from the grave" }, { type: "answer", turn });
    const again = await restarted.line("turn");
    expect(again).toMatchObject({ text: "hi", attempt: 2 });
    expect(again.turn).not.toBe(turn);
    // Nor does the newer one hold what was given to the old one.
    restarted.say({ type: "answer", turn, text: "wrong turn" }, { type: "answer", turn: again.turn, text: "right" });
    expect((await asked).body.answer.text).toBe("right");
    expect(await answersIn(id)).toEqual(["right"]);
    old.socket.resume();
    expect(await old.closed).toMatchObject({ code: 4504 });
    await restarted.close();
  });

  test("a bot with two workers has two programs; a third gets the place of the one that was silent for longest", async () => {
    const { name, token } = await addBot({ workers: 2 });
    const one = await RemoteBot.ready(server, token);
    const two = await RemoteBot.ready(server, token);
    await expect.poll(async () => (await botNamed(name)).processes.map(({ state }) => state), patient).toEqual(["ready", "ready"]);
    const newer = Date.now() + 1;
    await expect.poll(() => Date.now() > newer, patient).toBe(true);
    one.say({ type: "log", level: "info", text: "I am here" });
    await expect
      .poll(async () => (await server.call("GET", `/api/bots/${name}/logs`)).body.lines.map(({ text }: { text: string }) => text), patient)
      .toContain("I am here");
    const three = await RemoteBot.ready(server, token);
    expect((await two.closed).code).toBe(4504);
    await expect.poll(async () => (await botNamed(name)).processes.map(({ state }) => state), patient).toEqual(["ready", "ready"]);
    await Promise.all([one.close(), three.close()]);
  });
});

describe("[S5] who gets in", () => {
  test("with the bot's own token alone", async () => {
    const { token } = await addBot();
    const cookie = "skep_session=whatever";
    for (const wrong of [server.token, "skep_bot_wrong", `${token}x`, "x"]) {
      await expect(RemoteBot.connect(server, wrong)).rejects.toThrow(/^401 .*not_signed_in.*skep bot token/);
    }
    for (const wrong of [server.token, "skep_bot_wrong", `${token}x`]) {
      const bot = await RemoteBot.connect(server, null, { cookie, origin: server.url });
      bot.say({ type: "authenticate", token: wrong });
      expect(await bot.closed).toEqual({ code: 4501, reason: "this token is not valid" });
      expect(bot.lines).toEqual([]);
    }
    await expect(RemoteBot.connect(server, token, { origin: "http://evil.example" })).rejects.toThrow("403");
    await expect(RemoteBot.connect(server, token, { host: "evil.example" })).rejects.toThrow("421");
  });

  test("a person's cookie does not make it a bot", async () => {
    const link: string = (await server.call("POST", "/api/session/links")).body.url;
    const session = await fetch(`${server.url}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: server.url },
      body: JSON.stringify({ token: link.split("#signin=")[1] }),
    });
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect(cookie).toContain("skep_session=");
    const bot = await RemoteBot.connect(server, null, { cookie, origin: server.url });
    bot.say({ type: "heartbeat" });
    expect(await bot.closed).toEqual({ code: 4501, reason: "the first line must be authenticate" });
  });

  test("the bot's token opens no other door", async () => {
    const { name, token, id } = await addBot();
    const description = (await server.call("GET", "/openapi.json")).body as {
      paths: Record<string, Record<string, { security?: unknown[] }>>;
    };
    let doors = 0;
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        if (security !== undefined && security.length === 0) continue;
        doors++;
        const url = path
          .replace("{name}", name)
          .replace("{id}", id)
          .replaceAll(/\{\w+\}/g, "x");
        const { status } = await server.call(method.toUpperCase(), url, undefined, { authorization: `Bearer ${token}` });
        expect([method, path, status]).toEqual([method, path, 401]);
      }
    }
    expect(doors).toBeGreaterThan(20);
    await expect(
      RecordingSocket.open(server, { authorized: false }).then((socket) => {
        socket.say({ type: "authenticate", token });
        return socket.closed;
      }),
    ).resolves.toMatchObject({ code: 4501 });
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { headers: { authorization: `Bearer ${token}` } });
    socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", conversation: id })));
    expect(await new Promise((done) => socket.on("close", done))).toBe(4501);
  });

  test("a new token ends the old one and its connection; a withdrawn one too", async () => {
    const { name, token } = await addBot();
    const bot = await RemoteBot.ready(server, token);
    const newer: string = (await server.call("POST", `/api/bots/${name}/token`)).body.token;
    expect(newer).toMatch(/^skep_bot_[\w-]{43}$/);
    expect((await bot.closed).code).toBe(4501);
    await expect(RemoteBot.connect(server, token)).rejects.toThrow("401");
    const next = await RemoteBot.ready(server, newer);
    await untilState(name, "ready");
    expect((await server.call("DELETE", `/api/bots/${name}/token`)).status).toBe(204);
    expect((await next.closed).code).toBe(4501);
    await expect(RemoteBot.connect(server, newer)).rejects.toThrow("401");
    expect(await server.call("DELETE", `/api/bots/${name}/token`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(JSON.stringify((await server.call("GET", "/api/tokens")).body)).not.toContain(name);
  });

  test("a bot that Skep starts has no token", async () => {
    expect(await server.call("POST", "/api/bots/echo/token")).toMatchObject({ status: 409, body: { code: "state_conflict" } });
    expect((await server.call("POST", "/api/bots/nobody/token")).status).toBe(404);
  });

  test("who does not say a token is sent away after 5 s, and only so many may be there without one", async () => {
    const before = performance.now();
    const silent = await RemoteBot.connect(server, null);
    const others = await Promise.all(Array.from({ length: 9 }, () => RemoteBot.connect(server, null)));
    await expect(RemoteBot.connect(server, null)).rejects.toThrow(/^429 .*busy/);
    const { token } = await addBot();
    await (await RemoteBot.connect(server, token)).close();
    await Promise.all(others.map((bot) => bot.cut()));
    expect(await silent.closed).toMatchObject({ code: 4501, reason: expect.stringContaining("5 s") });
    expect(performance.now() - before).toBeGreaterThan(4900);
    // A frame that does not end: it is not kept until the 5 s are over.
    const chatty = await RemoteBot.connect(server, null);
    chatty.socket.send("x".repeat(100_000), { fin: false });
    expect(await chatty.closed).toEqual({ code: 4501, reason: "the first line must be authenticate" });
  });
});

describe("[B8] hostile frames", () => {
  test("lines that are none are dropped with a note in the bot's log, 10,000 of them too; it goes on", async () => {
    const { name, token, id } = await addBot();
    const bot = await RemoteBot.ready(server, token);
    bot.socket.send(["not JSON", "[]", "null", '"x"', '{"type":"delta"}', '{"type":"__proto__"}', "", "\r"].join("\n"));
    bot.socket.send(Array.from({ length: 10_000 }, (_, index) => `garbage ${index}`).join("\n"));
    expect((await ask(id, "still there?")).body.answer.text).toBe("re: still there?");
    const lines = (await server.call("GET", `/api/bots/${name}/logs?limit=1000`)).body.lines as { text: string }[];
    expect(lines.at(-1)?.text).toBe("not a line of the bot protocol: garbage 9999");
    await bot.close();
  });

  test("nothing but garbage ends the connection, and tells it not to come again", async () => {
    const { name, token } = await addBot();
    const bot = await RemoteBot.ready(server, token);
    bot.socket.send("x\n".repeat(1_000_000));
    expect(await bot.closed).toMatchObject({ code: 4502 });
    expect((await botNamed(name)).state).toBe("starting");
  });

  test("a frame that is too large or binary ends the connection", async () => {
    const { name, token } = await addBot();
    const large = await RemoteBot.ready(server, token);
    large.socket.send("x".repeat(4 * 1024 * 1024 + 1));
    expect((await large.closed).code).toBe(1009);
    await untilState(name, "starting");
    expect((await botNamed(name)).reason).toContain("sent a frame of more than 4194304 bytes");
    const binary = await RemoteBot.ready(server, token);
    binary.socket.send(Buffer.from("x"), { binary: true });
    expect((await binary.closed).code).toBe(4502);
  });

  test("a program that does not read gets no more turns; those that wait come when it reads again", async () => {
    const own = await startedServer({ messageBytes: 131_072 });
    try {
      await own.call("POST", "/api/bots", { name: "far", kind: "remote", limits: { concurrency: 10_000 } });
      const { token } = (await own.call("POST", "/api/bots/far/token")).body;
      const bot = await RemoteBot.ready(own, token, ({ turn }) => [{ type: "answer", turn, text: "read" }], { concurrency: 10_000 });
      await expect.poll(async () => (await own.call("GET", "/api/bots/far")).body.state, patient).toBe("ready");
      bot.socket.pause();
      const count = 200;
      // Side by side: one after the other, it is the machine's 600 round trips that take the time.
      const ids = await Promise.all(
        Array.from({ length: count }, async () => {
          const id = await own.conversation("far");
          expect((await own.call("POST", `/api/conversations/${id}/messages`, { text: "x".repeat(130_000) })).status).toBe(201);
          return id;
        }),
      );
      const { running, queued } = (await own.call("GET", "/api/bots/far")).body as Bot;
      expect(running + queued).toBe(count);
      expect(queued).toBeGreaterThan(0);
      bot.socket.resume();
      const now = async (): Promise<Bot> => (await own.call("GET", "/api/bots/far")).body;
      await expect.poll(now, patient).toMatchObject({ running: 0, queued: 0 });
      for (const answers of await Promise.all(ids.map((id) => answersIn(id, own)))) expect(answers).toEqual(["read"]);
      await bot.close();
    } finally {
      await own.end();
    }
  });

  test("[C1] one that says it has a heartbeat and has not is sent away after 2 to 3 s, and may come again", async () => {
    const { name, token } = await addBot();
    const bot = await RemoteBot.ready(server, token, null, { heartbeat: true });
    await bot.line("ping");
    expect(await bot.closed).toMatchObject({ code: 4005, reason: expect.stringContaining("it hangs") });
    expect((await botNamed(name)).reason).toContain("it hangs");
  });
});

describe("[R-C3] gone in mid-answer", () => {
  test("its turn is done again when it is back, and there is exactly one answer", async () => {
    const { token, id } = await addBot();
    for (let round = 0; round < 20; round++) {
      const bot = await RemoteBot.ready(server, token, null);
      const asked = ask(id, `question ${round}`);
      const { turn } = await bot.line("turn");
      bot.say({ type: "delta", turn, text: "half an an" });
      await (round % 2 === 0 ? bot.cut() : bot.close());
      const back = await RemoteBot.ready(server, token);
      expect((await asked).body.answer.text).toBe(`re: question ${round}`);
      await back.close();
    }
    expect(await answersIn(id)).toEqual(Array.from({ length: 20 }, (_, round) => `re: question ${round}`));
  });

  test("[B3] a bot whose work must not be repeated: the turn fails", async () => {
    const { token, id } = await addBot({ limits: { delivery: "at-most-once" } });
    const bot = await RemoteBot.ready(server, token, null);
    const asked = ask(id, "once");
    await bot.line("turn");
    await bot.cut();
    expect((await asked).body.answer).toMatchObject({
      role: "system",
      outcome: "failed",
      text: expect.stringContaining("lost its connection"),
    });
  });

  test("what it said just before it hung up counts", async () => {
    const { token, id } = await addBot();
    const bot = await RemoteBot.ready(server, token, null);
    const asked = ask(id, "a long answer");
    const { turn } = await bot.line("turn");
    const pieces = Array.from({ length: 3000 }, () => ({ type: "delta", turn, text: "piece " }) as const);
    bot.say(...pieces, { type: "answer", turn });
    await bot.close();
    expect((await asked).body.answer.text).toBe("piece ".repeat(3000));
  });
});
