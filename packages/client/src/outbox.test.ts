import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Refusal, type WireError } from "@skep/protocol/errors";
import {
  emptyOutbox,
  type Outbox,
  type OutboxEffect,
  type OutboxEvent,
  outboxDueAt,
  outboxFrom,
  type OutboxRecord,
  outboxStep,
  recordOf,
} from "./outbox.ts";

const conversation = "c1";
type Transmit = Extract<OutboxEffect, { type: "transmit" }>;
type Answer = Extract<OutboxEvent, { type: "accepted" | "queued" | "refused" }>;

/** O3 and K3 as a server keeps them, for one conversation: what an outbox is checked against. */
class Server {
  log: { key: string; text: string }[] = [];
  last = new Map<string, number>();

  take(send: Transmit, sender: string, mood: "fine" | "busy"): Answer {
    const { key, n, text } = send;
    const refuse = (code: WireError["code"], extra: { expected?: number; retryAfterMs?: number } = {}): Answer => ({
      type: "refused",
      conversation,
      key,
      error: new Refusal(code, undefined, extra).toWire(),
    });
    const known = this.log.findIndex((message) => message.key === key);
    const accept = (at: number, duplicate: boolean): Answer => ({
      type: "accepted",
      conversation,
      key,
      epoch: "e",
      seq: at + 1,
      duplicate,
      turn: null,
    });
    if (known >= 0) return this.log[known]?.text === text ? accept(known, true) : refuse("key_conflict");
    const expected = (this.last.get(sender) ?? 0) + 1;
    if (n !== expected) return refuse("send_gap", { expected });
    if (text.startsWith("bad")) return refuse("message_too_large");
    if (mood === "busy") return refuse("busy", { retryAfterMs: 100 });
    this.last.set(sender, n);
    this.log.push({ key, text });
    return accept(this.log.length - 1, false);
  }
}

/** An outbox, a server and what is under way between them. Old connections may still deliver after they were given up. */
class Link {
  server = new Server();
  outbox: Outbox;
  toServer: Transmit[] = [];
  toClient: Answer[] = [];
  halfOpen: Transmit[][] = [];
  now = 0;
  added: string[] = [];
  outcomes = new Map<string, string>();
  transmitted = 0;
  saved: OutboxRecord;

  constructor() {
    this.outbox = emptyOutbox("s1");
    this.saved = recordOf(this.outbox);
  }

  tell(event: OutboxEvent): void {
    const step = outboxStep(this.outbox, event, { now: this.now, random: 0.5, window: 4, backOff: { baseMs: 250, capMs: 15_000 } });
    this.outbox = step.outbox;
    this.saved = recordOf(this.outbox);
    for (const effect of step.effects) {
      if (effect.type === "transmit") {
        this.transmitted++;
        this.toServer.push(effect);
      } else {
        expect(this.outcomes.has(effect.key), "settled once").toBe(false);
        this.outcomes.set(effect.key, effect.type);
        if (effect.type === "accepted") expect(this.server.log[effect.acceptance.seq - 1]?.key).toBe(effect.key);
      }
    }
  }

  add(bad: boolean): void {
    const key = `k${this.added.length}`;
    this.added.push(key);
    this.tell({ type: "add", conversation, key, text: (bad ? "bad " : "good ") + key });
  }

  serve(mood: "fine" | "busy"): void {
    const send = this.toServer.shift();
    if (send) this.toClient.push(this.server.take(send, this.outbox.sender, mood));
  }

  answer(): void {
    const answer = this.toClient.shift();
    if (answer) this.tell(answer);
  }

  cut(): void {
    if (!this.outbox.connected) return;
    this.halfOpen.push(this.toServer);
    this.toServer = [];
    this.toClient = [];
    this.tell({ type: "disconnected" });
  }

  /** What an old connection still had in it reaches the server now; nobody hears the answer. */
  late(): void {
    const old = this.halfOpen[0];
    const send = old?.shift();
    if (send) this.server.take(send, this.outbox.sender, "fine");
    if (old?.length === 0) this.halfOpen.shift();
  }

  restart(): void {
    this.cut();
    this.outbox = outboxFrom(JSON.parse(JSON.stringify(this.saved)) as OutboxRecord);
  }

  wait(): void {
    const due = outboxDueAt(this.outbox);
    if (due !== null) {
      this.now = due;
      this.tell({ type: "timer" });
    }
  }

  settle(): void {
    if (!this.outbox.connected) this.tell({ type: "connected" });
    for (let i = 0; i < 10_000; i++) {
      if (this.toServer.length > 0) this.serve("fine");
      else if (this.toClient.length > 0) this.answer();
      else if (outboxDueAt(this.outbox) !== null) this.wait();
      else return;
    }
    throw new Error("the outbox does not come to rest");
  }
}

const act = fc.oneof(
  { weight: 6, arbitrary: fc.constant("add" as const) },
  { weight: 1, arbitrary: fc.constant("add bad" as const) },
  { weight: 6, arbitrary: fc.constant("serve" as const) },
  { weight: 2, arbitrary: fc.constant("serve busy" as const) },
  { weight: 6, arbitrary: fc.constant("answer" as const) },
  { weight: 2, arbitrary: fc.constant("cut" as const) },
  { weight: 3, arbitrary: fc.constant("connect" as const) },
  { weight: 2, arbitrary: fc.constant("late" as const) },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
  { weight: 2, arbitrary: fc.constant("wait" as const) },
);

function run(link: Link, acts: readonly string[]): void {
  for (const one of acts) {
    if (one === "add") link.add(false);
    else if (one === "add bad") link.add(true);
    else if (one === "serve") link.serve("fine");
    else if (one === "serve busy") link.serve("busy");
    else if (one === "answer") link.answer();
    else if (one === "cut") link.cut();
    else if (one === "connect" && !link.outbox.connected) link.tell({ type: "connected" });
    else if (one === "late") link.late();
    else if (one === "restart") link.restart();
    else if (one === "wait") link.wait();
  }
}

