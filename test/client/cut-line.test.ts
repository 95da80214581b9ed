/** The client against the real server, over a line that is cut, dead, or leads nowhere for a while. */
import { type Acceptance, type Client, connect, type ConnectOptions, type Message, type TurnPart } from "@skep/client";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CuttableLine } from "../support/cuttable-line.ts";
import { startedServer, type StartedServer } from "../support/started-server.ts";

let server: StartedServer;
let line: CuttableLine;
beforeAll(async () => {
  line = await CuttableLine.open();
  server = await startedServer({ allowedHosts: [`127.0.0.1:${line.port}`] });
});
afterAll(async () => {
  await line.close();
  await server.end();
});

const clients = new Set<Client>();
beforeEach(() => {
  line.leadTo(server.url);
  line.toClient = "pass";
  line.toServer = "pass";
  line.cutInsteadOf = null;
});
afterEach(() => {
  for (const client of clients) client.close();
  clients.clear();
});

function connected(options: Partial<ConnectOptions> = {}): Client {
  const client = connect({ url: line.url, token: server.token, ...options });
  clients.add(client);
  return client;
}

const opened = (client: Client): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (client.connection.name !== "open") return;
      leave();
      resolve();
    };
    const leave = client.onConnection(look);
    queueMicrotask(look);
  });

const pieces = (count: number): string => Array.from({ length: count }, (_, i) => `piece ${i + 1} 🐝 `).join("");
const textOf = (parts: readonly TurnPart[]): string =>
  parts.reduce((text, part) => (part.type === "restart" ? "" : part.type === "delta" ? text + part.text : text), "");

async function log(id: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { messages } = (await server.call("GET", `/api/conversations/${id}/messages?after=${all.length}&limit=500`)).body;
    if (messages.length === 0) return all;
    all.push(...messages);
  }
}

test("[T2] [C2] an answer that is cut four times goes on each time where it was, and the deltas joined are its text", async () => {
  const client = connected();
  const conversation = await client.begin("echo");
  const parts: TurnPart[] = [];
  let cuts = 0;
  for await (const part of conversation.turn(await conversation.send("/stream 120 10"))) {
    parts.push(part);
    if (part.type === "delta" && cuts < 4 && textOf(parts).length > (cuts + 1) * 200) {
      cuts++;
      line.cut();
    }
  }
  expect(cuts).toBe(4);
  expect(line.opened).toBeGreaterThanOrEqual(5);
  expect(parts.filter(({ type }) => type === "restart")).toEqual([]);
  expect(textOf(parts)).toBe(pieces(120));
  expect(parts.at(-1)).toMatchObject({ type: "answer", message: { outcome: "completed", text: pieces(120) } });
});

test("[C1] a line that died without a goodbye is given up after the silence that is allowed, and the answer goes on", async () => {
  const client = connected({ times: { silentMs: 400 } });
  const conversation = await client.begin("echo");
  const parts: TurnPart[] = [];
  let died = false;
  const reasons: string[] = [];
  client.onConnection((state) => {
    if (state.name !== "waiting") return;
    reasons.push(state.reason);
    line.toClient = "pass";
  });
  for await (const part of conversation.ask("/stream 150 10")) {
    parts.push(part);
    if (died || textOf(parts).length < 300) continue;
    died = true;
    line.toClient = "swallow";
  }
  // On a busy machine a line that lives may be as silent.
  expect(new Set(reasons)).toEqual(new Set(["nothing was heard"]));
  expect(textOf(parts)).toBe(pieces(150));
});

test("[O2] [O3] [S1] [S3] [K3] two writers and a reader over a line that is cut again and again: every message once, in order, for all", async () => {
  // A connection counts as one that held from the start: these tests cut much faster than any network.
  const times = { stableMs: 0 };
  const writers = [connected({ times }), connected({ times })];
  const { id } = await connected().begin("echo");
  const read: Message[] = [];
  const before = line.opened;
  const each = 150;
  const reading = (async () => {
    for await (const message of connected({ heldMessages: 10, times }).conversation(id).read()) {
      read.push(message);
      if (read.length === 4 * each) break;
      // Cut now, or instead of the next acceptance: the send was stored, and its writer does not know.
      if (read.length % 60 === 30) line.cut();
      if (read.length % 60 === 0) line.cutInsteadOf = `"type":"accepted"`;
    }
  })();
  const answers = writers.map(async (writer, w) => {
    const sent: Promise<Acceptance>[] = [];
    for (let i = 0; i < each; i++) {
      sent.push(writer.conversation(id).send(`${w}:${i}`));
      // Eight at a time are under way.
      if (i >= 8) await sent[i - 8];
    }
    return Promise.all(sent);
  });
  const accepted = await Promise.all(answers);
  await reading;
  const stored = await log(id);
  expect(read.map(({ seq }) => seq)).toEqual(stored.map(({ seq }) => seq));
  expect(read).toEqual(stored);
  for (const [w, own] of accepted.entries()) {
    expect(own.map(({ seq }) => seq)).toEqual(own.map(({ seq }) => seq).toSorted((a, b) => a - b));
    const texts = stored.filter(({ role, text }) => role === "person" && text.startsWith(`${w}:`)).map(({ text }) => text);
    expect(texts).toEqual(Array.from({ length: each }, (_, i) => `${w}:${i}`));
  }
  const again = accepted.flat().filter(({ duplicate }) => duplicate).length;
  console.log(
    `${line.opened - before} connections for ${2 * each} sends and their answers; the answers to ${again} sends were lost at first`,
  );
  expect(again).toBeGreaterThan(0);
});

