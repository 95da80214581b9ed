/** Workers and balancing (R-D1 to R-D5, K5), shown with the real program and real processes. A worker's answers begin with its name. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startModelServer } from "./model/model-server.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { startedServer } from "./support/started-server.ts";
import type { Json, StartedServer } from "./support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

/** Workers whose answers begin with their names. */
const named = (names: string, weights: readonly number[] = [], options: object = {}): object[] =>
  names.split("").map((name, i) => ({ name, weight: weights[i] ?? 1, options: { ...options, prefix: `${name}:` } }));

const bot = async (name: string): Promise<Json> => (await server.call("GET", `/api/bots/${name}`)).body;

/** Asks again until there is something; the bound is for a bug, not for a measurement. */
async function until<T>(look: () => Promise<T | undefined | false>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const ready = (name: string): Promise<true> =>
  until(async () => (await bot(name)).processes.every((worker: Json) => worker.state === "ready") && true);

/** An echo bot, when all of its workers are ready. */
async function add(name: string, fields: object): Promise<void> {
  const { limits, restart, ...rest } = fields as { limits?: object; restart?: object };
  const body = { name, kind: "echo", restart: { maxRestarts: 10_000, ...restart }, limits: { attempts: 100, ...limits }, ...rest };
  const made = await server.call("POST", "/api/bots", body);
  expect(made.body).toMatchObject({ name });
  await ready(name);
}

const conversation = async (name: string): Promise<string> => (await server.call("POST", "/api/conversations", { bot: name })).body.id;
const ask = async (id: string, text = "hi"): Promise<Json> =>
  (await server.call("POST", `/api/conversations/${id}/messages?wait=60`, { text })).body.answer;
/** The names of the workers that answered, one after the other. */
async function answerers(id: string, times: number): Promise<string> {
  let names = "";
  for (let i = 0; i < times; i++) names += (await ask(id)).text.slice(0, 1);
  return names;
}
const counts = (names: Iterable<string>): Record<string, number> => {
  const all: Record<string, number> = {};
  for (const name of names) all[name] = (all[name] ?? 0) + 1;
  return all;
};
const kill = async (name: string, worker: string): Promise<void> => {
  const { pid } = (await bot(name)).processes.find((one: Json) => one.name === worker);
  process.kill(pid, "SIGKILL");
};
/** @returns false when it was gone already. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
const drain = (name: string, worker: string, verb = "drain"): ReturnType<StartedServer["call"]> =>
  server.call("POST", `/api/bots/${name}/workers/${worker}/${verb}`);

describe("round robin", () => {
  test("[R-D1] is exact: while all are there, while one is drained, while one is dead, and when they are back", async () => {
    await add("robin", { workers: named("ABC"), balance: "round-robin", restart: { policy: "never" } });
    const id = await conversation("robin");
    expect(await answerers(id, 12)).toBe("ABCABCABCABC");
    await drain("robin", "B");
    expect(counts(await answerers(id, 10))).toEqual({ A: 5, C: 5 });
    await drain("robin", "B", "undrain");
    expect(counts(await answerers(id, 12))).toEqual({ A: 4, B: 4, C: 4 });
    await kill("robin", "A");
    await until(async () => (await bot("robin")).processes[0].state === "stopped" && true);
    expect(counts(await answerers(id, 10))).toEqual({ B: 5, C: 5 });
    await server.call("POST", "/api/bots/robin/start");
    await ready("robin");
    expect(counts(await answerers(id, 12))).toEqual({ A: 4, B: 4, C: 4 });
  });

  test("[R-D1] is exact for 300 messages that come at once, also where a bot would take the messages of a conversation ahead", async () => {
    await add("rush", { workers: named("ABC"), balance: "round-robin" });
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => conversation("rush")));
    const answers = await Promise.all(ids.flatMap((id) => Array.from({ length: 60 }, () => ask(id))));
    expect(counts(answers.map(({ text }) => text.slice(0, 1)))).toEqual({ A: 100, B: 100, C: 100 });
  });
});

describe("weighted", () => {
  test("[R-D2] 50/30/20 is exact over every 10 messages, wherever one begins to count", async () => {
    await add("weighted", { workers: named("ABC", [50, 30, 20]), balance: "weighted" });
    const names = await answerers(await conversation("weighted"), 100);
    for (let from = 0; from + 10 <= names.length; from++) {
      expect(counts(names.slice(from, from + 10))).toEqual({ A: 5, B: 3, C: 2 });
    }
  });

  test("[R-D2] 50/30/20 is exact under more load than there are places, and a slow worker holds up only what is meant for it", async () => {
    const workers = named("ABC", [50, 30, 20]) as { options: object }[];
    if (workers[2]) workers[2].options = { prefix: "C:", delayMs: 300 };
    await add("crowd", { workers, balance: "weighted", limits: { concurrency: 1 } });
    const ended: string[] = [];
    const ids = await Promise.all(Array.from({ length: 50 }, () => conversation("crowd")));
    await Promise.all(ids.map(async (id) => ended.push((await ask(id)).text.slice(0, 1))));
    expect(counts(ended)).toEqual({ A: 25, B: 15, C: 10 });
    // Most of C's ten come last: the others did not wait for them.
    expect(counts(ended.slice(0, 40))["C"] ?? 0).toBeLessThanOrEqual(5);
  });
});

describe("sticky", () => {
  test("[R-D3] a conversation stays with its worker until that dies, then gets another one and stays there; nobody else moves", async () => {
    await add("sticky", { workers: named("ABC"), balance: "sticky-conversation" });
    const ids = await Promise.all(Array.from({ length: 9 }, () => conversation("sticky")));
    const at = async (): Promise<string[]> => Promise.all(ids.map((id) => answerers(id, 2)));
    const before = await at();
    expect(counts(before)).toEqual({ AA: 3, BB: 3, CC: 3 });
    expect(await at()).toEqual(before);
    const { pid } = (await bot("sticky")).processes[0];
    await kill("sticky", "A");
    await until(async () => {
      const [first] = (await bot("sticky")).processes;
      return first.pid !== pid && first.state === "ready";
    });
    const after = await at();
    for (const [i, names] of before.entries()) {
      if (names === "AA") expect(["BB", "CC"]).toContain(after[i]);
      else expect(after[i]).toBe(names);
    }
    expect(await at()).toEqual(after);
  });

  test("[R-D3] all conversations of a person have one worker", async () => {
    await add("personal", { workers: named("ABC"), balance: "sticky-person" });
    const ids = await Promise.all([1, 2, 3, 4].map(() => conversation("personal")));
    const names = await Promise.all(ids.map((id) => answerers(id, 2)));
    expect(new Set(names).size).toBe(1);
  });

  test("[R-D3] a turn waits for its worker while that is busy but well, and holds up nobody else", async () => {
    await add("patient", { workers: named("AB"), balance: "sticky-conversation", limits: { concurrency: 1 } });
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => conversation("patient")));
    const homes: string[] = [];
    for (const id of [first, second, third]) homes.push(await answerers(id ?? "", 1));
    expect(homes).toEqual(["A", "B", "A"]);
    const long = (await server.call("POST", `/api/conversations/${first}/messages`, { text: "/stall" })).body;
    await until(async () => (await bot("patient")).processes[0].load === 1);
    const waits = ask(third ?? "");
    await until(async () => (await bot("patient")).processes[0].waiting === 1);
    expect((await ask(second ?? "")).text).toBe("B:hi");
    expect((await bot("patient")).processes).toMatchObject([
      { load: 1, waiting: 1 },
      { load: 0, waiting: 0 },
    ]);
    await server.call("POST", `/api/conversations/${first}/turns/${long.turn}/cancel`);
    expect((await waits).text).toBe("A:hi");
  });
});

describe("least busy", () => {
  test("[R-D4] turns go where the least work is for the weight", async () => {
    await add("busy", { workers: named("ABC", [2, 1, 1]) });
    const ids = await Promise.all(Array.from({ length: 8 }, () => conversation("busy")));
    const waiting = [];
    for (const [i, id] of ids.entries()) {
      waiting.push(ask(id, "/stall"));
      await until(async () => (await bot("busy")).running === i + 1);
    }
    expect((await bot("busy")).processes.map(({ name, load }: Json) => [name, load])).toEqual([
      ["A", 4],
      ["B", 2],
      ["C", 2],
    ]);
    await server.call("DELETE", "/api/bots/busy");
    expect((await Promise.all(waiting)).map(({ outcome }) => outcome)).toEqual(ids.map(() => "failed"));
  });
});

describe("failover", () => {
  test("[R-D5] three workers, one of them killed in mid-answer again and again: every message is answered exactly once", async () => {
    await add("mortal", { workers: named("ABC", [], { pieces: 50, pieceMs: 4 }), balance: "round-robin" });
    const ids = await Promise.all(Array.from({ length: 12 }, () => conversation("mortal")));
    // Of many lengths, so that answers end one by one.
    const texts = Array.from({ length: 10 }, (_, n) => `message ${n}${" and more".repeat((n * 7) % 5)}`);
    let answered = 0;
    const talks = Promise.all(
      ids.map(async (id) => {
        for (const text of texts) {
          expect(await ask(id, text)).toMatchObject({ text: expect.stringContaining(`:${text}`) as unknown, outcome: "completed" });
          answered++;
        }
      }),
    );
    // One after the other, each in the middle of its answers; in between somebody is answered, as bots that never answer are left alone for longer.
    const all = ids.length * texts.length;
    let kills = 0;
    const killOne = async (): Promise<void> => {
      const before = answered;
      if (before === all) return;
      const { processes } = await bot("mortal");
      const working = processes.filter(({ running, pid }: Json) => running > 0 && pid !== null);
      if (working.length > 0 && killed(working[kills % working.length].pid)) {
        kills++;
        await until(async () => answered > before);
      }
      return killOne();
    };
    const killing = killOne();
    await Promise.all([talks, killing]);
    expect(kills).toBeGreaterThan(10);
    for (const id of ids) {
      const { messages } = (await server.call("GET", `/api/conversations/${id}/messages?limit=500`)).body;
      expect(messages.map(({ role }: Json) => role)).toEqual(texts.flatMap(() => ["person", "bot"]));
      expect(messages.filter(({ role }: Json) => role === "bot").map(({ text }: Json) => text.slice(2))).toEqual(texts);
    }
    console.log(`R-D5: ${kills} kills, ${ids.length * texts.length} messages, each answered once`);
  });

  test("[R-D5] what a dead worker had is taken over at once by another one, long before its own process is back", async () => {
    await add("quick", { workers: named("AB", [], { startMs: 4000 }), balance: "sticky-conversation" });
    const id = await conversation("quick");
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.send(id, "/crash-after 3 1");
    const interrupted = await socket.until((m) => m.type === "stream-ended" && m.outcome === "interrupted");
    expect(interrupted).toBeDefined();
    const answer = await socket.when(() => socket.messages().find(({ role }) => role === "bot"));
    expect(answer.outcome).toBe("completed");
    expect((await bot("quick")).processes.map(({ state }: Json) => state)).toContain("starting");
    await socket.close();
  });

  test("[R-D5] a model host that fails is taken out, others answer, and it is taken back once it answers again", async () => {
    const [good, mended] = await Promise.all([startModelServer(), startModelServer()]);
    const { port, url } = mended;
    await mended.close();
    const made = await server.call("POST", "/api/bots", {
      name: "hosts",
      kind: "ollama",
      options: { model: "stand-in" },
      balance: "round-robin",
      workers: [
        { name: "good", options: { url: good.url } },
        { name: "broken", options: { url } },
      ],
    });
    expect(made.status).toBe(201);
    await ready("hosts");
    const id = await conversation("hosts");
    const health = async (): Promise<string> => (await bot("hosts")).processes[1].health;
    for (let i = 0; i < 4; i++) expect((await ask(id)).outcome).toBe("completed");
    await until(async () => ((await health()) === "out" ? true : (expect((await ask(id)).outcome).toBe("completed"), false)));
    const again = await startModelServer({ port });
    await until(async () => {
      expect((await ask(id)).outcome).toBe("completed");
      return (await health()) === "in";
    });
    expect(again.requests.length).toBeGreaterThan(0);
    await server.call("DELETE", "/api/bots/hosts");
    await Promise.all([good.close(), again.close()]);
  });

  test("[R-D5] the only worker is never taken out: the pauses between the attempts are those of the turn alone", async () => {
    await add("alone", { workers: named("A"), limits: { attempts: 1 } });
    const id = await conversation("alone");
    for (let i = 0; i < 5; i++) expect((await ask(id, "/fail no luck")).outcome).toBe("failed");
    expect((await bot("alone")).processes[0].health).toBe("in");
    expect((await ask(id)).text).toBe("A:hi");
  });
});

describe("drain", () => {
  test("[R-D5] a drained worker ends what it has and gets nothing new, also after a restart; nothing is lost", async () => {
    await add("drained", { workers: named("AB"), balance: "sticky-conversation" });
    const id = await conversation("drained");
    expect(await answerers(id, 1)).toBe("A");
    const socket = await RecordingSocket.open(server);
    await socket.follow(id);
    socket.send(id, "/stream 100 20");
    await socket.until((m) => m.type === "delta");
    socket.send(id, "behind it");
    expect((await drain("drained", "A")).body.processes[0]).toMatchObject({ name: "A", drained: true, load: 1 });
    const answers = await socket.when(() => {
      const all = socket.messages().filter(({ role, seq }) => role === "bot" && seq > 2);
      return all.length === 2 && all;
    });
    expect(answers[1]?.text).toBe("B:behind it");
    expect(socket.of("stream-ended").map(({ outcome }) => outcome)).toEqual(["completed"]);
    expect(await answerers(await conversation("drained"), 3)).toBe("BBB");

    // With nobody left, messages wait.
    await drain("drained", "B");
    socket.send(id, "patience");
    await socket.until((m) => m.type === "accepted" && m.seq === 7);
    expect(await bot("drained")).toMatchObject({ queued: 1, running: 0 });
    await drain("drained", "B", "undrain");
    await socket.when(() => socket.messages().find(({ text }) => text === "B:patience"));
    await socket.close();

    server = await server.again();
    await ready("drained");
    expect((await bot("drained")).processes.map(({ drained }: Json) => drained)).toEqual([true, false]);
    expect(await answerers(await conversation("drained"), 3)).toBe("BBB");
    expect((await drain("drained", "C")).body).toMatchObject({ status: 404, detail: expect.stringContaining("A, B") as unknown });
  });
});

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
