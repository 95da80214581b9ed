/**
 * The log as simply as it can be said, for the store contract: arrays and maps, no caches. Steps name things by small numbers, so that
 * random ones hit what exists; `operation` makes a real operation of a step, `check` compares a store's answer and follows it.
 */
import * as fc from "fast-check";
import { expect } from "vitest";
import type { BeginBranch } from "./branch.ts";
import type { Answer, Append, CloseTurn, Operation, Refused, SaveDraft, StoredTurn } from "./store.ts";

type Step =
  | {
      do: "append";
      conversation: number;
      key: number | null;
      text: number;
      sender: number;
      n: "next" | "known" | "gap" | null;
      bot: boolean;
    }
  | { do: "branch"; conversation: number; seq: number; key: number; text: number }
  | { do: "close"; turn: number; attempt: number; old: boolean; outcome: "completed" | "failed" | "cancelled" }
  | { do: "start"; turn: number; attempt: number; old: boolean }
  | { do: "draft"; turn: number; attempt: number; old: boolean; anew: boolean }
  | { do: "cancel"; turn: number }
  | { do: "retry"; turn: number }
  | { do: "note"; bot: number; text: number }
  | { do: "bot"; bot: number; there: boolean };

interface ModelMessage {
  seq: number;
  role: "person" | "bot";
  author: string;
  key: string | null;
  text: string;
  turn: number | null;
}

type ModelTurn = Omit<StoredTurn, "publicId" | "person" | "bot"> & { draft: { attempt: number; text: string } | null };

const person = "p";
const entriesKept = 3;
const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const turnStep = { turn: small(12), attempt: fc.integer({ min: -1, max: 2 }), old: fc.integer({ min: 0, max: 4 }).map((x) => x === 0) };

