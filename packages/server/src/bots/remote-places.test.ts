/** Workers and the programs that connect as them, on simulated time. The sockets are in `ws/bot-connection.test.ts` and `test/remote.test.ts`. */
import type { CloseName } from "@skep/protocol";
import type { FromBot, ToBot } from "@skep/protocol/bot";
import { beforeEach, describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { SimulatedClock, SimulatedTime } from "../simulation/simulated-time.ts";
import { Tick } from "../tick.ts";
import type { RemoteListener, RemoteProgram } from "./remote-channel.ts";
import { RemotePlaces } from "./remote-places.ts";
import { Worker } from "./worker.ts";

let clock: SimulatedClock;
let time: SimulatedTime;
let places: RemotePlaces;
let ended: string[];
let notes: string[];
/** Turns as they were told to end. */
let turns: string[];

beforeEach(() => {
  clock = new SimulatedClock();
  time = new SimulatedTime(clock, new Random(1));
  places = new RemotePlaces({ bot: "far", time, flusher: new Tick(time) });
  ended = [];
  notes = [];
  turns = [];
});

const pass = async (ms: number): Promise<void> => {
  const until = clock.now + ms;
  while (await clock.step(until));
  clock.now = until;
};

function newWorker(): Worker {
  const worker: Worker = new Worker({
    bot: "far",
    open: (events) => places.open(events),
    botOptions: {},
    restart: { policy: "never", maxRestarts: 0, windowMs: 1000 },
    concurrency: 16,
    time,
    turns: {
      delta: (token, text) => void turns.push(`${token}: ${text}`),
      answer: (token, text) => void turns.push(`${token} answered: ${text}`),
      failed: (token, { reason, lost }) => void turns.push(`${token} failed: ${reason}${lost ? " (lost)" : ""}`),
      status: () => {},
      thought: () => {},
      part: () => {},
      permission: () => {},
      stuck: () => {},
    },
    watch: { heartbeatMs: 2000, progressMs: 0, memoryMb: 0 },
    memoryOf: () => () => null,
    note: () => {},
    started: () => {},
    ended: () => {},
    log: (_source, _level, text) => void notes.push(text),
    changed: () => {},
    room: () => {},
  });
  worker.start();
  return worker;
}

/** The door's side: a program with its socket left out. */
class Program implements RemoteProgram {
  readonly name: string;
  closed = false;
  heardAt = clock.now;
  unsent = 0;
  readonly got: ToBot[] = [];
  #listener: RemoteListener | null = null;

  constructor(name: string) {
    this.name = name;
    places.connect(this);
  }
  send(text: string): void {
    for (const line of text.split("\n")) this.got.push(JSON.parse(line) as ToBot);
  }
  attend(listener: RemoteListener): void {
    this.#listener = listener;
  }
  end(why: CloseName, reason: string): void {
    ended.push(`${this.name}: ${why}, ${reason}`);
    this.closed = true;
    this.#listener = null;
  }
  say(line: FromBot): void {
    this.heardAt = clock.now;
    this.#listener?.line(JSON.stringify(line));
  }
  hello(): this {
    this.say({ type: "hello", protocol: 1 });
    return this;
  }
  leave(): void {
    this.closed = true;
    this.#listener?.gone("hung up");
  }
}

const request = { attempt: 1, conversation: "c", author: "ann", text: "hi" };

test("[B6] a day without a program is neither a restart nor a failure, whatever the restart policy is", async () => {
  const worker = newWorker();
  await pass(86_400_000);
  expect(worker).toMatchObject({ state: "starting", reason: expect.stringContaining("skep bot token far") });
  const program = new Program("a").hello();
  expect(worker.state).toBe("ready");
  await pass(0);
  expect(program.got[0]).toMatchObject({ type: "hello", bot: "far" });
});

test("one that does not say hello within 15 s has to come again; until then the time does not count", async () => {
  const worker = newWorker();
  await pass(60_000);
  new Program("a");
  await pass(14_999);
  expect(ended).toEqual([]);
  await pass(2);
  expect(ended).toEqual(["a: ended, did not say hello within 15 s"]);
  expect(worker).toMatchObject({ state: "starting", reason: expect.stringContaining("its program did not say hello within 15 s") });
  new Program("b").hello();
  await pass(60_000);
  expect(worker.state).toBe("ready");
});

test("[B4] a program that was replaced has lost its turn, and what it says is nothing", async () => {
  const worker = newWorker();
  const old = new Program("old").hello();
  worker.reserve().give({ ...request, token: "t1" });
  old.say({ type: "delta", turn: "t1", text: "a" });
  const newer = new Program("newer").hello();
  expect(turns).toEqual(["t1: a", "t1 failed: The bot was replaced by a newer connection (lost)"]);
  worker.reserve().give({ ...request, token: "t2" });
  old.say({ type: "answer", turn: "t2", text: "from the grave" });
  newer.say({ type: "answer", turn: "t1", text: "not its turn" });
  newer.say({ type: "answer", turn: "t2", text: "right" });
  expect(turns.slice(2)).toEqual(["t2 answered: right"]);
  expect(ended).toEqual(["old: replaced, a newer connection of this bot has taken over"]);
});

test("of several the one that was silent for longest is replaced", async () => {
  places.limit = 3;
  const workers = [newWorker(), newWorker(), newWorker()];
  const [a, b, c] = ["a", "b", "c"].map((name) => new Program(name).hello());
  await pass(1000);
  a?.say({ type: "heartbeat" });
  await pass(1000);
  c?.say({ type: "heartbeat" });
  new Program("d").hello();
  expect(ended.map((each) => each.slice(0, 1))).toEqual([b?.name]);
  expect(workers.map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
});

describe("a bot that is stopped", () => {
  test("lets its program go, and ends when it has", async () => {
    const worker = newWorker();
    new Program("a").hello();
    let stopped = false;
    void worker.stop("by hand").then(() => (stopped = true));
    await pass(1);
    expect({ stopped, state: worker.state, ended }).toEqual({
      stopped: true,
      state: "stopped",
      ended: ["a: ended, the bot was stopped; connect again"],
    });
  });

  test("ends at once when there is none", async () => {
    const worker = newWorker();
    let stopped = false;
    void worker.stop("by hand").then(() => (stopped = true));
    await pass(1);
    expect({ stopped, state: worker.state, reason: worker.reason }).toEqual({ stopped: true, state: "stopped", reason: "by hand" });
  });

  test("has a place for as many programs as it has workers: they hear nothing, and are served when it starts", async () => {
    const [a, b] = [new Program("a"), new Program("b")];
    expect(ended).toEqual(["a: replaced, a newer connection of this bot has taken over"]);
    const worker = newWorker();
    b.hello();
    await pass(0);
    expect([a.got.length, b.got.length, worker.state]).toEqual([0, 1, "ready"]);
  });

  test("forgets those that went before it started", async () => {
    new Program("a").leave();
    const worker = newWorker();
    expect(worker.state).toBe("starting");
    new Program("b").hello();
    expect(worker.state).toBe("ready");
  });

  test("lets them all go when it is removed", () => {
    new Program("a");
    places.close();
    expect(ended).toEqual(["a: not_allowed, there is no such bot any more"]);
  });
});

test("[B6] 1,000 programs that come and go at once: always back, no timer left behind", async () => {
  const worker = newWorker();
  for (let round = 0; round < 1000; round++) new Program("a").hello().leave();
  expect(worker).toMatchObject({ state: "starting", status: { restarts: 0 } });
  expect(await clock.step(Number.POSITIVE_INFINITY).then(() => clock.step(Number.POSITIVE_INFINITY))).toBe(false);
});

test("garbage counts until a line of the protocol comes; too much of it ends the connection for good", async () => {
  const worker = newWorker();
  const program = new Program("a").hello();
  for (let i = 0; i < 10_000; i++) program.say("x" as unknown as FromBot);
  program.say({ type: "heartbeat" });
  for (let i = 0; i < 10_000; i++) program.say("x" as unknown as FromBot);
  expect(worker.state).toBe("ready");
  for (let i = 0; i < 10_000; i++) program.say("x" as unknown as FromBot);
  await pass(0);
  expect(ended).toEqual(["a: protocol, said nothing but what is not the bot protocol"]);
  expect(worker.state).toBe("starting");
});