test("[K3] a send tells whether it had been accepted before; the same key with another text is refused", async () => {
  const conversation = await connected().begin("echo");
  const first = await conversation.send("once", { key: "the-key" });
  expect(first).toMatchObject({ seq: 1, duplicate: false });
  expect(await conversation.send("once", { key: "the-key" })).toEqual({ ...first, duplicate: true });
  await expect(conversation.send("twice", { key: "the-key" })).rejects.toMatchObject({ code: "key_conflict", status: 422 });
  expect(await conversation.send("after")).toMatchObject({ duplicate: false });
});

test("[C3] [S5] who is told not to come again does not, and whoever waits is told why", async () => {
  const made = (await server.call("POST", "/api/tokens", { name: "to-be-revoked", role: "owner" })).body;
  const client = connected({ token: made.token });
  const conversation = await client.begin("echo");
  const next = conversation.read().next();
  const fleet = client.fleet.watch();
  expect([...((await fleet.next()).value?.keys() ?? [])]).toContain("echo");
  // Whatever else changes meanwhile, such as the bot's memory, is read over.
  const change = (async (): Promise<void> => {
    while (!(await fleet.next()).done);
  })();
  for (const waiting of [next, change]) waiting.catch(() => {});
  await opened(client);
  const before = line.opened;
  await server.call("DELETE", `/api/tokens/${made.id}`);
  await expect(next).rejects.toMatchObject({ code: "not_signed_in" });
  await expect(change).rejects.toMatchObject({ code: "not_signed_in" });
  await expect(conversation.send("too late")).rejects.toMatchObject({ code: "not_signed_in" });
  expect(client.connection).toMatchObject({ name: "refused", code: 4501 });
  expect(line.opened).toBe(before);
});

test("[C2] [C5] a server that is restarted under an answer says so, and the reader gets all of the answer from the next", async () => {
  const client = connected();
  const conversation = await client.begin("echo");
  const parts: TurnPart[] = [];
  const codes: number[] = [];
  client.onConnection((state) => {
    if (state.name === "waiting") codes.push(state.code);
  });
  let restarted: Promise<void> | null = null;
  for await (const part of conversation.ask("/stream 60 10")) {
    parts.push(part);
    if (part.type !== "delta" || restarted) continue;
    restarted = server.again().then((again) => {
      server = again;
      line.leadTo(again.url);
    });
  }
  await restarted;
  expect(codes[0]).toBe(4001);
  expect(textOf(parts)).toBe(pieces(60));
});

test("[T4] a bot that dies in mid-answer: the reader is told that what it has is void, and gets the next attempt's text whole", async () => {
  const conversation = await connected().begin("echo");
  const parts: TurnPart[] = [];
  let killed = false;
  for await (const part of conversation.ask("/stream 60 10")) {
    parts.push(part);
    if (killed || textOf(parts).length < 100) continue;
    killed = true;
    process.kill((await server.call("GET", "/api/bots/echo")).body.processes[0].pid, "SIGKILL");
  }
  expect(parts.filter(({ type }) => type === "restart")).toHaveLength(1);
  expect(parts.filter((part) => part.type === "state").map(({ turn }) => turn.state)).toContain("retrying");
  expect(textOf(parts)).toBe(pieces(60));
});

test("[C2] after a line was away the client is back within a second of its return, and sends what was written meanwhile, in order", async () => {
  const client = connected();
  const conversation = await client.begin("echo");
  await opened(client);
  line.leadTo(null);
  line.cut();
  const sent = [1, 2, 3].map((i) => conversation.send(`while away ${i}`));
  await new Promise((resolve) => {
    const leave = client.onConnection((state) => state.name === "waiting" && state.tries > 1 && resolve(leave()));
  });
  expect(conversation.pending.map(({ text, state }) => [text, state])).toEqual([1, 2, 3].map((i) => [`while away ${i}`, "waiting"]));
  // How busy this machine is.
  let from = performance.now();
  await log(conversation.id);
  const control = performance.now() - from;
  line.leadTo(server.url);
  from = performance.now();
  expect((await Promise.all(sent)).map(({ seq, duplicate }) => [seq, duplicate])).toEqual([
    [1, false],
    expect.anything(),
    expect.anything(),
  ]);
  const took = performance.now() - from;
  console.log(`all three accepted ${took.toFixed(0)} ms after the line was back; a bare request takes ${control.toFixed(1)} ms`);
  expect(took).toBeLessThan(1000 + 50 * control);
  expect((await log(conversation.id)).filter(({ role }) => role === "person").map(({ text }) => text)).toEqual(
    [1, 2, 3].map((i) => `while away ${i}`),
  );
});

test("fleet.watch gives the bots as they are, and after a cut what came and went meanwhile", async () => {
  await server.call("POST", "/api/bots", { name: "goes", kind: "echo" });
  const client = connected();
  const seen = (async () => {
    let gone = false;
    for await (const bots of client.fleet.watch()) {
      if (bots.has("goes") && !gone) {
        gone = true;
        line.leadTo(null);
        line.cut();
        await server.call("DELETE", "/api/bots/goes");
        await server.call("POST", "/api/bots", { name: "comes", kind: "echo" });
        line.leadTo(server.url);
      }
      if (bots.has("comes") && !bots.has("goes")) return [...bots.keys()];
    }
    return [];
  })();
  expect(await seen).toEqual(["comes", "echo"]);
  const stopping = new AbortController();
  const watch = client.fleet.watch({ signal: stopping.signal });
  expect((await watch.next()).value?.has("comes")).toBe(true);
  const rest = (async () => {
    let count = 0;
    for await (const _ of watch) count++;
    return count;
  })();
  stopping.abort();
  expect(await rest).toBeLessThan(100);
  const closing = client.fleet.watch();
  await closing.next();
  client.close();
  for (let i = 0; ; i++) if ((await closing.next()).done === true || i > 100) break;
  expect((await closing.next()).done).toBe(true);
});
