/** Coding agents through the whole program: server, worker process, agent process. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { agentOptions } from "./agent/agent-bot.ts";
import { isAlive, until } from "./support/is-alive.ts";
import type { Json, StartedServer } from "./support/started-server.ts";
import { startedServer } from "./support/started-server.ts";

let server: StartedServer;
let sessions: string;

async function startWith(args: readonly string[] = [], more: Record<string, unknown> = {}): Promise<string> {
  sessions = mkdtempSync(join(tmpdir(), "skep-agents-"));
  server = await startedServer({ echoBot: false });
  const options = agentOptions(["--sessions", sessions, ...args], more);
  const added = await server.call("POST", "/api/bots", { name: "coder", kind: "acp", options });
  expect(added.body).toMatchObject({ can: ["cancel", "resume", "tools", "images", "files"] });
  return (await server.call("POST", "/api/conversations", { bot: "coder" })).body.id as string;
}

afterEach(async () => {
  await server.end();
  rmSync(sessions, { recursive: true, force: true });
});

const send = async (conversation: string, text: string): Promise<string> => {
  const { status, body } = await server.call("POST", `/api/conversations/${conversation}/messages`, { text });
  expect(status).toBe(201);
  return body.turn as string;
};
const messages = async (conversation: string): Promise<Json[]> =>
  (await server.call("GET", `/api/conversations/${conversation}/messages?limit=100`)).body.messages as Json[];

/** The message that ended the turn. */
async function ending(conversation: string, turn: string): Promise<Json> {
  let found: Json;
  await expect
    .poll(
      async () => {
        found = (await messages(conversation)).find((message) => message.turn === turn && message.role !== "person");
        return found !== undefined;
      },
      { timeout: 30_000, interval: 20 },
    )
    .toBe(true);
  return found;
}

const ask = async (conversation: string, text: string): Promise<Json> => ending(conversation, await send(conversation, text));
const said = async (conversation: string): Promise<string[]> =>
  (JSON.parse((await ask(conversation, "/history")).text as string) as { role: string; text: string }[]).map(
    ({ role, text }) => `${role}: ${text}`,
  );

async function pendingPermission(): Promise<Json> {
  let found: Json;
  await expect
    .poll(async () => (found = (await server.call("GET", "/api/permissions?state=pending")).body.permissions[0]), { timeout: 30_000 })
    .toBeDefined();
  return found;
}
const optionThat = (effect: "allow" | "reject", permission: Json): string =>
  (permission.options as Json[]).find((option) => option.effect === effect).id as string;

