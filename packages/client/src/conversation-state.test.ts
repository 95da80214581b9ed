import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Message, ServerMessage } from "@skep/protocol/wire";
import {
  type ConversationEffect,
  type ConversationInput,
  conversationFrom,
  type ConversationState,
  conversationStep,
} from "./conversation-state.ts";

const conversation = "c1";
type Said = Exclude<ConversationInput, { type: "subscribe" | "detach" }>;

const messageOf = (seq: number, extra: Partial<Message> = {}): Message => ({
  seq,
  id: `m${seq}`,
  role: "person",
  author: "p",
  text: `text ${seq}`,
  createdAt: "",
  ...extra,
});

/** S1-S3 and T1-T4 as a server keeps them, for one conversation with one turn at a time. It may drop deltas (C4). */
class Server {
  epoch = 1;
  log: Message[] = [];
  stream: { turn: string; id: string; text: string } | null = null;
  streams = 0;
  turns = 0;
  texts = new Map<string, string>();
  subscribed = false;
  wire: Said[] = [];

  say(message: Said): void {
    if (this.subscribed) this.wire.push(message);
  }

  append(extra: Partial<Message> = {}): void {
    const message = messageOf(this.log.length + 1, { text: `${this.epoch}/${this.log.length + 1}`, ...extra });
    this.log.push(message);
    this.say({ type: "message", conversation, message });
  }

  subscribe(after: { epoch: string; seq: number } | null): void {
    const epoch = String(this.epoch);
    const head = this.log.length;
    this.subscribed = true;
    let from = after?.seq ?? 0;
    if (after && (after.epoch !== epoch || after.seq > head)) {
      this.wire.push({ type: "reset", conversation, reason: after.epoch === epoch ? "ahead" : "epoch", epoch, head });
      from = 0;
    } else this.wire.push({ type: "resumed", conversation, epoch, from, head });
    for (const message of this.log.slice(from)) this.wire.push({ type: "message", conversation, message });
    this.wire.push({ type: "live", conversation, seq: head });
  }

  write(text: string, dropped: boolean): void {
    if (!this.stream) {
      this.stream = { turn: `t${++this.turns}`, id: `s${++this.streams}`, text: "" };
    }
    const { turn, id, text: before } = this.stream;
    this.stream.text += text;
    this.texts.set(id, this.stream.text);
    if (!dropped) this.say({ type: "delta", conversation, turn, stream: id, offset: before.length, text });
  }

  end(outcome: "completed" | "interrupted"): void {
    if (!this.stream) return;
    const { turn, id, text } = this.stream;
    this.say({ type: "stream-ended", conversation, turn, stream: id, outcome });
    if (outcome === "completed") {
      this.stream = null;
      this.append({ role: "bot", turn, outcome: "completed", text });
    } else {
      this.stream = { turn, id: `s${++this.streams}`, text: "" };
    }
  }

  snapshot(stream: string, offset: number): void {
    if (this.stream?.id !== stream) return;
    this.say({ type: "delta", conversation, turn: this.stream.turn, stream, offset, text: this.stream.text.slice(offset) });
  }
}

class Reader {
  state: ConversationState = conversationFrom(null);
  messages: Message[] = [];
  server: Server;
  asked: ConversationEffect[] = [];

  constructor(server: Server) {
    this.server = server;
  }

  tell(input: ConversationInput): void {
    const { state, effects } = conversationStep(this.state, input);
    this.state = state;
    for (const effect of effects) {
      if (effect.type === "message") this.messages.push(effect.message);
      else if (effect.type === "reset") this.messages = [];
      else this.asked.push(effect);
    }
    this.messages.forEach((message, i) => expect(message.seq).toBe(i + 1));
    for (const draft of this.state.drafts.values()) {
      expect(this.server.texts.get(draft.stream)?.startsWith(draft.text), "a draft is a true beginning of its stream").toBe(true);
    }
  }

  /** What was asked for reaches the server. */
  ask(): void {
    const effect = this.asked.shift();
    if (effect?.type === "subscribe") this.server.subscribe(effect.after);
    else if (effect?.type === "snapshot") this.server.snapshot(effect.stream, effect.offset);
    else if (effect?.type === "reconnect") this.cut();
  }

  hear(): void {
    const said = this.server.wire.shift();
    if (said) this.tell(said);
  }

  cut(): void {
    this.server.subscribed = false;
    this.server.wire = [];
    this.asked = [];
    this.tell({ type: "detach" });
  }
}

const act = fc.oneof(
  { weight: 5, arbitrary: fc.constant("append") },
  { weight: 6, arbitrary: fc.constantFrom("write a", "write 🐝b", "write ") },
  { weight: 2, arbitrary: fc.constant("write and drop") },
  { weight: 1, arbitrary: fc.constantFrom("complete", "interrupt") },
  { weight: 8, arbitrary: fc.constant("hear") },
  { weight: 1, arbitrary: fc.constant("hear twice") },
  { weight: 1, arbitrary: fc.constant("lose one") },
  { weight: 4, arbitrary: fc.constant("ask") },
  { weight: 2, arbitrary: fc.constant("cut") },
  { weight: 3, arbitrary: fc.constant("connect") },
  { weight: 1, arbitrary: fc.constant("restore") },
);

