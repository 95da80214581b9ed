/**
 * What every store must do, written on the `Store` interface alone (D3). A store passes when its test file runs this suite on it.
 * Each test makes its own conversations and people, so one open store serves many of them.
 */
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelLog } from "./model-log.ts";
import type { Answer, Append, Appended, CloseTurn, Created, Operation, Store, StoredConversation, StoredMessage } from "./store.ts";

/** A store under test. `store` is another object after `reopen`, on the same data. */
export interface StoreUnderTest {
  readonly store: Store;
  reopen(): Promise<void>;
  /** Ends it and takes its data away. */
  close(): Promise<void>;
}

/** Texts that something on the way might cut, fold, escape or run. */
const awkwardTexts: Record<string, string> = {
  "a NUL in the middle": "before\u0000after",
  "only a NUL": "\u0000",
  CJK: "日本語のテキスト、中文文本，한국어 텍스트",
  "right-to-left with marks": "\u202Bשלום עולם\u202C مرحبا",
  "an emoji of several parts": "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽",
  "combining characters, not composed": "e\u0301 Z\u0351\u036B\u0343\u036A",
  "the composed and the decomposed form": "\u00E9 e\u0301",
  "a byte order mark": "\uFEFFtext",
  "line ends of every kind": "a\r\nb\nc\rd\u2028e\u2029f\u0085g",
  "private-use characters": "\uE000marked\uE001 \u{F0000}",
  "non-characters": "\uFFFE\uFFFF\u{1FFFF}",
  "quotes and backslashes": `"'\`\\\\ \\' %s %_ $1 ?1 :a @b`,
  "white space at both ends": " \t text \u00A0\u3000 ",
};

const hostileSql = [
  "'; DROP TABLE messages; --",
  '"); DELETE FROM conversations; --',
  "Robert'); DROP TABLE turns;--",
  "1 OR 1=1",
  "$1; SELECT pg_sleep(10)",
  "\\'; TRUNCATE messages; --",
  "' UNION SELECT hash FROM credentials --",
];

const hostileQueries = [
  '"',
  '""',
  "*",
  "a*",
  "**",
  "NEAR(",
  "NEAR(alpha beta, 2)",
  "-",
  "-alpha",
  "col:x",
  "text:alpha",
  "{text}:alpha",
  "^alpha",
  "alpha AND",
  "OR",
  "NOT",
  "AND OR NOT",
  "(",
  ")",
  "alpha + beta",
  "'",
  "'; DROP TABLE messages; --",
  "\u0000",
  "alpha\u0000beta",
  "👩‍👩‍👧‍👦",
  "日本語",
  "\u0301",
  "\uE000",
  "%",
  "_",
  "\\",
  " ",
  "",
  "& | ! <-> :*",
];

