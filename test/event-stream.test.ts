/** Readers of server-sent events, with a client of the standard that Skep did not write. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CuttableLine } from "./support/cuttable-line.ts";
import { startedServer, type StartedServer } from "./support/started-server.ts";

let server: StartedServer;
let line: CuttableLine;
beforeAll(async () => {
  line = await CuttableLine.open();
  server = await startedServer({ allowedHosts: [`127.0.0.1:${line.port}`] });
  line.leadTo(server.url);
});
afterAll(async () => {
  await line.close();
  await server.end();
});

interface Heard {
  id: string;
  type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- messages of the wire are looked into freely
  data: any;
}

const types = ["resumed", "reset", "live", "message", "turn", "delta", "part", "thought", "permission", "stream-ended"];

/** Reads until `until` says that this event was the last one wanted. */
function read(path: string, until: (heard: Heard) => boolean, { base = server.url, token = server.token } = {}): Promise<Heard[]> {
  return new Promise((resolve, reject) => {
    const all: Heard[] = [];
    const source = new EventSource(base + path, {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
    });
    const end = (): void => {
      source.close();
      resolve(all);
    };
    // A status that is no success: the standard says that a reader does not come again.
    source.addEventListener("error", ({ code }) => {
      if (source.readyState !== source.CLOSED) return;
      all.push({ id: "", type: "refused", data: { status: code } });
      if (until(all.at(-1) as Heard)) end();
      else reject(new Error(`the reader was refused with ${code}`));
    });
    for (const type of types) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        all.push({ id: lastEventId, type, data: JSON.parse(String(data)) });
        if (until(all.at(-1) as Heard)) end();
      });
    }
  });
}

const begun = async (): Promise<string> => (await server.call("POST", "/api/conversations", { bot: "echo" })).body.id;
const send = (id: string, text: string, query = ""): ReturnType<StartedServer["call"]> =>
  server.call("POST", `/api/conversations/${id}/messages${query}`, { text });
const messages = (heard: readonly Heard[]): Heard[] => heard.filter(({ type }) => type === "message");

test("[S1] [S3] [R-A2] a reader of events that is cut 100 times misses nothing and gets nothing twice", { timeout: 120_000 }, async () => {
  const id = await begun();
  const cuts = 100;
  let sending = Promise.resolve<unknown>(null);
  let seen = 0;
  const before = line.opened;
  const heard = await read(
    `/api/conversations/${id}/events`,
    ({ type, data }) => {
      if (type === "live" && line.opened - before <= cuts) {
        // Cut before, in the middle of, or after what the next two messages and answers bring.
        sending = sending.then(() => Promise.all([send(id, `${line.opened} a`), send(id, `${line.opened} b`)]));
        if (line.opened % 2 === 0) line.cut();
        else line.cutInsteadOf = line.opened % 3 === 0 ? `"role":"bot"` : `"role":"person"`;
      }
      if (type === "message") seen = data.message.seq;
      return line.opened - before > cuts && seen === 4 * cuts;
    },
    { base: line.url },
  );
  await sending;
  const stored = [];
  for (let after = 0; after < 4 * cuts; after = stored.length) {
    stored.push(...(await server.call("GET", `/api/conversations/${id}/messages?after=${after}&limit=500`)).body.messages);
  }
  expect(line.opened - before).toBeGreaterThan(cuts);
  expect(messages(heard).map(({ data }) => data.message)).toEqual(stored);
});

test("[T2] events name their type; only messages have an id, and an answer's deltas joined are its text", async () => {
  const id = await begun();
  const reading = read(`/api/conversations/${id}/events`, ({ type, data }) => type === "message" && data.message.role === "bot");
  await send(id, "/stream 20 5");
  const heard = await reading;
  const { epoch } = (await server.call("GET", `/api/conversations/${id}`)).body;
  expect(heard[0]).toMatchObject({ type: "resumed", id: "", data: { type: "resumed", conversation: id, epoch, from: 0 } });
  const answer = heard.at(-1) as Heard;
  expect(messages(heard).map((one) => one.id)).toEqual([`${epoch}.1`, `${epoch}.2`]);
  const deltas = heard.filter(({ type }) => type === "delta");
  expect(deltas.length).toBeGreaterThan(1);
  expect(new Set(deltas.map((one) => one.id))).toEqual(new Set([`${epoch}.1`]));
  expect(deltas.map(({ data }) => data.text).join("")).toBe(answer.data.message.text);
});

test("[S1] a reader goes on behind the position that it names; from another epoch it gets everything, and is told", async () => {
  const id = await begun();
  for (const text of ["one", "two"]) await send(id, text, "?wait=10");
  const { epoch } = (await server.call("GET", `/api/conversations/${id}`)).body;
  const from = (after: string): Promise<Heard[]> =>
    read(`/api/conversations/${id}/events?after=${after}`, ({ type, data }) => type === "message" && data.message.seq === 4);
  expect(messages(await from(`${epoch}.2`)).map(({ data }) => data.message.text)).toEqual(["two", "two"]);
  const other = await from("another.2");
  expect(other[0]).toMatchObject({ type: "reset", data: { reason: "epoch", epoch } });
  expect(messages(other).map((one) => one.id)).toEqual([1, 2, 3, 4].map((seq) => `${epoch}.${seq}`));
});

