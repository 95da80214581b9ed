import { expect, test } from "vitest";
import type { ClientMessage, Message, ServerMessage } from "@skep/protocol/wire";
import { connect } from "./client.ts";
import type { Clock } from "./clock.ts";
import type { Socket } from "./connection.ts";
import { HistoryReset } from "./history-reset.ts";
import type { TurnPart } from "./follow-turn.ts";
import { memoryStorage } from "./outbox-storage.ts";

/** The other end of the sockets that a client opens; says only what a test says. */
class Line {
  sockets: { socket: Socket; frames: ClientMessage[][]; closed: boolean }[] = [];
  now = 0;
  timers = new Set<{ at: number; call: () => void }>();
  readonly clock: Clock = {
    now: () => this.now,
    after: (ms, call) => {
      const timer = { at: this.now + ms, call };
      this.timers.add(timer);
      return () => this.timers.delete(timer);
    },
  };
  readonly Socket: new (url: string) => Socket;

  constructor() {
    const { sockets } = this;
    this.Socket = class implements Socket {
      onopen: ((event: never) => void) | null = null;
      onmessage: ((event: { data: unknown }) => void) | null = null;
      onclose: ((event: { code: number; reason: string }) => void) | null = null;
      onerror: ((event: never) => void) | null = null;
      readonly #mine = { socket: this as Socket, frames: [] as ClientMessage[][], closed: false };

      constructor() {
        sockets.push(this.#mine);
      }

      send(frame: string): void {
        const parsed = JSON.parse(frame) as ClientMessage | ClientMessage[];
        this.#mine.frames.push(Array.isArray(parsed) ? parsed : [parsed]);
      }

      close(): void {
        this.#mine.closed = true;
      }
    };
  }

  get last() {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }

  /** What was sent on the newest socket since this was asked last. */
  heard(): ClientMessage[][] {
    return this.last.frames.splice(0);
  }

  async open(): Promise<void> {
    this.last.socket.onopen?.({} as never);
    await this.say({ type: "hello", version: 1, node: "n1", person: "owner", limits: { messageBytes: 10_240, frameBytes: 1_048_576 } });
  }

  async say(...messages: ServerMessage[]): Promise<void> {
    this.last.socket.onmessage?.({ data: JSON.stringify(messages) });
    await settled();
  }

  async cut(code = 1006): Promise<void> {
    this.last.socket.onclose?.({ code, reason: "" });
    await settled();
  }

  async pass(ms: number): Promise<void> {
    this.now += ms;
    for (const timer of this.timers) {
      if (timer.at > this.now) continue;
      this.timers.delete(timer);
      timer.call();
    }
    await settled();
  }
}

/** Everything that is only waiting for a promise has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const conversation = "c1";
const messageOf = (seq: number, extra: Partial<Message> = {}): ServerMessage => ({
  type: "message",
  conversation,
  message: { seq, id: `m${seq}`, role: "person", author: "owner", text: `text ${seq}`, createdAt: "", ...extra },
});
const resumed = (from: number, head: number): ServerMessage => ({ type: "resumed", conversation, epoch: "e", from, head });
const live = (seq: number): ServerMessage => ({ type: "live", conversation, seq });

function begin(token?: string) {
  const line = new Line();
  const storage = memoryStorage();
  const client = connect({
    url: "http://127.0.0.1:8000",
    WebSocket: line.Socket,
    clock: line.clock,
    random: () => 0.5,
    storage,
    ...(token ? { token } : {}),
  });
  return { line, client, storage };
}

test("[C2] nothing is said before hello but who we are; then all of one tick goes out in one frame", async () => {
  const { line, client } = begin("secret");
  const stop = client.conversation(conversation).onChange(() => {});
  const sent = [client.conversation(conversation).send("one"), client.conversation(conversation).send("two")];
  for (const one of sent) one.catch(() => {});
  line.last.socket.onopen?.({} as never);
  await settled();
  expect(line.heard()).toEqual([[{ type: "authenticate", token: "secret" }]]);
  await line.open();
  const frames = line.heard();
  expect(frames).toHaveLength(1);
  expect(frames[0]).toMatchObject([
    { type: "subscribe", conversation },
    { type: "send", n: 1, text: "one" },
    { type: "send", n: 2, text: "two" },
  ]);
  stop();
  client.close();
});

test("[O3] [K3] after a cut everything unanswered goes out again, with the same keys and numbers", async () => {
  const { line, client } = begin();
  await line.open();
  const first = client.conversation(conversation).send("one");
  const second = client.conversation(conversation).send("two");
  await settled();
  const before = line.heard().flat() as Extract<ClientMessage, { type: "send" }>[];
  await line.pass(5000);
  await line.cut();
  await line.pass(0);
  await line.open();
  expect(line.heard().flat()).toEqual(before);
  const answer = { type: "accepted", conversation, epoch: "e", duplicate: true, turn: null } as const;
  await line.say(...before.map(({ key }, i): ServerMessage => ({ ...answer, key, seq: i + 1 })));
  expect(await first).toEqual({ epoch: "e", seq: 1, duplicate: true, turn: null });
  expect(await second).toMatchObject({ seq: 2 });
  client.close();
});

test("[S1] [O2] a reader goes on across a cut from where it was", async () => {
  const { line, client } = begin();
  const seqs: number[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    for await (const message of client.conversation(conversation).read({ signal: stop.signal })) seqs.push(message.seq);
  })();
  await settled();
  await line.open();
  await line.say(resumed(0, 2), messageOf(1), messageOf(2), live(2));
  expect(seqs).toEqual([1, 2]);
  await line.pass(5000);
  await line.cut();
  await line.pass(0);
  await line.open();
  expect(line.heard().flat()).toEqual([{ type: "subscribe", conversation, after: { epoch: "e", seq: 2 } }]);
  await line.say(resumed(2, 4), messageOf(3), messageOf(4), live(4), messageOf(4), messageOf(5));
  expect(seqs).toEqual([1, 2, 3, 4, 5]);
  stop.abort();
  await reading;
  await settled();
  expect(line.heard().flat()).toEqual([{ type: "unsubscribe", conversation }]);
  client.close();
});

test("[D5] a reader is told when its history is void", async () => {
  const { line, client } = begin();
  const reader = client.conversation(conversation).read();
  const first = reader.next();
  await settled();
  await line.open();
  await line.say(resumed(0, 1), messageOf(1), live(1));
  expect((await first).value?.seq).toBe(1);
  const next = reader.next();
  next.catch(() => {});
  await line.say({ type: "reset", conversation, reason: "epoch", epoch: "e2", head: 1 }, messageOf(1), live(1));
  await expect(next).rejects.toBeInstanceOf(HistoryReset);
  client.close();
});

test("[T2] [T4] ask gives the deltas, says when an attempt is void, and ends with the answer", async () => {
  const { line, client } = begin();
  await line.open();
  const parts: TurnPart[] = [];
  const asking = (async () => {
    for await (const part of client.conversation(conversation).ask("why?")) parts.push(part);
  })();
  await settled();
  const [send] = line.heard().flat() as Extract<ClientMessage, { type: "send" }>[];
  const key = send?.key ?? "";
  await line.say({ type: "accepted", conversation, key, epoch: "e", seq: 7, duplicate: false, turn: "t1" });
  expect(line.heard().flat()).toEqual([{ type: "subscribe", conversation, after: { epoch: "e", seq: 7 } }]);
  const delta = (stream: string, offset: number, text: string): ServerMessage => ({
    type: "delta",
    conversation,
    turn: "t1",
    stream,
    offset,
    text,
  });
  await line.say(resumed(7, 7), live(7), delta("s1", 0, "Be"));
  await line.say(delta("s1", 2, "cau"));
  await line.say({ type: "stream-ended", conversation, turn: "t1", stream: "s1", outcome: "interrupted" }, delta("s2", 0, "Since"));
  await line.say(messageOf(8, { role: "bot", turn: "t1", outcome: "completed", text: "Since 🐝." }));
  await asking;
  expect(parts.slice(0, -1)).toEqual([
    { type: "delta", text: "Be" },
    { type: "delta", text: "cau" },
    { type: "restart" },
    { type: "delta", text: "Since" },
    { type: "delta", text: " 🐝." },
  ]);
  expect(parts.at(-1)).toMatchObject({ type: "answer", message: { seq: 8 } });
  client.close();
});

test("[C1] a connection that was silent for 45 s is replaced", async () => {
  const { line, client } = begin();
  await line.open();
  await line.pass(44_000);
  await line.say({ type: "tick" });
  await line.pass(44_000);
  expect(line.sockets).toHaveLength(1);
  await line.pass(1000);
  await line.pass(0);
  expect(line.sockets).toHaveLength(2);
  expect(line.sockets[0]?.closed).toBe(true);
  client.close();
});

test("[C3] a client that is told not to come back says so to whoever waits", async () => {
  const { line, client } = begin("stale");
  const sent = client.conversation(conversation).send("one");
  sent.catch(() => {});
  const reader = client.conversation(conversation).read().next();
  reader.catch(() => {});
  await settled();
  await line.cut(4501);
  await expect(sent).rejects.toMatchObject({ code: "not_signed_in" });
  await expect(reader).rejects.toMatchObject({ code: "not_signed_in" });
  await line.pass(60_000);
  expect(line.sockets).toHaveLength(1);
  client.close();
});

test("[S5] a conversation that may not be subscribed to ends its readers", async () => {
  const { line, client } = begin();
  const reader = client.conversation(conversation).read().next();
  reader.catch(() => {});
  await settled();
  await line.open();
  await line.say({ type: "error", error: { code: "not_found", status: 404, detail: "" }, about: "subscribe", conversation });
  await expect(reader).rejects.toMatchObject({ reason: "erased" });
  client.close();
});

test("[K2] what has no answer is kept by the storage and sent by the next client under the same key", async () => {
  const { line, client, storage } = begin();
  await line.open();
  const sent = client.conversation(conversation).send("one");
  sent.catch(() => {});
  await settled();
  const [before] = line.heard().flat();
  client.close();
  await expect(sent).rejects.toMatchObject({ code: "shutting_down" });
  const next = new Line();
  const again = connect({ url: "ws://127.0.0.1:8000/ws", WebSocket: next.Socket, clock: next.clock, storage });
  expect(again.conversation(conversation).pending).toMatchObject([{ text: "one", state: "waiting" }]);
  await next.open();
  expect(next.heard().flat()).toEqual([before]);
  again.close();
});

test("[K1] a message on its way is shown until it stands in the log, and never twice", async () => {
  const { line, client } = begin();
  await line.open();
  const one = client.conversation(conversation);
  const shown: string[] = [];
  const stop = one.onChange(({ messages }) => {
    for (const message of messages) shown.push(message.text);
    expect(shown.length + one.pending.length).toBeLessThanOrEqual(2);
  });
  await line.say(resumed(0, 0), live(0));
  line.heard();
  void one.send("a");
  void one.send("b");
  await settled();
  const [a, b] = line.heard().flat() as Extract<ClientMessage, { type: "send" }>[];
  expect(one.pending.map(({ state }) => state)).toEqual(["sending", "sending"]);
  const accepted = (key: string, seq: number): ServerMessage => ({
    type: "accepted",
    conversation,
    key,
    epoch: "e",
    seq,
    duplicate: false,
    turn: null,
  });
  await line.say(accepted(a?.key ?? "", 1));
  expect(one.pending.map(({ state }) => state)).toEqual(["accepted", "sending"]);
  await line.say(messageOf(1, { text: "a", key: a?.key ?? "" }), messageOf(2, { text: "b", key: b?.key ?? "" }));
  expect(one.pending).toEqual([]);
  await line.say(accepted(b?.key ?? "", 2));
  expect(one.pending).toEqual([]);
  expect(shown).toEqual(["a", "b"]);
  stop();
  client.close();
});

test("readers and watchers end when the client is closed, with a connection or without one", async () => {
  for (const open of [true, false]) {
    const { line, client } = begin();
    if (open) await line.open();
    const reading = client.conversation(conversation).read().next();
    const watching = client.fleet.watch().next();
    await settled();
    client.close();
    await settled();
    expect(await Promise.race([reading, settled()])).toEqual({ done: true, value: undefined });
    expect(await Promise.race([watching, settled()])).toEqual({ done: true, value: undefined });
  }
});
