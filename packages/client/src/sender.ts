import type { ClientMessage } from "@skep/protocol/wire";
import { Refusal, type WireError } from "@skep/protocol/errors";
import { Alarm, type Clock } from "./clock.ts";
import { type Content, contentOf } from "./content.ts";
import { newId } from "./new-id.ts";
import {
  type Acceptance,
  defaultOutboxWorld,
  emptyOutbox,
  type Lane,
  type Outbox,
  type OutboxEffect,
  type OutboxEvent,
  type OutboxRecord,
  outboxDueAt,
  outboxFrom,
  outboxStep,
  recordOf,
} from "./outbox.ts";
import type { OutboxStorage } from "./outbox-storage.ts";

export interface SenderOptions {
  storage: OutboxStorage;
  clock: Clock;
  random: () => number;
  post: (message: ClientMessage) => void;
  /** There is a final answer. */
  settled: (conversation: string, key: string, content: Content, outcome: Acceptance | WireError) => void;
  /** The sends of a conversation have changed. */
  changed: (conversation: string) => void;
}

interface Promised {
  resolve: (acceptance: Acceptance) => void;
  reject: (error: Refusal) => void;
}

const placeOf = (conversation: string, key: string): string => `${conversation} ${key}`;

/** The storage, the timer and the promises around the outbox of `outbox.ts`. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #alarm: Alarm;
  readonly #promised = new Map<string, Promised>();
  #outbox: Outbox | null = null;
  /** What was asked for while the storage was read. */
  #early: OutboxEvent[] = [];
  #unsaved = false;
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.hear({ type: "timer" }));
  }

  /** Reads the storage; `ready` is called when sends may go out, in the same tick if the storage can. */
  open(ready: () => void): void {
    const begin = (record: OutboxRecord | null): void => {
      this.#begin(record ? outboxFrom(record) : emptyOutbox(newId()));
      ready();
    };
    const record = this.#options.storage.load();
    if (!(record instanceof Promise)) begin(record);
    else {
      void record.then(begin, () => begin(null));
    }
  }

  lane(conversation: string): Lane | undefined {
    return this.#outbox?.lanes.get(conversation);
  }

  /** Conversations with sends that have no final answer. */
  get unsent(): string[] {
    return [...(this.#outbox?.lanes ?? [])].filter(([, lane]) => lane.sends.length > 0).map(([id]) => id);
  }

  add(conversation: string, key: string, content: Content): Promise<Acceptance> {
    const { promise, resolve, reject } = Promise.withResolvers<Acceptance>();
    this.#promised.set(placeOf(conversation, key), { resolve, reject });
    this.hear({ type: "add", conversation, key, ...content });
    return promise;
  }

  hear(event: OutboxEvent): void {
    if (!this.#outbox) {
      if (event.type === "add") this.#early.push(event);
      return;
    }
    const { clock, random, changed } = this.#options;
    const { outbox, effects } = outboxStep(this.#outbox, event, { now: clock.now(), random: random(), ...defaultOutboxWorld });
    this.#outbox = outbox;
    this.#alarm.set(outboxDueAt(outbox));
    for (const effect of effects) this.#carryOut(effect, outbox.sender);
    if (event.type === "add" || effects.some(({ type }) => type !== "transmit")) this.#unsaved = true;
    if ("conversation" in event) changed(event.conversation);
    else for (const conversation of this.unsent) changed(conversation);
  }

  /** Called once per tick, before what was posted in it goes out. */
  save(): void {
    if (this.#unsaved && this.#outbox) this.#options.storage.save(recordOf(this.#outbox));
    this.#unsaved = false;
  }

  /** Nobody is told of answers any more that come later; the sends stay in the outbox. */
  rejectAll(refusal: Refusal): void {
    for (const { reject } of this.#promised.values()) reject(refusal);
    this.#promised.clear();
  }

  close(refusal: Refusal): void {
    this.hear({ type: "disconnected" });
    this.#alarm.set(null);
    this.rejectAll(refusal);
    this.#closed = true;
    if (this.#outbox) this.#end();
  }

  #begin(outbox: Outbox): void {
    this.#outbox = outbox;
    for (const conversation of this.unsent) this.#options.changed(conversation);
    const early = this.#early;
    this.#early = [];
    for (const event of early) this.hear(event);
    if (this.#closed) {
      this.#end();
      return;
    }
    this.#options.storage.takeOver?.(({ lanes }) => {
      for (const [conversation, { sends }] of Object.entries(lanes)) {
        for (const send of sends) this.hear({ type: "add", conversation, key: send.key, ...contentOf(send) });
      }
    });
  }

  #end(): void {
    this.save();
    this.#options.storage.close?.();
  }

  #carryOut(effect: OutboxEffect, sender: string): void {
    const { post, settled } = this.#options;
    const { conversation, key } = effect;
    if (effect.type === "transmit") {
      const { n, text, files } = effect;
      const send: ClientMessage = { type: "send", conversation, key, n, sender, text };
      post(files ? { ...send, files: files.map(({ id }) => id) } : send);
      return;
    }
    const promised = this.#promised.get(placeOf(conversation, key));
    this.#promised.delete(placeOf(conversation, key));
    if (effect.type === "accepted") promised?.resolve(effect.acceptance);
    else promised?.reject(new Refusal(effect.error.code, effect.error.detail, effect.error));
    settled(conversation, key, contentOf(effect), effect.type === "accepted" ? effect.acceptance : effect.error);
  }
}
