import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Bot, BotEvent } from "@skep/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, StartedServer } from "../support/started-server.ts";
import { startedServer } from "../support/started-server.ts";

const program = join(import.meta.dirname, "misbehaving-bot.ts");

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

let bots = 0;
/** A misbehaving bot of its own, ready. */
async function newBot(definition: Json = {}, args: string[] = []): Promise<string> {
  const name = `wild-${++bots}`;
  const made = await server.call("POST", "/api/bots", {
    name,
    kind: "command",
    options: { command: process.execPath, args: [program, ...args] },
    ...definition,
    restart: { maxRestarts: 100, ...definition.restart },
  });
  expect(made).toMatchObject({ status: 201 });
  await until(name, (bot) => bot.state === "ready");
  return name;
}

const bot = async (name: string): Promise<Bot> => (await server.call("GET", `/api/bots/${name}`)).body;
const timeline = async (name: string): Promise<BotEvent[]> => (await server.call("GET", `/api/bots/${name}/timeline`)).body.entries;

async function poll<T>(read: () => Promise<T>, test: (value: T) => boolean, limitMs = 30_000): Promise<T> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (test(value)) return value;
    if (performance.now() > limit) throw new Error(`in vain: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const until = (name: string, test: (bot: Bot) => boolean): Promise<Bot> => poll(() => bot(name), test);

const conversation = async (name: string): Promise<string> => (await server.call("POST", "/api/conversations", { bot: name })).body.id;

/** Sends and waits for the message that ends the turn. */
const ask = async (id: string, text: string): Promise<Json> =>
  (await server.call("POST", `/api/conversations/${id}/messages?wait=60`, { text })).body.answer;

/** To every conversation at once; resolves when the bot has all of them. */
async function askAll(name: string, texts: readonly string[]): Promise<Promise<Json>[]> {
  const ids = await Promise.all(texts.map(() => conversation(name)));
  const answers = texts.map((text, i) => ask(ids[i] ?? "", text));
  await until(name, ({ running }) => running === texts.length);
  return answers;
}

describe("a message that kills its worker", () => {
  test("[B5] pays for itself alone: those that were lost with it get their answers, at their second try", async () => {
    const name = await newBot();
    const others = await askAll(name, ["hold 300", "hold 300", "hold 300", "hold 300"]);
    expect(await ask(await conversation(name), "die")).toMatchObject({ outcome: "failed", text: expect.stringContaining("tried 5 times") });
    for (const answer of await Promise.all(others)) expect(answer).toMatchObject({ outcome: "completed" });
    const lost = (await timeline(name)).filter(({ what }) => what === "ended");
    // One death in company, five of its own.
    expect(lost).toHaveLength(6);
  });

  test("[B5] one that takes long to kill is found out as well, and nobody fails for it", async () => {
    const name = await newBot();
    const others = await askAll(name, ["hold 900", "hold 900", "die-after 700", "hold 900"]);
    const outcomes = (await Promise.all(others)).map((answer) => answer.outcome);
    expect(outcomes).toEqual(["completed", "completed", "failed", "completed"]);
  });

  test("[B3] at most once: whatever was lost with it fails, and is not repeated", async () => {
    const name = await newBot({ limits: { delivery: "at-most-once" } });
    const others = await askAll(name, ["hold 5000", "hold 5000"]);
    await ask(await conversation(name), "die");
    for (const answer of await Promise.all(others)) {
      expect(answer).toMatchObject({ outcome: "failed", text: expect.stringContaining("must not be repeated") });
    }
  });
});

describe("levels of being alive", () => {
  test("[R-C4] an attempt of which nothing is heard is taken away and tried again; others go on", async () => {
    const name = await newBot({ limits: { progressMs: 400, attempts: 2 } });
    const [silent, busy] = await askAll(name, ["say-and-silence", "hold 300"]);
    expect(await busy).toMatchObject({ outcome: "completed" });
    expect(await silent).toMatchObject({ outcome: "failed", text: "The bot has said nothing about this for 0.4 s (tried 2 times)" });
    const entries = await timeline(name);
    expect(entries.filter(({ what }) => what === "stuck")).toHaveLength(2);
    expect(entries.filter(({ what }) => what === "ended")).toEqual([]);
  });

  test("[B3] at most once holds for an attempt that is taken away", async () => {
    const name = await newBot({ limits: { progressMs: 300, delivery: "at-most-once" } });
    expect(await ask(await conversation(name), "silence")).toMatchObject({
      outcome: "failed",
      text: expect.stringContaining("must not be repeated"),
    });
    expect((await timeline(name)).filter(({ what }) => what === "stuck")).toHaveLength(1);
  });

  test.each([
    ["process", "/crash"],
    ["channel", "/hang"],
    ["deadline", "/stall"],
    ["progress", "/stall"],
  ])("[B3] at the level of the %s: at most once fails visibly after one attempt, at least once is tried again", async (level, text) => {
    const outcomes: string[] = [];
    for (const delivery of ["at-most-once", "at-least-once"]) {
      const name = `${level}-${delivery}`;
      const limits = {
        delivery,
        attempts: 2,
        heartbeatMs: 600,
        turnMs: level === "deadline" ? 300 : 60_000,
        progressMs: level === "progress" ? 300 : 0,
      };
      await server.call("POST", "/api/bots", { name, kind: "echo", limits });
      const answer = await ask(await conversation(name), text);
      expect(answer.outcome).toBe("failed");
      outcomes.push(/must not be repeated|tried 2 times/.exec(answer.text)?.[0] ?? answer.text);
      await server.call("DELETE", `/api/bots/${name}`);
    }
    expect(outcomes).toEqual(["must not be repeated", "tried 2 times"]);
  });

  test.runIf(process.platform === "linux")("[R-C9] a bot that takes too much memory is replaced, and says why", async () => {
    await server.call("POST", "/api/bots", { name: "fat", kind: "echo", limits: { memoryMb: 60, heartbeatMs: 60_000 } });
    const before = await until("fat", ({ processes }) => (processes[0]?.memoryMb ?? null) !== null);
    expect(before.processes[0]?.memoryMb).toBeLessThan(60);
    await ask(await conversation("fat"), "/memory 80");
    await until("fat", ({ state, processes }) => state === "ready" && processes[0]?.pid !== before.processes[0]?.pid);
    const ended = (await timeline("fat")).find(({ what }) => what === "ended");
    expect(ended).toMatchObject({ reason: expect.stringMatching(/^takes \d+ MB of memory, its limit is 60 MB$/), decision: "restart" });
    expect(ended?.memoryMb).toBeGreaterThan(60);
  });

  test("[R-C1] while somebody has to sign in, no turns are given, those that came before go on, and it is shown", async () => {
    const name = await newBot();
    const [working] = await askAll(name, ["hold 1500"]);
    await ask(await conversation(name), "login");
    const shown = await until(name, ({ state }) => state === "login-needed");
    expect(shown.reason).toBe("run `agent login` on the machine");
    const waiting = ask(await conversation(name), "after that");
    expect(await until(name, ({ queued }) => queued === 1)).toMatchObject({ state: "login-needed", running: 1 });
    expect(await working).toMatchObject({ outcome: "completed" });
    process.kill((await bot(name)).processes[0]?.pid ?? 0, "SIGUSR2");
    expect(await waiting).toMatchObject({ text: "after that", outcome: "completed" });
    expect((await timeline(name)).map(({ what }) => what)).toEqual(["launched", "ready", "login-needed", "signed-in"]);
  });
});

describe("why did it stop", () => {
  test("[R-C5] the timeline has what happened, what was said and what was decided, also after a restart of the server", async () => {
    const name = await newBot({ restart: { maxRestarts: 1 } });
    const id = await conversation(name);
    // Its turn waits for somebody to start the bot again.
    await server.call("POST", `/api/conversations/${id}/messages`, { text: "complain the disk is on fire" });
    await until(name, ({ state }) => state === "failed");
    const entries = await timeline(name);
    expect(entries.map(({ what }) => what)).toEqual(["launched", "ready", "ended", "launched", "ready", "ended"]);
    const [first, last] = entries.filter(({ what }) => what === "ended");
    expect(first).toMatchObject({
      reason: "exited with code 3",
      code: 3,
      decision: "restart",
      restartInMs: 0,
      attempts: [{ conversation: id, attempt: expect.stringMatching(/^t\d+\.1\.\d+$/) }],
    });
    expect(first?.output).toHaveLength(21);
    expect(first?.output?.at(-1)).toBe("the disk is on fire");
    expect(first?.uptimeMs).toBeGreaterThan(0);
    expect(last).toMatchObject({ decision: "failed" });

    await server.call("POST", `/api/bots/${name}/stop`);
    server = await server.again();
    expect((await timeline(name)).slice(0, entries.length)).toEqual(entries);
    expect((await timeline(name)).at(-1)).toMatchObject({ what: "stop" });
    const page = await server.call("GET", `/api/bots/${name}/timeline?limit=2&before=${last?.number}`);
    expect(page.body.entries).toEqual(entries.slice(3, 5));
    expect(await server.call("GET", "/api/bots/nobody/timeline")).toMatchObject({ status: 404 });
    expect(await server.call("GET", `/api/bots/${name}/timeline?limit=0`)).toMatchObject({ status: 400, body: { field: "limit" } });
  });

  test("[R-C6] what is started with a low priority stands back behind the server", async () => {
    const niceOf = async (name: string): Promise<string> =>
      execFileSync("ps", ["-o", "ni=", "-p", String((await bot(name)).processes[0]?.pid)], { encoding: "utf8" }).trim();
    expect(await niceOf(await newBot())).toBe("5");
    expect(await niceOf(await newBot({ limits: { nice: 0 } }))).toBe("0");
  });
});
