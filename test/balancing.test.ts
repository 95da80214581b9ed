/** Workers and balancing (R-D1 to R-D5), shown with the real program and real processes. A worker's answers begin with its name. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startModelServer } from "./model/model-server.ts";
import { echoBots } from "./support/echo-bots.ts";
import { RecordingSocket } from "./support/recording-socket.ts";
import { startedServer } from "./support/started-server.ts";
import type { Json, StartedServer } from "./support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

const { named, bot, until, ready, add, conversation, ask, answerers, counts, kill, killed, drain } = echoBots(() => server);

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