const openedAt = 1_700_000_000_000;

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    const commit = async <A extends Answer>(...batch: Operation[]): Promise<A[]> => (await under.store.commit(batch)) as A[];
    const newConversation = async (
      over: { person?: string; bot?: string; title?: string; at?: number } = {},
    ): Promise<StoredConversation> => {
      const publicId = randomUUID();
      const { person = `person-${publicId}`, bot = "echo", title = "", at = openedAt } = over;
      await commit({ op: "create-conversation", publicId, person, bot, title, at });
      return must(await under.store.conversation(publicId));
    };
    const say = (c: StoredConversation, text: string, over: Partial<Append> = {}): Append => ({
      op: "append",
      conversation: c.conversation,
      person: c.person,
      key: null,
      sender: "tab",
      n: null,
      text,
      bot: null,
      at: openedAt,
      ...over,
    });
    const answerTo = (turn: number | null, over: Partial<CloseTurn> = {}): CloseTurn => ({
      op: "close-turn",
      turn: turn ?? -1,
      attempt: 1,
      generation: under.store.generation,
      outcome: "completed",
      role: "bot",
      author: "echo",
      text: "an answer",
      parts: null,
      at: openedAt,
      ...over,
    });
    const all = async (c: StoredConversation): Promise<StoredMessage[]> =>
      (await under.store.messages(c.conversation, { after: 0, limit: 1_000_000 })).messages;
    const textsOf = async (c: StoredConversation): Promise<string[]> => (await all(c)).map((message) => message.text);
    const asked = async (over: Partial<Append> = {}): Promise<{ c: StoredConversation; turn: number }> => {
      const c = await newConversation();
      const [answer] = await commit<Appended>(say(c, "a question", { bot: "echo", ...over }));
      return { c, turn: answer?.turn ?? -1 };
    };
    const draftOf = (turn: number, over: { attempt?: number; generation?: number; offset?: number; text: string }): Operation => ({
      op: "save-draft",
      turn,
      attempt: 1,
      generation: under.store.generation,
      offset: 0,
      ...over,
    });

    describe("order and identity", () => {
      test("[O1] numbers of a conversation are 1, 2, 3… whatever else is in the batch", async () => {
        const a = await newConversation();
        const b = await newConversation();
        const answers = await commit<Appended>(say(a, "a1"), say(b, "b1"), say(a, "a2", { bot: "echo" }), say(b, "b2"), say(a, "a3"));
        expect(answers.map((answer) => answer.seq)).toEqual([1, 1, 2, 2, 3]);
        await commit(answerTo(answers[2]?.turn ?? null), say(b, "b3"));
        expect((await all(a)).map((m) => [m.seq, m.text])).toEqual([
          [1, "a1"],
          [2, "a2"],
          [3, "a3"],
          [4, "an answer"],
        ]);
        expect((await all(b)).map((m) => m.seq)).toEqual([1, 2, 3]);
      });

      test("[O1] a refused message takes no number", async () => {
        const c = await newConversation();
        const answers = await commit<Appended>(
          say(c, "first", { key: "k", n: 1 }),
          say(c, "other", { key: "k", n: 2 }),
          say(c, "gap", { key: "k3", n: 7 }),
          say(c, "second", { key: "k2", n: 2 }),
        );
        expect(answers.map((answer) => answer.ok)).toEqual([true, false, false, true]);
        expect((await all(c)).map((m) => m.seq)).toEqual([1, 2]);
      });

      test("[O1] ids grow with every message of the whole store and are never given out twice, also when the newest is deleted", async () => {
        const c = await newConversation();
        const [first, second] = await commit<Appended>(say(c, "one"), say(c, "two"));
        expect(must(second).id).toBeGreaterThan(must(first).id);
        await commit({ op: "delete-conversation", conversation: c.conversation });
        await under.reopen();
        const d = await newConversation();
        const [third] = await commit<Appended>(say(d, "three"));
        expect(must(third).id).toBeGreaterThan(must(second).id);
      });

      test("[O2] two readers who page differently see the same messages in the same order", async () => {
        const c = await newConversation();
        await commit(...Array.from({ length: 57 }, (_, i) => say(c, `text ${i}`)));
        const forward: string[] = [];
        for (let after = 0; ;) {
          const page = await under.store.messages(c.conversation, { after, limit: 10 });
          forward.push(...page.messages.map((m) => m.text));
          if (page.messages.length === 0) break;
          after = must(page.messages.at(-1)).seq;
        }
        const backward: string[] = [];
        for (let before = 58; ;) {
          const page = await under.store.messages(c.conversation, { before, limit: 7 });
          backward.unshift(...page.messages.map((m) => m.text));
          if (page.messages.length === 0) break;
          before = must(page.messages[0]).seq;
        }
        expect(forward).toEqual(backward);
        expect(forward).toEqual(Array.from({ length: 57 }, (_, i) => `text ${i}`));
      });

      test("[O3] a sender's next number is taken, its known number with its key is a duplicate", async () => {
        const c = await newConversation();
        const [one, two] = await commit<Appended>(say(c, "one", { key: "k1", n: 1 }), say(c, "two", { key: "k2", n: 2 }));
        const [again] = await commit<Appended>(say(c, "one", { key: "k1", n: 1 }));
        expect(again).toEqual({ ...one, duplicate: true });
        expect(two?.seq).toBe(2);
        expect(await textsOf(c)).toEqual(["one", "two"]);
      });

      test("[O3] a gap is refused with send_gap and the number that is expected, and nothing is stored", async () => {
        const c = await newConversation();
        expect(await commit(say(c, "early", { key: "k2", n: 2 }))).toMatchObject([{ ok: false, code: "send_gap", expected: 1 }]);
        await commit(say(c, "one", { key: "k1", n: 1 }));
        expect(await commit(say(c, "early", { key: "k3", n: 3 }))).toMatchObject([{ ok: false, code: "send_gap", expected: 2 }]);
        expect(await textsOf(c)).toEqual(["one"]);
      });

      test("[O3] a known number with an unknown key is refused and names the number that is expected", async () => {
        const c = await newConversation();
        await commit(say(c, "one", { key: "k1", n: 1 }), say(c, "two", { key: "k2", n: 2 }));
        expect(await commit(say(c, "x", { key: "k9", n: 1 }), say(c, "x", { n: 2 }))).toMatchObject([
          { ok: false, code: "send_gap", expected: 3 },
          { ok: false, code: "send_gap", expected: 3 },
        ]);
        expect(await textsOf(c)).toEqual(["one", "two"]);
      });

      test("[O3] numbers are counted per sender, per person and per conversation, and do not mix whatever the names are", async () => {
        const c = await newConversation();
        const d = await newConversation({ person: c.person });
        const answers = await commit<Appended>(
          say(c, "1", { n: 1, sender: "tab 1" }),
          say(c, "2", { n: 1, sender: "tab 2" }),
          say(d, "3", { n: 1, sender: "tab 1" }),
          say(c, "4", { n: 1, person: "a", sender: "b c" }),
          say(c, "5", { n: 1, person: "a b", sender: "c" }),
          say(c, "6", { n: 1, person: "a\u0000b", sender: "c" }),
          say(c, "7", { n: 1, person: "a", sender: "b\u0000c" }),
          say(c, "8", { n: 1, person: "a", sender: "" }),
          say(c, "9", { n: 1, person: "", sender: "a" }),
        );
        expect(answers.map((answer) => answer.ok)).toEqual(answers.map(() => true));
      });

      test("[O3] the numbers are known after the store was opened again", async () => {
        const c = await newConversation();
        await commit(say(c, "one", { key: "k1", n: 1 }), say(c, "two", { key: "k2", n: 2 }));
        await under.reopen();
        expect(await commit(say(c, "x", { key: "k4", n: 4 }))).toMatchObject([{ ok: false, code: "send_gap", expected: 3 }]);
        expect(await commit(say(c, "two", { key: "k2", n: 2 }), say(c, "three", { key: "k3", n: 3 }))).toMatchObject([
          { ok: true, seq: 2, duplicate: true },
          { ok: true, seq: 3, duplicate: false },
        ]);
      });

      test("[O3] messages without a number leave the numbers alone", async () => {
        const c = await newConversation();
        const answers = await commit<Appended>(say(c, "1", { n: 1 }), say(c, "free"), say(c, "2", { n: 2 }));
        expect(answers.map((answer) => answer.seq)).toEqual([1, 2, 3]);
      });

      test("[O4] what was read once reads the same after everything that can follow", async () => {
        const { c, turn } = await asked({ key: "k" });
        await commit(answerTo(turn, { outcome: "failed", role: "system", author: "skep" }));
        const before = await all(c);
        await commit({ op: "retry-turn", turn });
        await commit({ op: "request-cancel", turn });
        await commit(say(c, "a question", { key: "k" }), say(c, "another", { key: "k" }));
        await commit(answerTo(turn, { attempt: 2 }), { op: "rename-conversation", conversation: c.conversation, title: "other" });
        expect((await all(c)).slice(0, before.length)).toEqual(before);
      });

      test("[O5] a clock that goes back changes no order", async () => {
        const c = await newConversation();
        await commit(say(c, "one", { at: openedAt + 5000 }), say(c, "two", { at: openedAt + 1000 }));
        await commit(say(c, "three", { at: openedAt + 3000 }));
        expect((await all(c)).map((m) => [m.seq, m.createdAt - openedAt])).toEqual([
          [1, 5000],
          [2, 1000],
          [3, 3000],
        ]);
      });
    });

    describe("acknowledgement and keys", () => {
      test("[K1] a message and its bot's pending turn are stored together", async () => {
        const { c, turn } = await asked({ key: "k" });
        await under.reopen();
        expect(await all(c)).toMatchObject([
          { seq: 1, role: "person", author: c.person, key: "k", text: "a question", turn, outcome: null },
        ]);
        expect(await under.store.turn(turn)).toEqual({
          turn,
          conversation: c.conversation,
          publicId: c.publicId,
          seq: 1,
          bot: "echo",
          person: c.person,
          state: "pending",
          attempt: 0,
          baseAttempt: 0,
          generation: 0,
          cancelRequested: false,
        });
      });

      test("[K3] the same key with the same text gives the first answer again, also in one batch and after reopening", async () => {
        const c = await newConversation();
        const send = say(c, "text", { key: "k", bot: "echo" });
        const [first, second] = await commit<Appended>(send, send);
        expect(second).toEqual({ ...first, duplicate: true });
        await commit(answerTo(must(first).turn), ...Array.from({ length: 300 }, (_, i) => say(c, `${i}`, { key: `other ${i}` })));
        await under.reopen();
        expect(await commit(send)).toEqual([{ ...first, duplicate: true }]);
        expect(await textsOf(c)).toHaveLength(302);
      });

      test("[K3] the same key with other text is refused with key_conflict and stores nothing", async () => {
        const c = await newConversation();
        await commit(say(c, "text", { key: "k" }));
        expect(await commit(say(c, "texT", { key: "k" }), say(c, "text ", { key: "k" }), say(c, "text\u0000", { key: "k" }))).toMatchObject(
          [
            { ok: false, code: "key_conflict" },
            { ok: false, code: "key_conflict" },
            { ok: false, code: "key_conflict" },
          ],
        );
        expect(await textsOf(c)).toEqual(["text"]);
      });

      test("[K3] a key belongs to one person in one conversation", async () => {
        const c = await newConversation();
        const d = await newConversation({ person: c.person });
        const answers = await commit<Appended>(
          say(c, "a", { key: "k" }),
          say(c, "b", { key: "k", person: "somebody else" }),
          say(d, "c", { key: "k" }),
          say(c, "d", { key: "K" }),
          say(c, "e", { key: "k " }),
          say(c, "f", { key: "k\u0000" }),
        );
        expect(answers.map((answer) => answer.ok && !answer.duplicate)).toEqual(answers.map(() => true));
      });

      test("[K3] messages without a key are never duplicates", async () => {
        const c = await newConversation();
        await commit(say(c, "same"), say(c, "same"), say(c, "same", { key: "" }), say(c, "same", { key: "" }));
        expect(await textsOf(c)).toEqual(["same", "same", "same"]);
      });

      test("[K3] the first answer of a key counts also when it comes again under another number", async () => {
        const c = await newConversation();
        const [first] = await commit<Appended>(say(c, "one", { key: "k1", n: 1 }));
        expect(await commit(say(c, "one", { key: "k1", n: 9 }), say(c, "one", { key: "k1", n: 2 }), say(c, "one", { key: "k1" }))).toEqual([
          { ...first, duplicate: true },
          { ...first, duplicate: true },
          { ...first, duplicate: true },
        ]);
        expect(await commit(say(c, "two", { key: "k2", n: 2 }))).toMatchObject([{ ok: true, seq: 2 }]);
      });

      test("[K4] the answers of a batch come in the order of the batch, and a refused operation does not undo the others", async () => {
        const c = await newConversation();
        const answers = await commit(
          say(c, "one", { key: "a" }),
          say(c, "two", { key: "a" }),
          { op: "request-cancel", turn: 999_999_999 },
          say(c, "three", { bot: "echo" }),
          answerTo(999_999_999),
          say({ ...c, conversation: 999_999_999 }, "nowhere"),
          { op: "rename-conversation", conversation: c.conversation, title: "named" },
          say(c, "four", { key: "a4", n: 5 }),
          say(c, "five"),
        );
        expect(answers).toMatchObject([
          { ok: true, seq: 1 },
          { ok: false, code: "key_conflict" },
          { ok: false, code: "not_found" },
          { ok: true, seq: 2 },
          { ok: false, code: "not_found" },
          { ok: false, code: "not_found" },
          { ok: true, changed: true },
          { ok: false, code: "send_gap" },
          { ok: true, seq: 3 },
        ]);
        await under.reopen();
        expect(await textsOf(c)).toEqual(["one", "three", "five"]);
        expect((await under.store.conversation(c.publicId))?.title).toBe("named");
      });

      test("[K1] batches that are handed over together are stored in that order, and reads see what was acknowledged", async () => {
        const c = await newConversation();
        const batches = Array.from({ length: 40 }, (_, i) => under.store.commit([say(c, `${i}`), say(c, `${i}+`)]));
        const answers = (await Promise.all(batches)).flat() as Appended[];
        expect(answers.map((answer) => answer.seq)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
        expect((await under.store.messages(c.conversation, { before: 81, limit: 1 })).head).toBe(80);
      });

      test("[K1] an empty batch is answered", async () => {
        expect(await under.store.commit([])).toEqual([]);
      });
    });

    describe("turns", () => {
      test("[B1] ending a turn adds its message and takes it out of the pending ones", async () => {
        const { c, turn } = await asked();
        const [closed] = await commit(answerTo(turn, { text: "42", attempt: 3 }));
        expect(closed).toMatchObject({ ok: true, conversation: c.conversation, seq: 2 });
        expect((await all(c))[1]).toMatchObject({ seq: 2, role: "bot", author: "echo", key: null, text: "42", turn, outcome: "completed" });
        expect(await under.store.turn(turn)).toMatchObject({ state: "completed", attempt: 3 });
        expect(await under.store.pendingTurns(turn - 1, 1)).not.toMatchObject([{ turn }]);
      });

      test("[B3] an ended turn is not ended again, by whichever attempt", async () => {
        const { c, turn } = await asked();
        await commit(answerTo(turn));
        expect(
          await commit(answerTo(turn), answerTo(turn, { attempt: 2 }), answerTo(turn, { generation: under.store.generation + 1 })),
        ).toMatchObject([{ code: "fenced" }, { code: "fenced" }, { code: "fenced" }]);
        expect(await textsOf(c)).toEqual(["a question", "an answer"]);
      });

      test("[B3] two answers in one batch: the first is stored", async () => {
        const { c, turn } = await asked();
        expect(await commit(answerTo(turn, { text: "first" }), answerTo(turn, { text: "second" }))).toMatchObject([
          { ok: true, seq: 2 },
          { ok: false, code: "fenced" },
        ]);
        expect(await textsOf(c)).toEqual(["a question", "first"]);
      });

      test("[B4] an older attempt or an older generation is refused once a newer one has begun", async () => {
        const { c, turn } = await asked();
        const { generation } = under.store;
        expect(await commit({ op: "start-attempt", turn, attempt: 2, generation })).toEqual([{ ok: true, changed: true }]);
        expect(
          await commit(
            answerTo(turn, { attempt: 1 }),
            answerTo(turn, { attempt: 2, generation: generation - 1 }),
            answerTo(turn, { attempt: 9, generation: generation - 1 }),
            { op: "start-attempt", turn, attempt: 1, generation },
            { op: "start-attempt", turn, attempt: 2, generation },
            { op: "start-attempt", turn, attempt: 3, generation: generation - 1 },
          ),
        ).toMatchObject(Array.from({ length: 6 }, () => ({ ok: false, code: "fenced" })));
        expect(await under.store.turn(turn)).toMatchObject({ state: "pending", attempt: 2, generation });
        expect(await commit(answerTo(turn, { attempt: 2 }))).toMatchObject([{ ok: true }]);
        expect(await textsOf(c)).toEqual(["a question", "an answer"]);
      });

      test("[B4] a generation of before the reopening is refused", async () => {
        const { turn } = await asked();
        const old = under.store.generation;
        await under.reopen();
        expect(under.store.generation).toBeGreaterThan(old);
        await commit({ op: "start-attempt", turn, attempt: 1, generation: under.store.generation });
        expect(
          await commit(answerTo(turn, { attempt: 1, generation: old }), answerTo(turn, { attempt: 5, generation: old })),
        ).toMatchObject([{ code: "fenced" }, { code: "fenced" }]);
      });

      test("[B5] attempts are counted anew after a retry by hand, and their numbers go on", async () => {
        const { c, turn } = await asked();
        await commit(answerTo(turn, { attempt: 5, outcome: "failed", role: "system", text: "it failed" }));
        expect(await commit({ op: "retry-turn", turn })).toEqual([{ ok: true, changed: true }]);
        const retried = must(await under.store.turn(turn));
        expect(retried).toMatchObject({ state: "pending", cancelRequested: false });
        expect(retried.attempt).toBeGreaterThanOrEqual(5);
        expect(retried.attempt - retried.baseAttempt).toBe(0);
        expect(await commit(answerTo(turn, { attempt: retried.attempt + 1 }))).toMatchObject([{ ok: true, seq: 3 }]);
        expect((await all(c)).map((m) => m.outcome)).toEqual([null, "failed", "completed"]);
      });

      test("[B4] after a retry by hand, the attempts of before it are refused", async () => {
        const { turn } = await asked();
        await commit(answerTo(turn, { attempt: 1, outcome: "failed" }), { op: "retry-turn", turn });
        expect(
          await commit(answerTo(turn, { attempt: 1, text: "late" }), {
            op: "start-attempt",
            turn,
            attempt: 1,
            generation: under.store.generation,
          }),
        ).toMatchObject([{ code: "fenced" }, { code: "fenced" }]);
        await commit(draftOf(turn, { attempt: 1, text: "late" }));
        expect(await under.store.draft(turn)).toBeNull();
      });

      test("[B5] a retry changes nothing for a pending turn and is refused for an answered or unknown one", async () => {
        const { turn } = await asked();
        expect(await commit({ op: "retry-turn", turn })).toEqual([{ ok: true, changed: false }]);
        await commit(answerTo(turn));
        expect(await commit({ op: "retry-turn", turn }, { op: "retry-turn", turn: 999_999_999 })).toMatchObject([
          { ok: false, code: "state_conflict" },
          { ok: false, code: "not_found" },
        ]);
      });

      test("[T3] a request to cancel is kept until the turn ends, and a retry forgets it", async () => {
        const { turn } = await asked();
        expect(await commit({ op: "request-cancel", turn }, { op: "request-cancel", turn })).toEqual([
          { ok: true, changed: true },
          { ok: true, changed: false },
        ]);
        await under.reopen();
        expect(await under.store.turn(turn)).toMatchObject({ state: "pending", cancelRequested: true });
        expect(await under.store.pendingTurns(turn - 1, 1)).toMatchObject([{ turn, cancelRequested: true }]);
        await commit(answerTo(turn, { outcome: "cancelled", text: "so far", attempt: 0 }));
        expect(await under.store.turn(turn)).toMatchObject({ state: "cancelled" });
        expect(await commit({ op: "request-cancel", turn })).toEqual([{ ok: true, changed: false }]);
        await commit({ op: "retry-turn", turn });
        expect(await under.store.turn(turn)).toMatchObject({ state: "pending", cancelRequested: false });
      });

      test("[B1] pending turns come in the order of their numbers, page by page, also after reopening", async () => {
        const c = await newConversation();
        const d = await newConversation({ bot: "other" });
        const answers = await commit<Appended>(
          ...Array.from({ length: 25 }, (_, i) => say(i % 2 ? c : d, `${i}`, { bot: i % 2 ? "echo" : "other" })),
        );
        const turns = answers.map((answer) => must(answer.turn));
        expect(turns).toEqual(turns.toSorted((a, b) => a - b));
        await commit(answerTo(turns[3] ?? null), answerTo(turns[24] ?? null, { outcome: "failed" }));
        await under.reopen();
        const seen: number[] = [];
        for (let after = must(turns[0]) - 1; ;) {
          const page = await under.store.pendingTurns(after, 7);
          seen.push(...page.map((turn) => turn.turn));
          if (page.length < 7) break;
          after = must(page.at(-1)).turn;
        }
        expect(seen).toEqual(turns.filter((_, i) => i !== 3 && i !== 24));
        expect(await under.store.pendingTurns(must(turns[0]) - 1, 1)).toMatchObject([
          { turn: turns[0], conversation: d.conversation, publicId: d.publicId, person: d.person, bot: "other", seq: 1 },
        ]);
      });
    });

    describe("parts of answers", () => {
      test("[T6] parts come back as they were given, on their message alone, also after reopening", async () => {
        const { c, turn } = await asked();
        const parts = JSON.stringify([
          { at: 0, part: { type: "thought", id: "t", text: "日本語 \u202e 🐝 \u0000 '; DROP TABLE messages; --" } },
        ]);
        await commit(answerTo(turn, { parts }));
        await under.reopen();
        expect((await all(c)).map((message) => message.parts)).toEqual([null, parts]);
        expect((await under.store.context(c.conversation, 3, 10, 1000)).map((message) => message.parts)).toEqual([null, null]);
      });

      test("[S3] large parts make a page shorter than its limit, never empty, and pages together are whole, both ways", async () => {
        const c = await newConversation();
        const parts = JSON.stringify([{ at: 0, part: { type: "thought", id: "t", text: "x".repeat(5_000_000) } }]);
        for (let i = 0; i < 3; i++) {
          const [answer] = await commit<Appended>(say(c, `question ${i}`, { bot: "echo" }));
          await commit(answerTo(answer?.turn ?? -1, { parts }));
        }
        const seqs: number[] = [];
        for (let after = 0; after < 6;) {
          const { messages } = await under.store.messages(c.conversation, { after, limit: 100 });
          expect(messages.length).toBeGreaterThan(0);
          expect(messages.length).toBeLessThan(6);
          seqs.push(...messages.map((message) => message.seq));
          after = seqs.at(-1) ?? 6;
        }
        expect(seqs).toEqual([1, 2, 3, 4, 5, 6]);
        const last = await under.store.messages(c.conversation, { before: 7, limit: 100 });
        expect(last.head).toBe(6);
        expect(last.messages.map((message) => message.seq)).toEqual([5, 6]);
        await commit({ op: "delete-conversation", conversation: c.conversation });
      });
    });

    describe("drafts", () => {
      test("[T5] saved pieces are one text, also after reopening, in UTF-16 offsets", async () => {
        const { turn } = await asked();
        const pieces = ["Hello ", "👩‍👩‍👧‍👦", " e\u0301", "\u0000 日本", "🇩🇪!"];
        let text = "";
        for (const piece of pieces) {
          expect(await commit(draftOf(turn, { offset: text.length, text: piece }))).toEqual([{ ok: true, changed: true }]);
          text += piece;
        }
        expect(await under.store.draft(turn)).toEqual({ attempt: 1, text });
        await under.reopen();
        expect(await under.store.draft(turn)).toEqual({ attempt: 1, text });
        expect(await under.store.turn(turn)).toMatchObject({ attempt: 1 });
      });

      test("[T5] a piece that is saved again, or from an earlier offset, does not double the text", async () => {
        const { turn } = await asked();
        await commit(draftOf(turn, { text: "one " }), draftOf(turn, { offset: 4, text: "two" }), draftOf(turn, { offset: 4, text: "two" }));
        expect((await under.store.draft(turn))?.text).toBe("one two");
        await commit(draftOf(turn, { offset: 4, text: "two three" }));
        expect((await under.store.draft(turn))?.text).toBe("one two three");
        await commit(draftOf(turn, { offset: 0, text: "anew" }));
        expect((await under.store.draft(turn))?.text).toBe("anew");
      });

      test("[T2] of a text with a hole only what is before the hole is shown", async () => {
        const { turn } = await asked();
        await commit(draftOf(turn, { text: "head" }), draftOf(turn, { offset: 10, text: "tail" }));
        expect((await under.store.draft(turn))?.text).toBe("head");
        await commit(draftOf(turn, { attempt: 2, offset: 7, text: "tail of the next attempt" }));
        expect((await under.store.draft(turn))?.text ?? "").not.toContain("tail");
      });

      test("[T4] a newer attempt's text takes the place of the older one's", async () => {
        const { turn } = await asked();
        await commit(draftOf(turn, { text: "first try, a long one" }));
        await commit({ op: "start-attempt", turn, attempt: 2, generation: under.store.generation });
        expect(await under.store.draft(turn)).toEqual({ attempt: 1, text: "first try, a long one" });
        await commit(draftOf(turn, { attempt: 2, text: "second" }));
        expect(await under.store.draft(turn)).toEqual({ attempt: 2, text: "second" });
      });

      test("[B4] a fenced save is ignored", async () => {
        const { turn } = await asked();
        const { generation } = under.store;
        await commit(draftOf(turn, { attempt: 2, text: "new" }));
        expect(
          await commit(
            draftOf(turn, { attempt: 1, text: "old" }),
            draftOf(turn, { attempt: 2, generation: generation - 1, text: "old" }),
            draftOf(turn, { attempt: 3, generation: generation - 1, text: "old" }),
            draftOf(999_999_999, { text: "nowhere" }),
          ),
        ).toEqual(Array.from({ length: 4 }, () => ({ ok: true, changed: false })));
        expect(await under.store.draft(turn)).toEqual({ attempt: 2, text: "new" });
      });

      test("[T4] the draft goes when its turn ends, and a late save does not bring it back", async () => {
        const { turn } = await asked();
        await commit(draftOf(turn, { text: "so far" }));
        await under.reopen();
        await commit(answerTo(turn, { text: "so far and the rest" }));
        expect(await under.store.draft(turn)).toBeNull();
        await commit(draftOf(turn, { attempt: 2, text: "late" }));
        expect(await under.store.draft(turn)).toBeNull();
      });

      test("[T5] a turn without saved text has no draft", async () => {
        const { turn } = await asked();
        expect(await under.store.draft(turn)).toBeNull();
        expect(await under.store.draft(999_999_999)).toBeNull();
      });
    });

    describe("history", () => {
      test("[S3] pages go both ways, always ascending, with the head of the log", async () => {
        const c = await newConversation();
        await commit(...Array.from({ length: 10 }, (_, i) => say(c, `${i + 1}`)));
        const seqs = async (page: { after: number; limit: number } | { before: number; limit: number }): Promise<number[]> => {
          const { head, messages } = await under.store.messages(c.conversation, page);
          expect(head).toBe(10);
          return messages.map((m) => m.seq);
        };
        expect(await seqs({ after: 0, limit: 3 })).toEqual([1, 2, 3]);
        expect(await seqs({ after: 8, limit: 3 })).toEqual([9, 10]);
        expect(await seqs({ after: 10, limit: 3 })).toEqual([]);
        expect(await seqs({ after: 4, limit: 0 })).toEqual([]);
        expect(await seqs({ before: 11, limit: 3 })).toEqual([8, 9, 10]);
        expect(await seqs({ before: 3, limit: 3 })).toEqual([1, 2]);
        expect(await seqs({ before: 1, limit: 3 })).toEqual([]);
        expect(await seqs({ before: Number.MAX_SAFE_INTEGER, limit: 2 })).toEqual([9, 10]);
        expect(await seqs({ after: Number.MAX_SAFE_INTEGER, limit: 2 })).toEqual([]);
      });

      test("[S3] a conversation without messages, or one that does not exist, has head 0", async () => {
        const c = await newConversation();
        expect(await under.store.messages(c.conversation, { after: 0, limit: 5 })).toEqual({ head: 0, messages: [] });
        expect(await under.store.messages(999_999_999, { before: 5, limit: 5 })).toEqual({ head: 0, messages: [] });
      });

      test("[B1] the context of a bot is the newest messages of people and bots within both budgets, ascending", async () => {
        const c = await newConversation();
        const [, asking] = await commit<Appended>(say(c, "aaaa"), say(c, "bbbb", { bot: "echo" }));
        await commit(answerTo(must(asking).turn, { text: "cccc" }));
        const [failing] = await commit<Appended>(say(c, "dddd", { bot: "echo" }));
        await commit(
          answerTo(must(failing).turn, { role: "system", author: "skep", outcome: "failed", text: "it failed" }),
          say(c, "eeee"),
        );
        const context = async (...values: [number, number, number]): Promise<string[]> =>
          (await under.store.context(c.conversation, ...values)).map((m) => m.text);
        expect(await context(100, 100, 1000)).toEqual(["aaaa", "bbbb", "cccc", "dddd", "eeee"]);
        expect(await context(6, 100, 1000)).toEqual(["aaaa", "bbbb", "cccc", "dddd"]);
        expect(await context(6, 2, 1000)).toEqual(["cccc", "dddd"]);
        expect(await context(6, 100, 8)).toEqual(["cccc", "dddd"]);
        expect(await context(6, 100, 7)).toEqual(["dddd"]);
        expect(await context(6, 100, 3)).toEqual([]);
        expect(await context(6, 0, 1000)).toEqual([]);
        expect(await context(1, 100, 1000)).toEqual([]);
      });
    });

    describe("any text", () => {
      for (const [what, text] of Object.entries(awkwardTexts)) {
        test(`[R-B4] ${what} is stored byte for byte in every field`, async () => {
          const c = await newConversation({ person: `p ${text}`, title: text });
          const [sent] = await commit<Appended>(say(c, text, { key: text, sender: text, n: 1, bot: `b ${text}` }));
          await commit(draftOf(must(sent?.turn), { text }));
          await under.reopen();
          expect(await under.store.draft(must(sent?.turn))).toEqual({ attempt: 1, text });
          expect((await under.store.turn(must(sent?.turn)))?.bot).toBe(`b ${text}`);
          await commit(answerTo(must(sent?.turn), { text, author: text }));
          expect(await all(c)).toMatchObject([
            { text, key: text, author: `p ${text}` },
            { text, author: text },
          ]);
          expect(await under.store.conversation(c.publicId)).toMatchObject({ title: text, person: `p ${text}` });
          expect(await commit(say(c, text, { key: text, sender: text, n: 1 }))).toMatchObject([{ ok: true, duplicate: true, seq: 1 }]);
          expect(await under.store.conversations({ person: `p ${text}`, query: text, limit: 5 })).toMatchObject([{ publicId: c.publicId }]);
        });
      }

      test("[R-B4] any well-formed string comes back as it was", async () => {
        const c = await newConversation();
        await fc.assert(
          fc.asyncProperty(fc.array(fc.string({ unit: "binary", maxLength: 60 }), { minLength: 1, maxLength: 40 }), async (texts) => {
            const answers = await commit<Appended>(...texts.map((text) => say(c, text)));
            const page = await under.store.messages(c.conversation, { after: must(answers[0]).seq - 1, limit: texts.length });
            expect(page.messages.map((m) => m.text)).toEqual(texts);
          }),
          { numRuns: 30 },
        );
      });

      test("[R-B2] a text of 10 KB and one of 1 MB are stored whole", async () => {
        const c = await newConversation();
        const texts = ["x".repeat(10_240), "🙂".repeat(2560), "日".repeat(3413), "y".repeat(1_048_576)];
        await commit(...texts.map((text, i) => say(c, text, { key: `${i}` })));
        expect(await textsOf(c)).toEqual(texts);
        expect(await commit(say(c, must(texts[3]), { key: "3" }))).toMatchObject([{ ok: true, duplicate: true, seq: 4 }]);
      });

      test("[R-B7] SQL in any field is text", async () => {
        const bystander = await newConversation({ title: "bystander" });
        await commit(say(bystander, "still here"));
        for (const sql of hostileSql) {
          const publicId = `${sql} ${randomUUID()}`;
          await commit({ op: "create-conversation", publicId, bot: sql, person: sql, title: sql, at: openedAt });
          const c = must(await under.store.conversation(publicId));
          expect(c).toMatchObject({ publicId, bot: sql, person: sql, title: sql });
          const [sent] = await commit<Appended>(say(c, sql, { person: sql, key: sql, sender: sql, n: 1, bot: sql }));
          await commit(draftOf(must(sent?.turn), { text: sql }));
          expect((await under.store.draft(must(sent?.turn)))?.text).toBe(sql);
          await commit(answerTo(must(sent?.turn), { author: sql, text: sql }));
          expect(await textsOf(c)).toEqual([sql, sql]);
          expect(await under.store.conversations({ person: sql, bot: sql, query: sql, limit: 1 })).toHaveLength(1);
          await under.store.search({ person: sql, bot: sql, query: sql, limit: 5 });
          await commit(
            { op: "put-bot", create: true, bot: { name: sql, kind: sql, definition: sql, wanted: true, createdAt: 1 } },
            {
              op: "put-credential",
              credential: { id: sql, kind: "token", hash: sql, person: sql, role: sql, name: sql, createdAt: 1, expiresAt: null },
            },
          );
          expect((await under.store.bots()).find((bot) => bot.name === sql)).toMatchObject({ kind: sql, definition: sql });
          expect((await under.store.credentials()).find((one) => one.id === sql)).toMatchObject({ hash: sql, name: sql });
          await commit({ op: "delete-bot", name: sql }, { op: "delete-credential", id: sql });
        }
        expect(await textsOf(bystander)).toEqual(["still here"]);
      });
    });

    describe("conversations", () => {
      test("[R-A8] lists go from the newest activity to the oldest, page by page, and ties lose and double nothing", async () => {
        const person = `lists-${randomUUID()}`;
        const made: StoredConversation[] = [];
        for (let i = 0; i < 23; i++) {
          made.push(
            await newConversation({ person, bot: i % 3 === 0 ? "even" : "odd", title: `Title ${i}`, at: openedAt + Math.floor(i / 6) }),
          );
        }
        const order = (rows: StoredConversation[]): StoredConversation[] =>
          rows.toSorted((a, b) => b.activeAt - a.activeAt || b.conversation - a.conversation);
        const pages = async (filter: { bot?: string; query?: string }, limit: number): Promise<StoredConversation[]> => {
          const rows: StoredConversation[] = [];
          for (;;) {
            const last = rows.at(-1);
            const page = await under.store.conversations({ person, ...filter, limit, ...(last ? { before: last } : {}) });
            rows.push(...page);
            if (page.length < limit) return rows;
          }
        };
        for (const limit of [1, 4, 5, 23, 24]) expect(await pages({}, limit)).toEqual(order(made));
        expect(await pages({ bot: "even" }, 3)).toEqual(order(made.filter((c) => c.bot === "even")));
        expect(await pages({ query: "title 1" }, 2)).toEqual(order(made.filter((c) => c.title.includes("Title 1"))));
        expect(await pages({ bot: "even", query: "%" }, 2)).toEqual([]);
        expect(await pages({ bot: "nobody" }, 2)).toEqual([]);
      });

      test("[R-A8] a message makes its conversation the newest of the list, and the head is in the list", async () => {
        const person = `active-${randomUUID()}`;
        const first = await newConversation({ person, at: openedAt });
        const second = await newConversation({ person, at: openedAt + 1000 });
        await commit(say(first, "hello", { at: openedAt + 60_000 }));
        const rows = await under.store.conversations({ person, limit: 5 });
        expect(rows.map((row) => [row.publicId, row.head])).toEqual([
          [first.publicId, 1],
          [second.publicId, 0],
        ]);
        await under.reopen();
        await commit(say(second, "hello", { at: openedAt + 120_000 }));
        expect((await under.store.conversations({ person, limit: 5 })).map((row) => row.publicId)).toEqual([
          second.publicId,
          first.publicId,
        ]);
      });

      test("[R-A8] a conversation without a title is named by its first message, once", async () => {
        const c = await newConversation();
        await commit(say(c, `  ${"word ".repeat(30)}\nsecond line`), say(c, "another"));
        const title = must(await under.store.conversation(c.publicId)).title;
        expect(title).toMatch(/^word .*…$/);
        const d = await newConversation();
        await commit(say(d, "🙂".repeat(60)));
        expect(must(await under.store.conversation(d.publicId)).title.isWellFormed()).toBe(true);
        await commit({ op: "rename-conversation", conversation: d.conversation, title: "mine" }, say(d, "more"));
        expect(must(await under.store.conversation(d.publicId)).title).toBe("mine");
      });

      test("[R-G7] a deleted conversation is gone for every question, and takes no more messages", async () => {
        const { c, turn } = await asked({ text: "zanzibar" });
        const stays = await newConversation({ person: c.person });
        await commit(say(stays, "zanzibar"), draftOf(turn, { text: "so far" }));
        expect(await commit({ op: "delete-conversation", conversation: c.conversation })).toEqual([{ ok: true, changed: true }]);
        for (let round = 0; round < 2; round++) {
          expect(await under.store.conversation(c.publicId)).toBeNull();
          expect(await under.store.turn(turn)).toBeNull();
          expect(await under.store.draft(turn)).toBeNull();
          expect((await under.store.conversations({ person: c.person, limit: 9 })).map((row) => row.publicId)).toEqual([stays.publicId]);
          expect((await under.store.pendingTurns(turn - 1, 1))[0]?.turn).not.toBe(turn);
          const { found } = await under.store.search({ person: c.person, query: "zanzibar", limit: 9 });
          expect(found.map((one) => one.publicId)).toEqual([stays.publicId]);
          expect(
            await commit(
              say(c, "more"),
              answerTo(turn),
              { op: "retry-turn", turn },
              { op: "request-cancel", turn },
              { op: "delete-conversation", conversation: c.conversation },
              { op: "rename-conversation", conversation: c.conversation, title: "x" },
            ),
          ).toMatchObject([
            { ok: false, code: "not_found" },
            { ok: false },
            { ok: false, code: "not_found" },
            { ok: false, code: "not_found" },
            { ok: true, changed: false },
            { ok: true, changed: false },
          ]);
          await under.reopen();
        }
        expect(await textsOf(stays)).toEqual(["zanzibar"]);
      });
    });

    describe("search", () => {
      const find = async (person: string, query: string, over: object = {}): Promise<string[]> =>
        (await under.store.search({ person, query, limit: 50, ...over })).found.map((one) => one.message.text);

      /** Right after the commit, and after the store was opened again: the answer may not depend on what was indexed meanwhile. */
      const twice = async (check: () => Promise<void>): Promise<void> => {
        await check();
        await under.reopen();
        await check();
      };

      test("[R-A9] all words must occur, in any order and case, as whole words; the last one may be a beginning", async () => {
        const c = await newConversation();
        await commit(say(c, "Alpha beta gamma"), say(c, "beta ALPHA"), say(c, "alphabet betamax"), say(c, "gamma: alpha-BETA."));
        await twice(async () => {
          expect(await find(c.person, "alpha beta")).toEqual(["gamma: alpha-BETA.", "beta ALPHA", "Alpha beta gamma"]);
          expect(await find(c.person, "beta alph")).toEqual(["gamma: alpha-BETA.", "beta ALPHA", "Alpha beta gamma"]);
          expect(await find(c.person, "gam")).toEqual(["gamma: alpha-BETA.", "Alpha beta gamma"]);
          expect(await find(c.person, "amma")).toEqual([]);
          expect(await find(c.person, "alpha delta")).toEqual([]);
          expect(await find(c.person, "alphabet")).toEqual(["alphabet betamax"]);
        });
      });

      test("[R-A9] accents and case do not matter, and CJK is found from its beginning", async () => {
        const c = await newConversation();
        await commit(say(c, "Crème brûlée"), say(c, "ÄPFEL und Birnen"), say(c, "日本語のテキスト"), say(c, "Привет мир"));
        await twice(async () => {
          expect(await find(c.person, "creme brulee")).toEqual(["Crème brûlée"]);
          expect(await find(c.person, "cre\u0300me")).toEqual(["Crème brûlée"]);
          expect(await find(c.person, "äpfel")).toEqual(["ÄPFEL und Birnen"]);
          expect(await find(c.person, "日本")).toEqual(["日本語のテキスト"]);
          expect(await find(c.person, "ПРИВЕТ")).toEqual(["Привет мир"]);
        });
      });

      test("[R-A9] places are UTF-16 offsets of the words in the text", async () => {
        const c = await newConversation();
        await commit(say(c, "👍🏽 the Cat, the cat\u0000 and the catalogue"));
        await twice(async () => {
          const [found] = (await under.store.search({ person: c.person, query: "the cat", limit: 5 })).found;
          const { text } = must(found).message;
          expect(must(found).places.map(({ offset, length }) => text.slice(offset, offset + length).toLowerCase())).toEqual(
            expect.arrayContaining(["the", "cat"]),
          );
          expect(must(found)).toMatchObject({ publicId: c.publicId, bot: c.bot, title: expect.any(String) as string });
        });
      });

      test("[R-A9] filters by person, bot and time, newest first, within the limit", async () => {
        const c = await newConversation({ bot: "one" });
        const d = await newConversation({ bot: "two", person: c.person });
        const stranger = await newConversation();
        await commit(
          say(c, "kiwi 1", { at: openedAt + 1000 }),
          say(d, "kiwi 2", { at: openedAt + 2000 }),
          say(c, "kiwi 3", { at: openedAt + 3000 }),
          say(stranger, "kiwi 4"),
        );
        await twice(async () => {
          expect(await find(c.person, "kiwi")).toEqual(["kiwi 3", "kiwi 2", "kiwi 1"]);
          expect(await find(c.person, "kiwi", { limit: 2 })).toEqual(["kiwi 3", "kiwi 2"]);
          expect(await find(c.person, "kiwi", { bot: "one" })).toEqual(["kiwi 3", "kiwi 1"]);
          expect(await find(c.person, "kiwi", { bot: "three" })).toEqual([]);
          expect(await find(c.person, "kiwi", { since: openedAt + 2000 })).toEqual(["kiwi 3", "kiwi 2"]);
          expect(await find(c.person, "kiwi", { until: openedAt + 2000 })).toEqual(["kiwi 2", "kiwi 1"]);
          expect(await find(c.person, "kiwi", { since: openedAt + 1001, until: openedAt + 2999 })).toEqual(["kiwi 2"]);
          expect(await find(c.person, "kiwi", { since: openedAt + 3001, until: openedAt + 3002 })).toEqual([]);
          expect(await find("nobody", "kiwi")).toEqual([]);
        });
      });

      test("[O5] a clock that was set back hides nothing from a search by time", async () => {
        const c = await newConversation();
        await commit(...[1000, 5000, 2000, 3000].map((at) => say(c, `melon ${at}`, { at: openedAt + at })));
        await twice(async () => {
          expect(await find(c.person, "melon", { since: openedAt + 2500 })).toEqual(["melon 3000", "melon 5000"]);
          expect(await find(c.person, "melon", { until: openedAt + 2500 })).toEqual(["melon 2000", "melon 1000"]);
        });
      });

      test("[R-B7] a query is words, never syntax", async () => {
        const c = await newConversation();
        await commit(say(c, "alpha beta"), say(c, "plain"));
        await twice(async () => {
          for (const query of hostileQueries) {
            const found = await find(c.person, query);
            expect([query, found.filter((text) => text === "plain")]).toEqual([query, []]);
          }
          expect(await find(c.person, '"alpha" AND')).toEqual([]);
          expect(await find(c.person, '-"alpha" *beta')).toEqual(["alpha beta"]);
          expect(await find(c.person, "text:alpha")).toEqual([]);
          expect(await find(c.person, "alpha\u0000beta")).toEqual(["alpha beta"]);
        });
      });

      test("[R-B2] a query of 10 KB is answered", async () => {
        const c = await newConversation();
        await commit(say(c, "alpha beta"));
        await twice(async () => {
          for (const query of [
            "alpha ".repeat(1700),
            "x".repeat(10_240),
            '"'.repeat(10_240),
            "🙂".repeat(2560),
            "a b c d e f g h i j ".repeat(512),
          ]) {
            expect(Array.isArray(await find(c.person, query))).toBe(true);
          }
          expect(await find(c.person, "alpha ".repeat(1700))).toEqual(["alpha beta"]);
        });
      });

      test("[R-A9] any query is answered", async () => {
        const c = await newConversation();
        await commit(say(c, "alpha beta"));
        await fc.assert(
          fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (query) => {
            await find(c.person, query);
          }),
          { numRuns: 100 },
        );
      });
    });

    describe("bots and credentials", () => {
      test("[R-C1] a bot is made once, changed, found after reopening, and removed", async () => {
        const bot = { name: `b-${randomUUID()}`, kind: "echo", definition: '{"a":1}', wanted: true, createdAt: 5 };
        const mine = async (): Promise<unknown> => (await under.store.bots()).filter((one) => one.name === bot.name);
        expect(
          await commit({ op: "put-bot", create: true, bot }, { op: "put-bot", create: true, bot: { ...bot, kind: "x" } }),
        ).toMatchObject([
          { ok: true, changed: true },
          { ok: false, code: "bot_exists" },
        ]);
        const changed = { ...bot, kind: "ollama", definition: "{}", wanted: false };
        expect(await commit({ op: "put-bot", create: false, bot: changed })).toEqual([{ ok: true, changed: true }]);
        await under.reopen();
        expect(await mine()).toEqual([changed]);
        expect(await commit({ op: "delete-bot", name: bot.name }, { op: "delete-bot", name: bot.name })).toEqual([
          { ok: true, changed: true },
          { ok: true, changed: false },
        ]);
        expect(await commit({ op: "put-bot", create: false, bot })).toEqual([{ ok: true, changed: false }]);
        expect(await mine()).toEqual([]);
      });

      test("[R-C5] a bot's timeline keeps its newest entries in their order, over reopening, and goes with the bot", async () => {
        const name = `b-${randomUUID()}`;
        const bot = { name, kind: "echo", definition: "{}", wanted: true, createdAt: 5 };
        const note = (at: number, of = name): Operation => ({ op: "note-bot", bot: of, at, entry: `{"n":${at}}`, keep: 3 });
        const times = async (before = Number.MAX_SAFE_INTEGER, limit = 10): Promise<number[]> =>
          (await under.store.botEntries(name, before, limit)).map(({ at }) => at);
        expect(await commit(note(1))).toEqual([{ ok: true, changed: false }]);
        await commit({ op: "put-bot", create: true, bot });
        expect(await commit(...[1, 2, 3, 4, 5].map((at) => note(at)), note(9, `${name}-other`))).toContainEqual({
          ok: true,
          changed: false,
        });
        await under.reopen();
        expect(await times()).toEqual([3, 4, 5]);
        const newest = must((await under.store.botEntries(name, Number.MAX_SAFE_INTEGER, 1))[0]);
        expect(newest).toEqual({ number: newest.number, at: 5, entry: '{"n":5}' });
        expect(await times(newest.number)).toEqual([3, 4]);
        expect(await times(newest.number, 1)).toEqual([4]);
        await commit({ op: "delete-bot", name }, note(6), { op: "put-bot", create: true, bot }, note(7));
        expect(await times()).toEqual([7]);
        const again = must((await under.store.botEntries(name, Number.MAX_SAFE_INTEGER, 1))[0]);
        expect(again.number).toBeGreaterThan(newest.number);
      });

      test("[B1] the turns of a removed bot stay and wait", async () => {
        const name = `b-${randomUUID()}`;
        await commit({ op: "put-bot", create: true, bot: { name, kind: "echo", definition: "{}", wanted: true, createdAt: 5 } });
        const { turn } = await asked({ bot: name });
        await commit({ op: "delete-bot", name });
        expect(await under.store.turn(turn)).toMatchObject({ state: "pending", bot: name });
      });

      test("[R-G2] credentials are kept as they were given and end when they are deleted", async () => {
        const id = randomUUID();
        const credential = {
          id,
          kind: "session" as const,
          hash: `hash ${id}`,
          person: "owner",
          role: "owner",
          name: "browser",
          createdAt: 7,
          expiresAt: null,
        };
        const mine = async (): Promise<unknown> => (await under.store.credentials()).filter((one) => one.id === id);
        await commit({ op: "put-credential", credential });
        await under.reopen();
        expect(await mine()).toEqual([credential]);
        await commit({ op: "put-credential", credential: { ...credential, expiresAt: 99 } });
        expect(await mine()).toEqual([{ ...credential, expiresAt: 99 }]);
        expect(await commit({ op: "delete-credential", id }, { op: "delete-credential", id })).toEqual([
          { ok: true, changed: true },
          { ok: true, changed: false },
        ]);
        expect(await mine()).toEqual([]);
      });
    });

    describe("life", () => {
      test("[B4] the generation grows with every opening; [D5] the epoch stays when nothing was restored", async () => {
        const { epoch, generation } = under.store;
        expect(epoch).not.toBe("");
        await under.reopen();
        expect(under.store).toMatchObject({ epoch, generation: generation + 1 });
        await under.reopen();
        expect(under.store).toMatchObject({ epoch, generation: generation + 2 });
      });

      test("[D1] counts tell how much is stored", async () => {
        const before = await under.store.counts();
        const c = await newConversation();
        await commit(say(c, "one"), say(c, "two"));
        const after = await under.store.counts();
        expect(after.messages - before.messages).toBe(2);
        expect(after.conversations - before.conversations).toBe(1);
        expect(after.bytes).toBeGreaterThan(0);
      });

      test("[D1] what was handed over before the end is stored, and after the end everything is refused at once", async () => {
        const c = await newConversation();
        const ended = under.store;
        const last = ended.commit([say(c, "last words")]);
        await under.reopen();
        expect(await last).toMatchObject([{ ok: true, seq: 1 }]);
        await expect(ended.commit([say(c, "too late")])).rejects.toMatchObject({ outcome: "not-stored", final: true });
        await expect(ended.messages(c.conversation, { after: 0, limit: 1 })).rejects.toThrow(/closed/);
        expect(await textsOf(c)).toEqual(["last words"]);
      });
    });

    test("[O1] [O3] [K3] [B3] [B4] random batches give what a model of the log gives, with reopenings in between", async () => {
      const step = fc.oneof(
        { weight: 12, arbitrary: fc.array(ModelLog.steps, { minLength: 1, maxLength: 12 }) },
        { weight: 1, arbitrary: fc.constant("reopen" as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
          const publicIds = [randomUUID(), randomUUID()];
          const created = await commit<Created>(
            ...publicIds.map((publicId) => ({ op: "create-conversation" as const, publicId, bot: "echo", person: "p", title: "t", at: 1 })),
          );
          const model = new ModelLog(
            created.map((answer) => answer.conversation),
            randomUUID(),
          );
          for (const batch of steps) {
            if (batch === "reopen") await under.reopen();
            else {
              const operations = batch.map((one) => model.operation(one, under.store.generation));
              const answers = await under.store.commit(operations);
              for (const [i, operation] of operations.entries()) model.check(operation, must(answers[i]));
            }
            for (const conversation of model.conversations) {
              expect((await under.store.messages(conversation, { after: 0, limit: 10_000 })).messages).toMatchObject(
                model.messages(conversation),
              );
              for (const seq of [2, 4]) {
                const { messages: after } = await under.store.messages(conversation, { after: seq, limit: 2 });
                expect(after).toMatchObject(model.messages(conversation).slice(seq, seq + 2));
                const { messages: before } = await under.store.messages(conversation, { before: seq + 1, limit: 2 });
                expect(before).toMatchObject(model.messages(conversation).slice(0, seq).slice(-2));
              }
            }
            for (const bot of model.botNames()) {
              expect((await under.store.botEntries(bot, Number.MAX_SAFE_INTEGER, 100)).map(({ entry }) => entry)).toEqual(
                model.entries(bot),
              );
            }
            for (const turn of model.turns()) {
              expect(await under.store.turn(turn.turn)).toMatchObject(turn);
              expect((await under.store.draft(turn.turn))?.text ?? "").toBe(model.draft(turn.turn));
            }
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("expected a value");
  return value;
}