test("[O3] [K2] [K3] under any schedule of cuts, late frames, restarts, busy and refused sends: each accepted once, in order", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120, size: "max" }), (acts) => {
      const link = new Link();
      run(link, acts);
      link.settle();
      const good = link.added.filter((key) => link.outcomes.get(key) !== "refused");
      expect(link.server.log.map((message) => message.key)).toEqual(good);
      expect(link.server.log.every((message) => message.text.startsWith("good"))).toBe(true);
      expect([...link.outcomes.keys()].sort()).toEqual([...link.added].sort());
      expect(link.outbox.lanes.get(conversation)?.sends ?? []).toEqual([]);
    }),
    { numRuns: 5000 },
  );
});

test("[O3] a server whose log was restored from an older backup is sent the rest in order", () => {
  fc.assert(
    fc.property(
      fc.array(act, { maxLength: 40, size: "max" }),
      fc.nat(10),
      fc.array(act, { maxLength: 40, size: "max" }),
      (before, kept, after) => {
        const link = new Link();
        run(link, before);
        link.cut();
        link.halfOpen = [];
        const answered = new Set(link.outcomes.keys());
        link.server.log = link.server.log.slice(0, kept);
        link.server.last.set("s1", link.server.log.length);
        const restored = link.server.log.length;
        run(link, after);
        link.settle();
        const rest = link.server.log.slice(restored).map((message) => message.key);
        const wanted = link.added.filter(
          (key) =>
            !answered.has(key) && link.outcomes.get(key) === "accepted" && !link.server.log.slice(0, restored).some((m) => m.key === key),
        );
        expect(rest).toEqual(wanted);
      },
    ),
    { numRuns: 2000 },
  );
});

test("[O3] a send that was accepted before one that had been put off: those behind it do not overtake each other", () => {
  const link = new Link();
  // k0 arrives twice: the second is refused, then the first comes late and is taken; k1 follows it.
  run(link, ["connect", "add", "cut", "connect", "serve busy", "late", "add", "answer", "add", "add"]);
  link.settle();
  expect(link.server.log.map(({ key }) => key)).toEqual(["k0", "k1", "k2", "k3"]);
});

test("[O3] an outbox that was saved too long ago still sends in order: its numbers may be those of sends that it does not know", () => {
  const link = new Link();
  run(link, ["connect", "add", "serve", "answer"]);
  const old = link.saved;
  run(link, ["add", "add", "serve", "serve", "answer", "answer"]);
  link.cut();
  link.outbox = outboxFrom(old);
  for (let i = 0; i < 4; i++) link.add(false);
  link.settle();
  expect(link.server.log.map(({ key }) => key)).toEqual(["k0", "k1", "k2", "k3", "k4", "k5", "k6"]);
});

test("[O3] a refusal in the middle costs one more round, not one for each send behind it", () => {
  const link = new Link();
  link.tell({ type: "connected" });
  link.add(true);
  for (let i = 0; i < 100; i++) link.add(false);
  link.settle();
  expect(link.server.log).toHaveLength(100);
  expect(link.transmitted).toBeLessThanOrEqual(101 + 4);
});

test("[K5] a busy server is left alone for the time that it asked for, and nothing overtakes", () => {
  const link = new Link();
  link.tell({ type: "connected" });
  link.add(false);
  link.add(false);
  link.serve("busy");
  link.serve("fine");
  link.answer();
  link.answer();
  expect(link.toServer).toEqual([]);
  link.add(false);
  expect(link.toServer).toEqual([]);
  expect(outboxDueAt(link.outbox)).toBeGreaterThanOrEqual(100);
  expect(link.outbox.lanes.get(conversation)?.waitingFor?.code).toBe("busy");
  link.wait();
  expect(link.toServer.map(({ key, n }) => [key, n])).toEqual([
    ["k0", 1],
    ["k1", 2],
    ["k2", 3],
  ]);
});

test("[K6] a queued send stays until it is accepted, and is asked for again after a cut", () => {
  const link = new Link();
  link.tell({ type: "connected" });
  link.add(false);
  link.tell({ type: "queued", conversation, key: "k0" });
  expect(link.outbox.lanes.get(conversation)?.sends[0]?.state).toBe("queued");
  link.cut();
  link.tell({ type: "connected" });
  expect(link.toServer).toMatchObject([{ key: "k0", n: 1 }]);
});

test("[O3] a server that names a gap for ever is asked less and less often, and nothing is given up", () => {
  const link = new Link();
  link.tell({ type: "connected" });
  link.add(false);
  for (let i = 0; i < 50; i++) {
    const send = link.toServer.shift();
    if (!send) {
      link.wait();
      continue;
    }
    const error: WireError = { code: "send_gap", status: 409, detail: "", expected: send.n + 1 };
    link.tell({ type: "refused", conversation, key: send.key, error });
  }
  expect(link.outbox.lanes.get(conversation)?.sends).toHaveLength(1);
  expect(link.now).toBeGreaterThan(30_000);
});

test("[K2] a send that fails inside the server time and again is refused in the end, so that it does not hold up the rest", () => {
  const link = new Link();
  link.tell({ type: "connected" });
  link.add(false);
  const error: WireError = { code: "internal", status: 500, detail: "" };
  for (let i = 0; i < 20 && !link.outcomes.has("k0"); i++) {
    if (link.toServer.shift()) link.tell({ type: "refused", conversation, key: "k0", error });
    link.wait();
  }
  expect(link.outcomes.get("k0")).toBe("refused");
});