test("[R-B5] what is no position, no conversation or no one's token is refused with a status, once", async () => {
  const id = await begun();
  const status = async (path: string, token = server.token): Promise<number> => {
    const [refused] = await read(path, ({ type }) => type === "refused", { token });
    return refused?.data.status;
  };
  const events = `/api/conversations/${id}/events`;
  for (const after of ["1", "x.-1", ".1", "x.1.2", "x.99999999999999999", "%00.1", `${"e".repeat(65)}.1`, "e".repeat(101)])
    expect([after, await status(`${events}?after=${after}`)]).toEqual([after, 400]);
  expect(await status(`${events}?before=1`)).toBe(400);
  expect(await status("/api/conversations/nobody/events")).toBe(404);
  expect(await status(events, "skep_wrong")).toBe(401);
  const head = await fetch(server.url + events, { method: "HEAD", headers: { authorization: `Bearer ${server.token}` } });
  expect([404, 405]).toContain(head.status);
  expect((await server.call("GET", `${events}?after=1`)).body).toMatchObject({ code: "field_invalid", field: "after" });
});

test("[S5] whoever loses the right to read hears no more, at once, and is refused when coming again", async () => {
  const made = (await server.call("POST", "/api/tokens", { name: "short", role: "owner" })).body;
  const id = await begun();
  const heard = await read(
    `/api/conversations/${id}/events`,
    ({ type }) => {
      if (type === "live") void server.call("DELETE", `/api/tokens/${made.id}`);
      return type === "refused";
    },
    { token: made.token },
  );
  expect(heard.at(-1)).toMatchObject({ data: { status: 401 } });
});

test("[S1] [R-G7] whose conversation is erased is told, and is refused when coming again", async () => {
  const id = await begun();
  const heard = await read(`/api/conversations/${id}/events`, ({ type }) => {
    if (type === "live") void server.call("DELETE", `/api/conversations/${id}`);
    return type === "refused";
  });
  expect(heard.slice(-2)).toMatchObject([{ type: "reset", data: { reason: "erased" } }, { data: { status: 404 } }]);
});

test("[C5] a stop of the server does not wait for readers of events, and they are back after it", async () => {
  const id = await begun();
  // How long it takes without readers.
  let from = performance.now();
  server = await server.again();
  line.leadTo(server.url);
  const control = performance.now() - from;
  let took = Infinity;
  const stopping: Promise<void>[] = [];
  const heard = await read(
    `/api/conversations/${id}/events`,
    ({ type, data }) => {
      if (type === "live" && stopping.length === 0) {
        from = performance.now();
        stopping.push(
          server.again().then(async (again) => {
            took = performance.now() - from;
            server = again;
            line.leadTo(again.url);
            await send(id, "after the stop");
          }),
        );
      }
      return type === "message" && data.message.role === "person";
    },
    { base: line.url },
  );
  await Promise.all(stopping);
  expect(heard.filter(({ type }) => type === "resumed")).toHaveLength(2);
  console.log(`stopped and started within ${took.toFixed(0)} ms; without readers ${control.toFixed(0)} ms`);
  expect(took).toBeLessThan(1000 + 5 * control);
});

test("[C4] a reader of events that did not read for 8 MB gets everything, once, when it reads again", { timeout: 60_000 }, async () => {
  const id = await begun();
  const { port } = new URL(server.url);
  const slow: Socket = connect(Number(port), "127.0.0.1");
  await once(slow, "connect");
  slow.pause();
  slow.write(`GET /api/conversations/${id}/events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${server.token}\r\n\r\n`);
  const text = "x".repeat(10_000);
  const count = 400;
  for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, () => send(id, text, "?wait=30")));
  const { epoch } = (await server.call("GET", `/api/conversations/${id}`)).body;
  let seen = "";
  const all = new Promise<void>((resolve) => {
    slow.on("data", (piece: Buffer) => {
      seen += piece.toString("latin1");
      if (seen.slice(-12_000).includes(`id: ${epoch}.${2 * count}\n`)) resolve();
    });
  });
  slow.resume();
  await all;
  slow.destroy();
  const ids = [...seen.matchAll(/^id: \w+\.(\d+)$/gm)].map(([, seq]) => Number(seq));
  expect(ids).toEqual(Array.from({ length: 2 * count }, (_, i) => i + 1));
});

test("the example of docs/events.md prints what is said", async () => {
  const page = readFileSync(new URL("../docs/events.md", import.meta.url), "utf8");
  const example = /^```js\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? "";
  const id = await begun();
  const program = spawn(process.execPath, ["--input-type=module", "--eval", example], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { SKEP: server.url, TOKEN: server.token, CONVERSATION: id },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await send(id, "Hello");
  const lines: string[] = [];
  for await (const said of createInterface({ input: program.stdout })) if (lines.push(said) === 2) break;
  program.kill();
  await once(program, "close");
  expect(lines).toEqual(["1 owner: Hello", "2 echo: Hello"]);
});
