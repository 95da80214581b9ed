/** Requests for permission, end to end: a real bot process, the real store, every door. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Permission } from "@skep/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../packages/server/src/store/sqlite/database.ts";
import { migrate } from "../packages/server/src/store/sqlite/migrate.ts";
import { migrations } from "../packages/server/src/store/sqlite/migrations.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import type { StartedServer } from "./support/started-server.ts";
import { startedServer } from "./support/started-server.ts";

const bot = fileURLToPath(new URL("./bots/parts-bot.ts", import.meta.url));
const options = [
  { id: "once", label: "Allow", effect: "allow", always: false },
  { id: "always", label: "Always allow", effect: "allow", always: true },
  { id: "no", label: "Reject", effect: "reject", always: false },
];
const question = (over: object = {}): object => ({
  type: "permission",
  id: "q",
  title: "Run the tests?",
  detail: "$ npm test",
  options,
  ...over,
});

let server: StartedServer;
const addBot = async (name: string, limits: object = {}): Promise<void> => {
  const made = { name, kind: "command", options: { command: process.execPath, args: [bot] }, restart: { maxRestarts: 1000 }, limits };
  expect((await server.call("POST", "/api/bots", made)).status).toBe(201);
};
beforeAll(async () => {
  server = await startedServer();
  await addBot("coder");
});
afterAll(() => server.end());

const begin = async (name = "coder"): Promise<string> => (await server.call("POST", "/api/conversations", { bot: name })).body.id;
const follow = async (id: string): Promise<RecordingSocket> => {
  const socket = await RecordingSocket.open(server);
  await socket.follow(id);
  return socket;
};
const asking = async (lines: object[], name = "coder"): Promise<{ id: string; socket: RecordingSocket; permission: Permission }> => {
  const id = await begin(name);
  const socket = await follow(id);
  socket.send(id, JSON.stringify(lines));
  const permission = await told(socket, "pending");
  return { id, socket, permission };
};
const told = (socket: RecordingSocket, state: Permission["state"]): Promise<Permission> =>
  socket.when(() => socket.of("permission").findLast((message) => message.permission.state === state)?.permission);
const answered = (socket: RecordingSocket): Promise<string> =>
  socket.when(() => socket.messages().find((message) => message.role !== "person")?.text);
const decide = (id: string, option: string) => server.call("POST", `/api/permissions/${id}`, { option });
const rows = async (id: string): Promise<Permission[]> =>
  (await server.call("GET", `/api/conversations/${id}/permissions`)).body.permissions;
const pending = async (): Promise<string[]> =>
  (await server.call("GET", "/api/permissions?state=pending")).body.permissions.map((one: Permission) => one.id);

describe("requests for permission", () => {
  test("[P1 P2] a request is seen by every reader, decided on once, and the bot goes on with what was decided", async () => {
    const { id, socket, permission } = await asking([question(), { await: "q" }]);
    expect(permission).toMatchObject({ conversation: id, bot: "coder", title: "Run the tests?", detail: "$ npm test", options });
    expect(Date.parse(permission.expiresAt) - Date.parse(permission.createdAt)).toBe(600_000);
    await socket.until((m) => m.type === "turn" && m.state === "waiting" && m.reason === "Run the tests?");
    const late = await follow(id);
    expect(await told(late, "pending")).toEqual(permission);
    expect(late.all.findIndex((m) => m.type === "permission")).toBeGreaterThan(late.all.findIndex((m) => m.type === "live"));
    expect(await pending()).toContain(permission.id);

    const decided = await decide(permission.id, "once");
    expect(decided.body).toMatchObject({ state: "decided", option: "once", how: "person", decidedBy: "owner" });
    expect(await told(late, "decided")).toEqual(decided.body);
    expect(await told(socket, "decided")).toEqual(decided.body);
    expect(await answered(socket)).toBe("[once]");
    expect(await rows(id)).toEqual([decided.body]);
    expect(await pending()).not.toContain(permission.id);
    await Promise.all([socket.close(), late.close()]);
  });

  test("[P2] two doors decide at once: one counts, the other is told what was decided, and the bot hears the one", async () => {
    const { id, socket, permission } = await asking([question(), { await: "q" }]);
    socket.say({ type: "decide", conversation: id, permission: permission.id, option: "once" });
    const rest = await decide(permission.id, "no");
    const text = await answered(socket);
    if (rest.status === 200) {
      expect(text).toBe("[no]");
      expect(await socket.until((m) => m.type === "error")).toMatchObject({
        about: "decide",
        conversation: id,
        error: { code: "state_conflict", detail: 'Decided already: "Reject", by owner' },
      });
    } else {
      expect(text).toBe("[once]");
      expect(rest).toMatchObject({ status: 409, body: { code: "state_conflict", detail: 'Decided already: "Allow", by owner' } });
    }
    const option = text.slice(1, -1);
    // The same decision again is answered again: it may be a retry.
    expect((await decide(permission.id, option)).status).toBe(200);
    expect((await decide(permission.id, option === "no" ? "once" : "no")).status).toBe(409);
    await socket.close();
  });

  test("[P2] an option that does not exist, a request that does not, and somebody else's", async () => {
    const { socket, permission } = await asking([question(), { await: "q" }]);
    expect(await decide(permission.id, "maybe")).toMatchObject({
      status: 400,
      body: { code: "field_invalid", field: "option", detail: expect.stringContaining('there are "once", "always", "no"') as string },
    });
    for (const id of ["p999999", "x", "p0"]) expect((await decide(id, "once")).status).toBe(404);
    expect((await decide("p999999", "maybe")).body.detail).toBe("This request does not exist");
    expect((await server.call("GET", "/api/permissions?state=decided")).status).toBe(400);
    await decide(permission.id, "no");
    expect(await answered(socket)).toBe("[no]");
    await socket.close();
  });

  test("[P1] who reconnects while it is pending sees it again, and may decide", async () => {
    const { id, socket, permission } = await asking([question(), { await: "q" }]);
    socket.cut();
    const back = await follow(id);
    expect(await told(back, "pending")).toEqual(permission);
    back.say({ type: "decide", conversation: id, permission: permission.id, option: "always" });
    expect(await answered(back)).toBe("[always]");
    await back.close();
  });

  test("[P3] a bot that dies asks again: the same request is taken up, and what was decided meanwhile counts at once", async () => {
    const { id, socket, permission } = await asking([question(), { exit: 1 }, { await: "q" }]);
    // The second attempt has taken it up when it waits.
    await socket.until((m) => m.type === "turn" && m.state === "waiting" && m.attempt === 2);
    expect((await rows(id)).map((row) => [row.id, row.state])).toEqual([[permission.id, "pending"]]);
    await decide(permission.id, "once");
    expect(await answered(socket)).toBe("[once]");
    await socket.close();
  });

  test("[P1 P3] the controller is started again while it is pending: it is there, can be decided on, and the bot asks again and goes on", async () => {
    const other = await startedServer();
    const before = server;
    server = other;
    try {
      await addBot("coder");
      const { id, socket, permission } = await asking([question(), { await: "q" }]);
      // Decided while the bot is away: a bot that is stopped has no process to be told.
      await server.call("POST", "/api/bots/coder/stop");
      await socket.close();
      server = await server.again();
      expect(await pending()).toEqual([permission.id]);
      const reader = await follow(id);
      expect(await told(reader, "pending")).toEqual(permission);
      const decided = (await decide(permission.id, "always")).body;
      server = await server.again();
      await server.call("POST", "/api/bots/coder/start");
      const again = await follow(id);
      expect(await answered(again)).toBe("[always]");
      expect(await rows(id)).toEqual([decided]);
      await again.close();
    } finally {
      await server.end();
      server = before;
    }
  });

  test("[P3] what was decided for one request does not count for the same question asked again", async () => {
    const { id, socket, permission } = await asking([question(), { await: "q" }, question({ id: "r" }), { await: "r" }]);
    await decide(permission.id, "once");
    const second = await socket.when(
      () => socket.of("permission").find((m) => m.permission.state === "pending" && m.permission.id !== permission.id)?.permission,
    );
    await decide(second.id, "no");
    expect(await answered(socket)).toBe("[once][no]");
    expect((await rows(id)).map((row) => row.option)).toEqual(["once", "no"]);
    const page = await server.call("GET", `/api/conversations/${id}/permissions?before=${second.id}&limit=1`);
    expect(page.body.permissions.map((row: Permission) => row.id)).toEqual([permission.id]);
    await socket.close();
  });

  test("[P4] nobody decides: it expires, counts as rejected, and a later decision is refused", async () => {
    await addBot("hasty", { permissionMs: 200 });
    const { socket, permission } = await asking([question(), { await: "q" }], "hasty");
    expect(await answered(socket)).toBe("[null]");
    expect(await told(socket, "expired")).toMatchObject({ id: permission.id, how: "expiry" });
    expect(await decide(permission.id, "once")).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("in time") as string },
    });
    await socket.close();
  });

  test("[P4] the turn is cancelled: what was asked is withdrawn, for readers, in the store and for the bot", async () => {
    const { id, socket, permission } = await asking([question(), { await: "q" }]);
    expect((await server.call("POST", `/api/conversations/${id}/turns/${permission.turn}/cancel`)).status).toBe(200);
    expect(await told(socket, "withdrawn")).toMatchObject({ id: permission.id });
    const withdrawn = socket.all.findIndex((m) => m.type === "permission" && m.permission.state === "withdrawn");
    expect(socket.all.findIndex((m) => m.type === "message" && m.message.role === "system")).toBeGreaterThan(withdrawn);
    expect((await rows(id))[0]).toMatchObject({ state: "withdrawn" });
    expect(await decide(permission.id, "once")).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("withdrawn") as string },
    });
    await socket.close();
  });

  test("[P4] the bot answers without waiting for it: it is withdrawn", async () => {
    const { id, socket } = await asking([question(), { type: "delta", text: "never mind" }]);
    expect(await answered(socket)).toBe("never mind");
    expect((await rows(id))[0]).toMatchObject({ state: "withdrawn" });
    await socket.close();
  });

  test("[P5] the bot's policy decides at once, and that is written down, too", async () => {
    await addBot("trusted", { permissions: "allow" });
    await addBot("kept", { permissions: "reject" });
    const only = [{ id: "all", label: "Always", effect: "allow", always: true }];
    for (const [name, text] of [
      ["trusted", "[once][all]"],
      ["kept", "[no][null]"],
    ] as const) {
      const id = await begin(name);
      const socket = await follow(id);
      socket.send(id, JSON.stringify([question(), { await: "q" }, question({ id: "r", options: only }), { await: "r" }]));
      expect(await answered(socket)).toBe(text);
      expect((await rows(id)).map((row) => [row.state, row.how])).toEqual([
        ["decided", "policy"],
        ["decided", "policy"],
      ]);
      await socket.close();
    }
  });

  test("[P6] time spent waiting for people is not the bot's", async () => {
    await addBot("limited", { turnMs: 400, attempts: 1 });
    const { socket, permission } = await asking([question(), { await: "q" }], "limited");
    // Longer than the turn may take: by the server's own clock, which dates the second request.
    const since = Date.parse(permission.createdAt);
    await expect.poll(() => Date.now() - since, { timeout: 5000 }).toBeGreaterThan(800);
    await decide(permission.id, "once");
    expect(await answered(socket)).toBe("[once]");
    await socket.close();
  });

  test("[R-B9] hostile texts are kept as they are, too long ones are cut, and options without use are left out", async () => {
    const title = "\u202egpj.exe <script>alert(1)</script> \u0000\u001b[31m";
    const { socket, permission } = await asking([
      question({
        title,
        detail: "d".repeat(5000),
        options: [...options, options[0], { id: "", label: "x", effect: "allow", always: false }],
      }),
      { await: "q" },
    ]);
    expect(permission.title).toBe(title);
    expect(permission.detail).toHaveLength(5000);
    expect(permission.options.map(({ id }) => id)).toEqual(["once", "always", "no"]);
    await decide(permission.id, "no");
    expect(await answered(socket)).toBe("[no]");
    await socket.close();
  });

  test("[B8] a bot that asks without end is rejected, not kept", async () => {
    const id = await begin();
    const socket = await follow(id);
    const many = Array.from({ length: 60 }, (_, i) => ({ type: "permission", id: `q${i}`, title: `${i}`, options: options.slice(0, 1) }));
    socket.send(id, JSON.stringify([...many, { await: "q59" }]));
    expect(await answered(socket)).toBe("[null]");
    expect(await rows(id)).toHaveLength(50);
    await socket.close();
  });

  test("[D4] a folder of before: its messages have no parts, and its bots the defaults of limits that came later", async () => {
    const before = server;
    const data = mkdtempSync(join(tmpdir(), "skep-older-"));
    const db = openDatabase(join(data, "skep.db"));
    migrate(db, migrations.slice(0, 1), 0);
    db.exec(`
      INSERT INTO bots VALUES ('echo', 'echo', '{"options":{},"workers":1,"restart":{"policy":"always","maxRestarts":10,"windowMs":600000},
        "limits":{"concurrency":16,"queue":10000,"turnMs":600000,"attempts":4,"answerBytes":1048576,"delivery":"at-least-once"}}', 1, 0);
      INSERT INTO conversations VALUES (1, 'c1', 'echo', 'owner', 'older', 0, 0, NULL, 0);
      INSERT INTO messages VALUES (1, 1, 1, 0, 'owner', NULL, 'before', 1, NULL, 0), (2, 1, 2, 1, 'echo', NULL, 'before', 1, 1, 0);
      INSERT INTO log VALUES (1, 1, 1), (1, 2, 2);
      INSERT INTO turns VALUES (1, 1, 1, 'echo', 1, 1, 0, 1, 0);
    `);
    db.close();
    server = await startedServer({}, data);
    try {
      const { body } = await server.call("GET", "/api/bots/echo");
      expect(body.limits).toMatchObject({ partsBytes: 1_048_576, permissions: "ask", permissionMs: 600_000, attempts: 4 });
      const { messages } = (await server.call("GET", "/api/conversations/c1/messages")).body;
      expect(messages.map((message: object) => Object.keys(message).includes("parts"))).toEqual([false, false]);
      const after = await server.call("POST", "/api/conversations/c1/messages?wait=20", { text: "/tool" });
      expect(after.body).toMatchObject({ seq: 3, answer: { parts: [{ at: 8 }] } });
    } finally {
      await server.end();
      server = before;
    }
  });

  test("[R-G7] an erased conversation takes its requests along", async () => {
    const { id, permission, socket } = await asking([question(), { await: "q" }]);
    expect((await server.call("DELETE", `/api/conversations/${id}`)).status).toBe(204);
    expect((await decide(permission.id, "once")).status).toBe(404);
    expect(await pending()).not.toContain(permission.id);
    await socket.close();
  });
});
