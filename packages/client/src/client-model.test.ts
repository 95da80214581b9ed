/** The whole client (connection, outbox, conversation and the I/O around them) against a model of the server, under any schedule of faults. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ClientMessage, Message, Position, ServerMessage } from "@skep/protocol/wire";
import { Refusal } from "@skep/protocol/errors";
import { type Client, connect } from "./client.ts";
import type { Clock } from "./clock.ts";
import type { Socket } from "./connection.ts";
import { memoryStorage } from "./outbox-storage.ts";

const conversation = "c1";
const epoch = "e1";

/** O1-O3, K3, S1-S3 as a server keeps them, for one conversation. Says nothing by itself: answers go to the line that asked. */
class Server {
  readonly log: Message[] = [];
  readonly #last = new Map<string, number>();
  readonly lines = new Set<Line>();

  take(message: ClientMessage, line: Line | null): void {
    if (message.type === "subscribe") {
      const from = message.after?.seq ?? 0;
      if (line) line.subscribed = true;
      line?.say({ type: "resumed", conversation, epoch, from, head: this.log.length });
      for (const one of this.log.slice(from)) line?.say({ type: "message", conversation, message: one });
      line?.say({ type: "live", conversation, seq: this.log.length });
    } else if (message.type === "unsubscribe" && line) line.subscribed = false;
    else if (message.type === "send") line?.say(this.#append(message));
  }

  #append({ key, n = 0, sender = "", text }: Extract<ClientMessage, { type: "send" }>): ServerMessage {
    const known = this.log.findIndex((message) => message.key === key);
    const accepted = (seq: number, duplicate: boolean): ServerMessage => ({
      type: "accepted",
      conversation,
      key,
      epoch,
      seq,
      duplicate,
      turn: null,
    });
    if (known >= 0) return accepted(known + 1, true);
    const expected = (this.#last.get(sender) ?? 0) + 1;
    if (n !== expected) return { type: "refused", conversation, key, error: new Refusal("send_gap", undefined, { expected }).toWire() };
    this.#last.set(sender, n);
    const seq = this.log.length + 1;
    const message: Message = { seq, id: `m${seq}`, role: "person", author: "p", text, key, createdAt: "" };
    this.log.push(message);
    for (const line of this.lines) if (line.subscribed) line.say({ type: "message", conversation, message });
    return accepted(seq, false);
  }
}

/** A socket and the network behind it. */
class Line implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  state: "opening" | "open" | "gone" = "opening";
  greeted = false;
  subscribed = false;
  /** Frames under way. */
  up: string[] = [];
  down: string[] = [];

  send(frame: string): void {
    expect(this.greeted, "nothing is said before hello").toBe(true);
    this.up.push(frame);
  }

  /** By the client. What is under way still arrives, both ways: see `World.ghost`. */
  close(): void {
    this.state = "gone";
  }

  say(message: ServerMessage): void {
    if (this.state === "open") this.down.push(JSON.stringify(message));
  }
}

class World {
  readonly server = new Server();
  readonly storage = memoryStorage();
  readonly sent: string[] = [];
  /** What one who reads got, and one who listens. */
  readonly read: Message[] = [];
  readonly heard: Message[] = [];
  readonly outcomes = new Map<string, { seq: number; duplicate: boolean }>();
  now = 0;
  #timers = new Set<{ at: number; call: () => void }>();
  #lines: Line[] = [];
  client!: Client;