export class ModelLog {
  static readonly steps: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("append" as const),
        conversation: small(3),
        key: fc.option(small(8)),
        text: small(2),
        sender: small(1),
        n: fc.constantFrom("next", "next", "known", "gap", null),
        bot: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("branch" as const), conversation: small(3), seq: small(6), key: small(5), text: small(1) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("close" as const),
        ...turnStep,
        outcome: fc.constantFrom("completed" as const, "failed" as const, "cancelled" as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("start" as const), ...turnStep }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("draft" as const), ...turnStep, anew: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.oneof(
        fc.record({ do: fc.constant("cancel" as const), turn: small(12) }),
        fc.record({ do: fc.constant("retry" as const), turn: small(12) }),
      ),
    },
    {
      weight: 3,
      arbitrary: fc.oneof(
        { weight: 6, arbitrary: fc.record({ do: fc.constant("note" as const), bot: small(1), text: small(9) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("bot" as const), bot: small(1), there: fc.boolean() }) },
      ),
    },
  );

  readonly conversations: number[];
  readonly #branches = new Map<string, { conversation: number; origin: number; seq: number }>();
  /** Of branches: how many messages are not their own. */
  readonly #begins = new Map<number, number>();
  readonly #messages = new Map<number, ModelMessage[]>();
  readonly #numbers = new Map<string, number>();
  readonly #turns: ModelTurn[] = [];
  /** Of the batch that is being made: what the numbers will be if all before it is accepted. */
  readonly #planned = new Map<string, number>();

  /** Timelines of the bots that there are. */
  readonly #bots = new Map<string, string[]>();
  readonly #suffix: string;

  /** @param suffix makes the names of its bots its own */
  constructor(conversations: readonly number[], suffix: string) {
    this.conversations = [...conversations];
    this.#suffix = suffix;
    for (const conversation of conversations) this.#messages.set(conversation, []);
  }

  messages(conversation: number): readonly ModelMessage[] {
    return this.#messages.get(conversation) ?? [];
  }

  turns(): Omit<ModelTurn, "draft">[] {
    return this.#turns.map((turn) => {
      const { draft, ...stored } = turn;
      void draft;
      return stored;
    });
  }

  draft(turn: number): string {
    return this.#turns.find((one) => one.turn === turn)?.draft?.text ?? "";
  }

  botNames(): string[] {
    return [0, 1].map((bot) => this.#botName(bot));
  }

  entries(bot: string): readonly string[] {
    return this.#bots.get(bot) ?? [];
  }

  #botName(bot: number): string {
    return `bot-${bot}-${this.#suffix}`;
  }

  operation(step: Step, generation: number): Operation {
    if (step.do === "note")
      return { op: "note-bot", bot: this.#botName(step.bot), at: 1, entry: `"entry ${step.text}"`, keep: entriesKept };
    if (step.do === "bot") {
      const name = this.#botName(step.bot);
      if (!step.there) return { op: "delete-bot", name };
      return { op: "put-bot", create: true, bot: { name, kind: "echo", definition: "{}", wanted: true, createdAt: 1 } };
    }
    if (step.do === "branch") {
      const origin = this.conversations[step.conversation % this.conversations.length] ?? 0;
      const key = `branch ${step.key}`;
      const publicId = `${key} of ${this.#suffix}`;
      return {
        op: "begin-branch",
        publicId,
        origin,
        seq: step.seq,
        person,
        bot: "echo",
        key,
        text: `text ${step.text}`,
        at: 1_700_000_000_000,
      };
    }
    if (step.do === "append") {
      const conversation = this.conversations[step.conversation % this.conversations.length] ?? 0;
      const sender = `tab ${step.sender}`;
      const number = `${conversation}/${sender}`;
      const last = Math.max(this.#planned.get(number) ?? 0, this.#numbers.get(number) ?? 0);
      const n = step.n === null ? null : { next: last + 1, known: Math.max(1, last), gap: last + 2 }[step.n];
      if (step.n === "next") this.#planned.set(number, last + 1);
      const key = step.key === null ? null : `key ${step.key}`;
      return {
        op: "append",
        conversation,
        person,
        key,
        sender,
        n,
        text: `text ${step.text}`,
        bot: step.bot ? "echo" : null,
        at: 1_700_000_000_000,
      };
    }
    const turn = this.#turns[step.turn % Math.max(1, this.#turns.length)];
    const number = turn?.turn ?? 999_999_999;
    if (step.do === "cancel") return { op: "request-cancel", turn: number };
    if (step.do === "retry") return { op: "retry-turn", turn: number };
    const attempt = Math.max(0, (turn?.attempt ?? 0) + step.attempt);
    const mine = { turn: number, attempt, generation: generation - (step.old ? 1 : 0) };
    if (step.do === "start") return { op: "start-attempt", ...mine };
    if (step.do === "close") {
      return {
        op: "close-turn",
        ...mine,
        outcome: step.outcome,
        role: "bot",
        author: "echo",
        text: `answer ${attempt}`,
        parts: attempt % 2 === 0 ? null : `[{"at":0,"part":{"type":"thought","id":"t","text":"${attempt}"}}]`,
        at: 1_700_000_000_000,
      };
    }
    const offset = step.anew || turn?.draft?.attempt !== attempt ? 0 : turn.draft.text.length;
    return { op: "save-draft", ...mine, offset, text: `piece ${offset} 🙂` };
  }

  /** Compares the answer with what the rules say, and takes the operation over. */
  check(operation: Operation, answer: Answer): void {
    this.#planned.clear();
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others change no log, and no step makes them
    switch (operation.op) {
      case "append":
        return this.#append(operation, answer);
      case "begin-branch":
        return this.#branch(operation, answer);
      case "close-turn":
        return this.#close(operation, answer);
      case "save-draft":
        return this.#draft(operation, answer);
      case "start-attempt": {
        const turn = this.#turn(operation.turn);
        const fresh = turn?.state === "pending" && operation.attempt > turn.attempt && operation.generation >= turn.generation;
        if (turn && fresh) Object.assign(turn, { attempt: operation.attempt, generation: operation.generation });
        expect(answer).toMatchObject(fresh ? { ok: true, changed: true } : { ok: false });
        return;
      }
      case "request-cancel": {
        const turn = this.#turn(operation.turn);
        if (!turn) return expect(answer).toMatchObject({ ok: false, code: "not_found" });
        const changed = turn.state === "pending" && !turn.cancelRequested;
        if (changed) turn.cancelRequested = true;
        return expect(answer).toEqual({ ok: true, changed });
      }
      case "retry-turn": {
        const turn = this.#turn(operation.turn);
        if (!turn) return expect(answer).toMatchObject({ ok: false, code: "not_found" });
        if (turn.state === "completed") return expect(answer).toMatchObject({ ok: false, code: "state_conflict" });
        expect(answer).toEqual({ ok: true, changed: turn.state !== "pending" });
        if (turn.state === "pending") return;
        // One further than any attempt that was: those are fenced from now on.
        turn.attempt++;
        turn.baseAttempt = turn.attempt;
        turn.state = "pending";
        turn.cancelRequested = false;
        return;
      }
      case "put-bot": {
        const { name } = operation.bot;
        expect(answer).toMatchObject(this.#bots.has(name) ? { ok: false, code: "bot_exists" } : { ok: true, changed: true });
        if (!this.#bots.has(name)) this.#bots.set(name, []);
        return;
      }
      case "delete-bot":
        return expect(answer).toEqual({ ok: true, changed: this.#bots.delete(operation.name) });
      case "note-bot": {
        const entries = this.#bots.get(operation.bot);
        expect(answer).toEqual({ ok: true, changed: entries !== undefined });
        entries?.push(operation.entry);
        if (entries && entries.length > operation.keep) entries.shift();
        return;
      }
      default:
        throw new Error(`the model does not know ${operation.op}`);
    }
  }

  #turn(number: number): ModelTurn | undefined {
    return this.#turns.find((turn) => turn.turn === number);
  }

  #append(a: Append, answer: Answer): void {
    const log = this.#messages.get(a.conversation) ?? [];
    const number = `${a.conversation}/${a.sender}`;
    const last = this.#numbers.get(number) ?? 0;
    // Keys of messages that it shows of another conversation are that one's.
    const own = log.slice(this.#begins.get(a.conversation) ?? 0);
    const first = a.key === null ? undefined : own.find((message) => message.role === "person" && message.key === a.key);
    if (first) {
      expect(answer).toMatchObject(
        first.text === a.text ? { ok: true, seq: first.seq, turn: first.turn, duplicate: true } : { ok: false, code: "key_conflict" },
      );
      return;
    }
    if (a.n !== null && a.n !== last + 1) {
      expect(answer).toMatchObject({ ok: false, code: "send_gap", expected: last + 1 } satisfies Partial<Refused>);
      return;
    }
    const seq = log.length + 1;
    expect(answer).toMatchObject({ ok: true, seq, duplicate: false });
    const turn = "turn" in answer ? answer.turn : null;
    expect(turn !== null).toBe(a.bot !== null);
    log.push({ seq, role: "person", author: a.person, key: a.key, text: a.text, turn });
    if (a.n !== null) this.#numbers.set(number, a.n);
    if (turn !== null) this.#pend(a.conversation, turn, seq);
  }

  #pend(conversation: number, turn: number, seq: number): void {
    this.#turns.push({
      turn,
      conversation,
      seq,
      state: "pending",
      attempt: 0,
      baseAttempt: 0,
      generation: 0,
      cancelRequested: false,
      draft: null,
    });
  }

  /** A copy of what was said before, and one message more. */
  #branch(b: BeginBranch, answer: Answer): void {
    const known = this.#branches.get(b.publicId);
    if (known) {
      const first = this.messages(known.conversation)[known.seq - 1];
      const same = known.origin === b.origin && known.seq === b.seq && first?.text === b.text;
      const again = { ok: true, conversation: known.conversation, turn: first?.turn, duplicate: true };
      expect(answer).toMatchObject(same ? again : { ok: false, code: "key_conflict" });
      return;
    }
    const log = this.messages(b.origin);
    if (b.seq < 1 || b.seq > log.length) return expect(answer).toMatchObject({ ok: false, code: "field_invalid" });
    expect(answer).toMatchObject({ ok: true, duplicate: false });
    if (!("conversation" in answer && "turn" in answer)) throw new Error("a branch has a conversation and a turn");
    const { conversation, turn } = answer;
    if (turn === null) throw new Error("a branch's first message has a turn");
    const { seq, origin } = b;
    this.#branches.set(b.publicId, { conversation, origin, seq });
    this.conversations.push(conversation);
    this.#begins.set(conversation, seq - 1);
    this.#messages.set(conversation, [...log.slice(0, seq - 1), { seq, role: "person", author: b.person, key: b.key, text: b.text, turn }]);
    this.#pend(conversation, turn, seq);
  }

  #close(c: CloseTurn, answer: Answer): void {
    const turn = this.#turn(c.turn);
    if (!turn || turn.state !== "pending" || c.attempt < turn.attempt || c.generation < turn.generation) {
      expect(answer).toMatchObject({ ok: false, code: turn ? "fenced" : "not_found" });
      return;
    }
    const log = this.#messages.get(turn.conversation) ?? [];
    const seq = log.length + 1;
    expect(answer).toMatchObject({ ok: true, conversation: turn.conversation, seq });
    log.push({ seq, role: "bot", author: c.author, key: null, text: c.text, turn: c.turn });
    Object.assign(turn, { state: c.outcome, attempt: c.attempt, generation: c.generation, draft: null });
  }

  #draft(d: SaveDraft, answer: Answer): void {
    const turn = this.#turn(d.turn);
    if (!turn || turn.state !== "pending" || d.attempt < turn.attempt || d.generation < turn.generation) {
      return expect(answer).toEqual({ ok: true, changed: false });
    }
    expect(answer).toEqual({ ok: true, changed: true });
    if (d.attempt > turn.attempt) Object.assign(turn, { attempt: d.attempt, generation: d.generation });
    if (d.offset === 0) turn.draft = { attempt: d.attempt, text: d.text };
    else if (turn.draft?.attempt === d.attempt && d.offset <= turn.draft.text.length)
      turn.draft.text = turn.draft.text.slice(0, d.offset) + d.text;
  }
}