describe("a coding agent", () => {
  test("[T1] answers; conversations are apart", async () => {
    const one = await startWith();
    const two = (await server.call("POST", "/api/conversations", { bot: "coder" })).body.id as string;
    expect(await ask(one, "how are the bees?")).toMatchObject({
      text: "You said: how are the bees?",
      outcome: "completed",
      author: "coder",
    });
    await ask(two, "other");
    expect(await said(one)).toEqual(["user: how are the bees?", "agent: You said: how are the bees?"]);
  });

  test("[B3] [B5] that dies in mid-answer is started again, goes on in its session, and answers exactly once", async () => {
    const conversation = await startWith();
    await ask(conversation, "remember the queen");
    expect(await ask(conversation, "/crash 1 3")).toMatchObject({ text: "piece 1 🐝 piece 2 🐝 piece 3 🐝 ", outcome: "completed" });
    const all = await messages(conversation);
    expect(all.map(({ role }) => role as string)).toEqual(["person", "bot", "person", "bot"]);
    // What the first attempt streamed is nowhere, what the session told of the past neither.
    expect((await said(conversation)).slice(0, 2)).toEqual(["user: remember the queen", "agent: You said: remember the queen"]);
    const { processes } = (await server.call("GET", "/api/bots/coder")).body;
    expect(processes).toMatchObject([{ state: "ready", restarts: 1 }]);
  });

  test("[T3] that is cancelled stops, and the conversation goes on in the same process", async () => {
    const conversation = await startWith();
    const [before] = JSON.parse((await ask(conversation, "/where")).text as string) as [number];
    const turn = await send(conversation, "/slow 100000 5");
    await until(() => noted().includes("piece 1"), "the first piece");
    await server.call("POST", `/api/conversations/${conversation}/turns/${turn}/cancel`);
    expect(await ending(conversation, turn)).toMatchObject({ outcome: "cancelled" });
    const [after] = JSON.parse((await ask(conversation, "/where")).text as string) as [number];
    expect(after).toBe(before);
  });

  test("goes on in the same session after a restart of the controller", async () => {
    const conversation = await startWith();
    await ask(conversation, "remember the queen");
    server = await server.again();
    await ask(conversation, "and the drones");
    expect(await said(conversation)).toEqual([
      "user: remember the queen",
      "agent: You said: remember the queen",
      "user: and the drones",
      "agent: You said: and the drones",
    ]);
  });

  test("that cannot take up a session gets the conversation so far after a restart", async () => {
    const conversation = await startWith(["--offers", "nothing"]);
    await ask(conversation, "remember the queen");
    server = await server.again();
    await ask(conversation, "and the drones");
    const [first] = await said(conversation);
    expect(first).toContain("Person: remember the queen\n\nYou: You said: remember the queen");
  });

  test("[B7] ends with its bot, and so does everything that it has started", async () => {
    const conversation = await startWith();
    const [agent] = JSON.parse((await ask(conversation, "/where")).text as string) as [number];
    const children = JSON.parse((await ask(conversation, "/children")).text as string) as number[];
    expect([agent, ...children].map(isAlive)).toEqual([true, true, true]);
    await server.call("POST", "/api/bots/coder/stop");
    await until(() => ![agent, ...children].some(isAlive), "the end of all");
  });

  test("[B5] an agent's fault is the turn's end, in words, and no one else's", async () => {
    const conversation = await startWith();
    expect(await ask(conversation, "/error -32602 no such hive")).toMatchObject({
      outcome: "failed",
      text: expect.stringContaining("The agent reports: no such hive") as string,
    });
    expect(await ask(conversation, "and now?")).toMatchObject({ outcome: "completed" });
  });

  test("[P1] [P3] asks people, also when the controller is restarted while it waits, and does what was decided", async () => {
    const id = await startWith();
    const first = await send(id, "/permission");
    const asked = await pendingPermission();
    expect(asked).toMatchObject({ bot: "coder", conversation: id, turn: first, state: "pending" });
    const allow = optionThat("allow", asked);
    expect((await server.call("POST", `/api/permissions/${asked.id}`, { option: allow })).status).toBe(200);
    expect((await ending(id, first)).text).toContain(allow);

    const second = await send(id, "/permission execute");
    const before = await pendingPermission();
    server = await server.again();
    const after = await pendingPermission();
    expect(after.id).toBe(before.id);
    const reject = optionThat("reject", after);
    expect((await server.call("POST", `/api/permissions/${after.id}`, { option: reject })).status).toBe(200);
    expect((await ending(id, second)).text).toContain(reject);
  });

  test.each(["session", "prompt"])(
    "that needs a sign-in, which it says at its %s, says so, waits for it and goes on by itself",
    async (refuses) => {
      const folder = mkdtempSync(join(tmpdir(), "skep-sign-in-"));
      const signedIn = join(folder, "signed-in");
      try {
        const id = await startWith(["--signed-in", signedIn, "--refuses", refuses], { checkMs: 200 });
        // What is said at a prompt is not known before there is one.
        const early = refuses === "prompt" ? await send(id, "hi") : null;
        const state = async (): Promise<string> => (await server.call("GET", "/api/bots/coder")).body.state as string;
        await expect.poll(state, { timeout: 30_000, interval: 20 }).toBe("login-needed");
        expect((await server.call("GET", "/api/bots/coder")).body.reason).toMatch(/sign/i);
        const turn = early ?? (await send(id, "hi"));
        writeFileSync(signedIn, "");
        expect((await ending(id, turn)).text).toBe("You said: hi");
        expect(await state()).toBe("ready");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  test("is allowed by its policy what it asks for", async () => {
    const conversation = await startWith([], { permissions: "reject", rules: { read: "allow" } });
    expect((await ask(conversation, "/permission read")).text).toContain('"yes"');
    expect((await ask(conversation, "/permission execute")).text).toContain('"no"');
  });
});

/** All that the agent has noted of its sessions. */
const noted = (): string =>
  readdirSync(sessions)
    .map((file) => readFileSync(join(sessions, file), "utf8"))
    .join("");