  start(): void {
    const lines: Line[] = [];
    this.#lines = lines;
    const timers = new Set<{ at: number; call: () => void }>();
    this.#timers = timers;
    const clock: Clock = {
      now: () => this.now,
      after: (ms, call) => {
        const timer = { at: this.now + ms, call };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    };
    class ModelSocket extends Line {
      constructor() {
        super();
        lines.push(this);
      }
    }
    this.client = connect({
      url: "http://model",
      WebSocket: ModelSocket,
      clock,
      random: () => 0.5,
      storage: this.storage,
      heldMessages: 1000,
    });
    const last = this.read.at(-1);
    const after: { after?: Position } = last ? { after: { epoch, seq: last.seq } } : {};
    const { client } = this;
    client.conversation(conversation).onChange(({ messages }) => client === this.client && this.heard.push(...messages), after);
    void (async () => {
      for await (const message of client.conversation(conversation).read(after)) if (client === this.client) this.read.push(message);
    })();
  }

  send(): void {
    const text = `text ${this.sent.length + 1}`;
    this.sent.push(text);
    const { client } = this;
    client
      .conversation(conversation)
      .send(text)
      .then(
        (acceptance) => client === this.client && this.outcomes.set(text, acceptance),
        () => {},
      );
  }

  /** The newest socket is what counts; the client may have no other. */
  get line(): Line | null {
    const alive = this.#lines.filter(({ state }) => state !== "gone");
    expect(alive.length, "one socket at a time").toBeLessThanOrEqual(1);
    return alive[0] ?? null;
  }

  open(): void {
    const { line } = this;
    if (line?.state !== "opening") return;
    line.state = "open";
    this.server.lines.add(line);
    line.onopen?.({} as never);
    line.say({ type: "hello", version: 1, node: "n", person: "p", limits: { messageBytes: 10_240, frameBytes: 1_048_576 } });
  }

  /** A frame reaches the server; those of sockets that are gone late, and nobody hears the answer. */
  up(): void {
    const line = this.#lines.find(({ up }) => up.length > 0);
    const frame = line?.up.shift();
    if (!line || frame === undefined) return;
    const parsed = JSON.parse(frame) as ClientMessage | ClientMessage[];
    for (const message of Array.isArray(parsed) ? parsed : [parsed]) this.server.take(message, line.state === "open" ? line : null);
  }

  down(): void {
    const { line } = this;
    const frame = line?.down.shift();
    if (!line || frame === undefined) return;
    line.greeted = true;
    line.onmessage?.({ data: frame });
  }

  cut(code: number): void {
    const { line } = this;
    if (!line) return;
    this.#forget(line);
    line.onclose?.({ code, reason: "" });
    line.onclose = null;
  }

  /** The server hears what was said, and its answers are lost with the line. */
  loseAnswers(): void {
    while (this.line && this.line.up.length > 0) this.up();
    this.cut(1006);
  }

  /** Nothing comes any more, and nobody says so. */
  die(): void {
    const { line } = this;
    if (line?.state !== "open") return;
    line.down = [];
    line.say = () => {};
  }

  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.now) continue;
      this.#timers.delete(timer);
      timer.call();
    }
  }

  /** A socket that the client gave up speaks, or is closed at last. */
  ghost(): void {
    const line = this.#lines.find(({ state, down, onclose }) => state === "gone" && (down.length > 0 || onclose !== null));
    if (!line) return;
    const before = this.client.connection;
    const frame = line.down.shift();
    if (frame !== undefined) line.onmessage?.({ data: frame });
    else {
      line.onclose?.({ code: 1006, reason: "" });
      line.onclose = null;
    }
    expect(this.client.connection, "nobody listens to it").toBe(before);
  }

  /** The server says something twice. */
  again(): void {
    const message = this.server.log.at(-1);
    if (message && this.line?.subscribed === true) this.line.say({ type: "message", conversation, message });
  }

  /** The program is killed and started again: what is in the storage is all that is left. */
  kill(): void {
    for (const line of this.#lines) this.#forget(line);
    this.#lines = [];
    this.start();
  }

  #forget(line: Line): void {
    line.state = "gone";
    line.subscribed = false;
    line.down = [];
    this.server.lines.delete(line);
  }
}

/** Everything that is only waiting for a promise has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const act = fc.oneof(
  { weight: 6, arbitrary: fc.constant("send" as const) },
  { weight: 5, arbitrary: fc.constant("open" as const) },
  { weight: 8, arbitrary: fc.constant("up" as const) },
  { weight: 12, arbitrary: fc.constant("down" as const) },
  { weight: 3, arbitrary: fc.constantFrom(1000, 1006, 4001, 4002) },
  { weight: 1, arbitrary: fc.constant("die" as const) },
  { weight: 2, arbitrary: fc.constant("loseAnswers" as const) },
  { weight: 1, arbitrary: fc.constant("kill" as const) },
  { weight: 3, arbitrary: fc.constant("ghost" as const) },
  { weight: 3, arbitrary: fc.constant("again" as const) },
  { weight: 2, arbitrary: fc.constant("nudge" as const) },
  { weight: 5, arbitrary: fc.constantFrom("soon" as const, "later" as const) },
);

test("[O2] [O3] [K2] [K3] [S1] [C1] [C2] whatever fails and whenever: every send accepted once and in order, everything read once and in order, one socket at a time", async () => {
  let cuts = 0;
  let duplicates = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 100, size: "max" }), async (acts) => {
      const world = new World();
      world.start();
      for (const one of acts) {
        if (typeof one === "number") world.cut(one);
        else if (one === "nudge") world.client.connectNow();
        else if (one === "soon") world.pass(200);
        else if (one === "later") world.pass(20_000);
        else world[one]();
        await settled();
        expect(world.line?.state).not.toBe("gone");
        if (typeof one === "number") cuts++;
      }
      const done = (): boolean =>
        world.client.unsent.length === 0 && world.read.length === world.server.log.length && world.server.log.length === world.sent.length;
      for (let round = 0; !done(); round++) {
        expect(round, "it comes to rest").toBeLessThan(2000);
        world.open();
        world.up();
        world.down();
        world.pass(500);
        await settled();
      }
      expect(world.server.log.map(({ text }) => text)).toEqual(world.sent);
      expect(world.read).toEqual(world.server.log);
      expect(world.heard).toEqual(world.server.log);
      for (const [text, { seq, duplicate }] of world.outcomes) {
        expect(world.server.log[seq - 1]?.text).toBe(text);
        if (duplicate) duplicates++;
      }
      world.client.close();
      await settled();
      expect(world.line).toBeNull();
    }),
    { numRuns: 1000 },
  );
  // The schedules are worth something.
  expect(cuts).toBeGreaterThan(100);
  expect(duplicates).toBeGreaterThan(10);
});
