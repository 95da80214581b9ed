import type { Message, PermissionState, PlacedPart, Position, ServerMessage } from "@skep/protocol";
import { Refusal } from "@skep/protocol/errors";
import type { ConversationsApi, Person, Sink, Subscription } from "../conversations/api.ts";
import { OutcomeUnknown } from "../store/group-commit.ts";
import type { Random } from "./random.ts";
import type { SimulatedClock } from "./simulated-time.ts";

const person: Person = { id: "owner", role: "owner" };

interface PendingSend {
  key: string;
  n: number;
  text: string;
}

/**
 * A client that keeps to the protocol over a link that can be cut at any moment: what is in flight then is lost, both ways. It writes down what it
 * was told; the checks are made from these records.
 */
export class SimulatedClient {
  readonly received: Message[] = [];
  readonly accepted: { key: string; seq: number }[] = [];
  readonly refused: string[] = [];
  readonly broken: string[] = [];
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #conversation: string;
  readonly #sender: string;
  readonly #outbox: PendingSend[] = [];
  /** Turns whose answers this client has. */
  readonly #answered = new Set<string>();
  readonly #streams = new Map<string, { text: string; turn: string; parts: PlacedPart[] }>();
  /** Requests that this client was told of since it has subscribed -> how they stand. */
  readonly permissions = new Map<string, PermissionState>();
  #position: Position = { epoch: "", seq: 0 };
  #n = 0;
  #link: Link | null = null;

  constructor(clock: SimulatedClock, random: Random, conversation: string, sender: string) {
    this.#clock = clock;
    this.#random = random;
    this.#conversation = conversation;
    this.#sender = sender;
  }

  get idle(): boolean {
    return this.#outbox.length === 0;
  }

  get connected(): boolean {
    return this.#link !== null;
  }