test("[O2] [S1] [T1] [T2] under any schedule of cuts, lost and doubled frames, dropped deltas and restored backups: the log, once, in order; drafts true", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 150, size: "max" }), (acts) => {
      const server = new Server();
      const reader = new Reader(server);
      for (const one of acts) {
        if (one === "append") server.append();
        else if (one === "write and drop") server.write("zz", true);
        else if (one.startsWith("write ")) server.write(one.slice(6), false);
        else if (one === "complete") server.end("completed");
        else if (one === "interrupt") server.end("interrupted");
        else if (one === "hear") reader.hear();
        else if (one === "hear twice") {
          const said = server.wire[0];
          reader.hear();
          if (said && said.type !== "reset") reader.tell(said);
        } else if (one === "lose one") {
          // Only what a broken server could lose; to lose its answer to `subscribe` is a cut.
          if (server.wire[0]?.type === "message" || server.wire[0]?.type === "delta") server.wire.shift();
        } else if (one === "ask") reader.ask();
        else if (one === "cut") reader.cut();
        else if (one === "connect" && reader.state.phase === "detached") reader.tell({ type: "subscribe" });
        else if (one === "restore") {
          reader.cut();
          server.epoch++;
          server.log = server.log.slice(0, -2);
          server.stream = null;
        }
      }
      // The network holds from here on, and the answer goes on.
      for (let i = 0; i < 10_000; i++) {
        if (reader.state.phase === "detached" && reader.asked.length === 0) reader.tell({ type: "subscribe" });
        if (reader.asked.length > 0) reader.ask();
        else if (server.wire.length > 0) reader.hear();
        else break;
      }
      // A loss shows with what comes after it.
      server.append();
      server.write("!", false);
      while (reader.asked.length + server.wire.length > 0) {
        if (server.wire.length > 0) reader.hear();
        else reader.ask();
      }
      expect(reader.messages).toEqual(server.log);
      const draft = reader.state.drafts.get(server.stream?.turn ?? "");
      // A frame that was lost under a draft that had asked already shows only with the message itself; without such losses it is whole.
      if (!acts.includes("lose one")) expect(draft?.text).toBe(server.stream?.text);
      server.end("completed");
      while (server.wire.length + reader.asked.length > 0) {
        if (server.wire.length > 0) reader.hear();
        else reader.ask();
      }
      expect(reader.messages).toEqual(server.log);
      expect(reader.state.drafts.has(`t${server.turns}`)).toBe(false);
    }),
    { numRuns: 5000 },
  );
});

const said = (state: ConversationState, ...inputs: ConversationInput[]): { state: ConversationState; effects: ConversationEffect[] } => {
  const effects: ConversationEffect[] = [];
  for (const input of inputs) {
    const step = conversationStep(state, input);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
};
const subscribed: ConversationInput[] = [
  { type: "subscribe" },
  { type: "resumed", conversation, epoch: "e", from: 0, head: 0 },
  { type: "live", conversation, seq: 0 },
];
const delta = (offset: number, text: string, stream = "s1"): ServerMessage & { type: "delta" } => ({
  type: "delta",
  conversation,
  turn: "t1",
  stream,
  offset,
  text,
});

test("[T1] a delta is applied, its overlap is ignored, a hole is asked for once", () => {
  const { state, effects } = said(
    conversationFrom(null),
    ...subscribed,
    delta(0, "hello"),
    delta(3, "lo you"),
    delta(20, "x"),
    delta(21, "y"),
  );
  expect(state.drafts.get("t1")?.text).toBe("hello you");
  expect(effects.filter(({ type }) => type === "snapshot")).toEqual([{ type: "snapshot", stream: "s1", offset: 9 }]);
  expect(said(state, delta(9, " there, all of y")).state.drafts.get("t1")?.text).toBe("hello you there, all of y");
});

test("[T1] the first delta that a reader sees may begin anywhere: the beginning is asked for, not guessed", () => {
  const { state, effects } = said(conversationFrom(null), ...subscribed, delta(7, "tail"));
  expect(effects.at(-1)).toEqual({ type: "snapshot", stream: "s1", offset: 0 });
  expect(state.drafts.get("t1")?.text).toBe("");
});

test("[T4] an interrupted attempt's text stays until the next attempt's replaces it, and late deltas of it are ignored", () => {
  const ended: ConversationInput = { type: "stream-ended", conversation, turn: "t1", stream: "s1", outcome: "interrupted" };
  const after = said(conversationFrom(null), ...subscribed, delta(0, "first"), ended).state;
  expect(after.drafts.get("t1")).toMatchObject({ text: "first", outcome: "interrupted" });
  const next = said(after, delta(0, "second", "s2"), delta(5, "late", "s1")).state;
  expect(next.drafts.get("t1")).toMatchObject({ stream: "s2", text: "second", outcome: null });
});

test("[S1] erased and not allowed end it: nothing is shown after that", () => {
  for (const reason of ["erased", "not_allowed"] as const) {
    const { state, effects } = said(
      conversationFrom(null),
      ...subscribed,
      { type: "message", conversation, message: messageOf(1) },
      { type: "reset", conversation, reason, epoch: "e", head: 0 },
      { type: "message", conversation, message: messageOf(2) },
    );
    expect(state).toMatchObject({ phase: "gone", reason, position: null });
    expect(effects.map(({ type }) => type)).toEqual(["subscribe", "message", "reset"]);
  }
});

test("[S1] a server that leaves holes again and again is left for another connection", () => {
  let state = said(conversationFrom(null), ...subscribed).state;
  const asked: string[] = [];
  for (let i = 0; i < 4; i++) {
    const step = said(
      state,
      { type: "message", conversation, message: messageOf(9) },
      { type: "resumed", conversation, epoch: "e", from: 0, head: 9 },
    );
    state = step.state;
    asked.push(...step.effects.map(({ type }) => type));
  }
  expect(asked).toEqual(["subscribe", "subscribe", "subscribe", "reconnect"]);
});