  write(text: string): void {
    this.#n++;
    const send = { key: `${this.#sender}-${this.#n}`, n: this.#n, text };
    this.#outbox.push(send);
    if (this.#link) this.#send(this.#link, send);
  }

  connect(server: ConversationsApi): void {
    this.cut();
    const link = new Link(this.#clock, this.#random, server, (message) => {
      if (this.#link === link) this.#on(message);
    });
    this.#link = link;
    link.up(() => {
      server
        .subscribe(person, this.#conversation, this.#position.seq === 0 ? null : { ...this.#position }, link)
        .then((subscription) => subscription && link.subscribed(subscription))
        .catch((error: unknown) => this.broken.push(`subscribe: ${String(error)}`));
    });
    for (const send of this.#outbox) this.#send(link, send);
  }

  cut(): void {
    this.#link?.cut();
    this.#link = null;
  }

  #send(link: Link, { key, n, text }: PendingSend): void {
    link.up(() => {
      link.server.send(person, this.#conversation, { key, n, text, sender: this.#sender }).then(
        ({ seq }) => link.down(() => this.#onAccepted(key, seq)),
        (error: unknown) => {
          if (error instanceof OutcomeUnknown) link.down(() => this.cut());
          else link.down(() => this.refused.push(error instanceof Refusal ? error.code : String(error)));
        },
      );
    });
  }

  #onAccepted(key: string, seq: number): void {
    const index = this.#outbox.findIndex((send) => send.key === key);
    if (index >= 0) this.#outbox.splice(index, 1);
    this.accepted.push({ key, seq });
  }

  #on(message: ServerMessage): void {
    switch (message.type) {
      case "resumed":
        this.permissions.clear();
        this.#position.epoch = message.epoch;
        if (message.from !== this.#position.seq) this.broken.push(`[S1] resumed from ${message.from}, asked for ${this.#position.seq}`);
        return;
      case "reset":
        this.broken.push(`[S1] reset without a reason: ${message.reason}`);
        return;
      case "message":
        if (message.message.seq !== this.#position.seq + 1) {
          this.broken.push(`[S2] got ${message.message.seq} after ${this.#position.seq}`);
        }
        this.#position.seq = message.message.seq;
        this.received.push(message.message);
        if (message.message.outcome === "completed" && message.message.turn !== undefined) this.#answered.add(message.message.turn);
        return;
      case "turn":
        if (message.state !== "completed") this.#notAnswered({ ...message, stream: message.turn });
        return;
      case "permission":
        if (message.permission.state === "pending")
          this.#notAnswered({ ...message, stream: message.permission.id, turn: message.permission.turn });
        this.permissions.set(message.permission.id, message.permission.state);
        return;
      case "part":
      case "thought": {
        this.#notAnswered(message);
        const { parts, text } = this.#stream(message);
        if (message.index > parts.length) this.broken.push(`[T6] ${message.stream}: part ${message.index} at ${parts.length}`);
        if (message.at > text.length) this.broken.push(`[T6] ${message.stream}: a part at ${message.at} of ${text.length}`);
        const { index, at } = message;
        if (message.type === "part") parts[index] = { at, part: message.part };
        else {
          const known = parts[index]?.part;
          const before = known?.type === "thought" ? known.text : "";
          if (message.offset > before.length) this.broken.push(`[T6] ${message.stream}: thought ${message.offset} at ${before.length}`);
          const whole = before.slice(0, message.offset) + message.text;
          parts[index] = { at, part: { type: "thought", id: message.id, text: whole } };
        }
        return;
      }
      case "delta": {
        this.#notAnswered(message);
        const stream = this.#stream(message);
        if (message.offset > stream.text.length)
          this.broken.push(`[T1] ${message.stream}: offset ${message.offset} at ${stream.text.length}`);
        const overlap = stream.text.length - message.offset;
        if (!stream.text.slice(message.offset).startsWith(message.text.slice(0, overlap)))
          this.broken.push(
            `[T2] ${message.stream} was told ${JSON.stringify(stream.text)}, then ${JSON.stringify(message.text)} at ${message.offset}`,
          );
        stream.text += message.text.slice(overlap);
        return;
      }
      case "stream-ended": {
        const stream = this.#streams.get(message.stream);
        if (stream && message.outcome === "completed") this.#ended.set(message.turn, stream);
        this.#streams.delete(message.stream);
        return;
      }
      default:
    }
  }

  #notAnswered({ type, stream, turn }: { type: string; stream: string; turn: string }): void {
    if (this.#answered.has(turn)) this.broken.push(`[T4] ${stream}: a ${type} after the answer of ${turn}`);
  }

  #stream({ stream, turn }: { stream: string; turn: string }): { text: string; turn: string; parts: PlacedPart[] } {
    const known = this.#streams.get(stream) ?? { text: "", turn, parts: [] };
    this.#streams.set(stream, known);
    return known;
  }

  /** Turn -> what was streamed to this client up to the end of a completed stream. */
  get completedStreams(): ReadonlyMap<string, { text: string; parts: PlacedPart[] }> {
    return this.#ended;
  }
  readonly #ended = new Map<string, { text: string; parts: PlacedPart[] }>();
}

/** One connection: ordered both ways, with delays; lost as a whole when cut. The sink is full now and then. */
class Link implements Sink {
  readonly server: ConversationsApi;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #onMessage: (message: ServerMessage) => void;
  #cut = false;
  #upAt = 0;
  #downAt = 0;
  #full = false;
  #subscription: Subscription | null = null;

  constructor(clock: SimulatedClock, random: Random, server: ConversationsApi, onMessage: (message: ServerMessage) => void) {
    this.#clock = clock;
    this.#random = random;
    this.server = server;
    this.#onMessage = onMessage;
  }

  up(run: () => void): void {
    this.#upAt = Math.max(this.#upAt, this.#clock.now + this.#random.between(0, 20));
    this.#clock.schedule(this.#upAt - this.#clock.now, () => {
      if (!this.#cut) run();
    });
  }

  down(run: () => void): void {
    this.#downAt = Math.max(this.#downAt, this.#clock.now + this.#random.between(0, 20));
    this.#clock.schedule(this.#downAt - this.#clock.now, () => {
      if (!this.#cut) run();
    });
  }

  push(encoded: string): void {
    this.down(() => this.#onMessage(JSON.parse(encoded) as ServerMessage));
    if (this.#random.chance(0.05)) {
      this.#full = true;
      this.#clock.schedule(this.#random.between(1, 300), () => {
        this.#full = false;
        if (!this.#cut) this.#subscription?.drained();
      });
    }
  }

  writable(): boolean {
    return !this.#full;
  }

  subscribed(subscription: Subscription): void {
    if (this.#cut) subscription.close();
    else this.#subscription = subscription;
  }

  cut(): void {
    this.#cut = true;
    this.#subscription?.close();
  }
}
