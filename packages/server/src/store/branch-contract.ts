/** What every store must do with branches, written on the `Store` interface alone. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BeginBranch, Branched, StoredFork } from "./branch.ts";
import type { StoreUnderTest } from "./contract.ts";
import type { Answer, Appended, Created, Operation, StoredMessage } from "./store.ts";

const at = 1_700_000_000_000;
const parts = '[{"at":0,"part":{"type":"thought","id":"t","text":"hm"}}]';

interface Place {
  conversation: number;
  publicId: string;
  person: string;
}

export function branchContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store contract, branches: ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    const commit = async <A extends Answer>(...batch: Operation[]): Promise<A[]> => (await under.store.commit(batch)) as A[];
    const say = ({ conversation, person }: Place, text: string, key: string | null = null): Operation => ({
      op: "append",
      conversation,
      person,
      key,
      sender: "",
      n: null,
      text,
      bot: "bee",
      at,
    });
    const close = (turn: number, text: string): Operation => ({
      op: "close-turn",
      turn,
      attempt: 1,
      generation: under.store.generation,
      outcome: "completed",
      role: "bot",
      author: "bee",
      text,
      parts,
      at: at + 1,
    });
    /** Questions q1, q2… with their answers: 2 messages each. */
    const talked = async (questions: number): Promise<Place> => {
      const place = { publicId: randomUUID(), person: randomUUID() };
      const [made] = await commit<Created>({ op: "create-conversation", ...place, bot: "bee", title: "talk", at });
      const c = { ...place, conversation: made?.conversation ?? -1 };
      for (let i = 1; i <= questions; i++) await ask(c, `q${i}`);
      return c;
    };
    const ask = async (c: Place, text: string): Promise<void> => {
      const [asked] = await commit<Appended>(say(c, text));
      await commit(close(asked?.turn ?? -1, `a ${text}`));
    };
    const from = (origin: Place, seq: number, text: string, over: Partial<BeginBranch> = {}): BeginBranch => ({
      op: "begin-branch",
      publicId: randomUUID(),
      origin: origin.conversation,
      seq,
      person: origin.person,
      bot: "bee",
      key: "k",
      text,
      at: at + 5000,
      ...over,
    });
    const branched = async (origin: Place, seq: number, text: string): Promise<Place & { turn: number }> => {
      const operation = from(origin, seq, text);
      const [answer] = await commit<Branched>(operation);
      return { conversation: answer?.conversation ?? -1, publicId: operation.publicId, person: origin.person, turn: answer?.turn ?? -1 };
    };
    const all = async (c: Place): Promise<StoredMessage[]> =>
      (await under.store.messages(c.conversation, { after: 0, limit: 1000 })).messages;
    const texts = async (c: Place): Promise<string[]> => (await all(c)).map(({ text }) => text);
    const forks = (c: Place): Promise<StoredFork[]> => under.store.forks(c.conversation, 100);
    const erase = ({ conversation }: Place): Operation => ({ op: "delete-conversation", conversation });

    test("[O1] [O4] a branch begins with the messages before the place as they were, and goes on with the next number; the other one stays as it was", async () => {
      const c = await talked(3);
      const before = await all(c);
      const [answer] = await commit<Branched>(from(c, 3, "other q2", { publicId: `b ${c.publicId}` }));
      expect(answer).toMatchObject({ ok: true, duplicate: false });
      const b = { ...c, publicId: `b ${c.publicId}`, conversation: answer?.conversation ?? -1 };
      await commit(close(answer?.turn ?? -1, "other a2"), say(b, "more"));
      await under.reopen();
      expect(await all(c)).toEqual(before);
      const now = await all(b);
      expect(now.slice(0, 2)).toEqual(before.slice(0, 2));
      expect(now.slice(2).map(({ seq, role, text }) => [seq, role, text])).toEqual([
        [3, "person", "other q2"],
        [4, "bot", "other a2"],
        [5, "person", "more"],
      ]);
      expect(now[2]).toMatchObject({ turn: answer?.turn, key: "k", createdAt: at + 5000 });
    });

    test("[O4] the branch knows what it was branched from and has its title, or that of its own first message where nothing is before that", async () => {
      const c = await talked(2);
      const later = await branched(c, 3, "edited");
      const first = await branched(c, 1, "anew");
      expect(await under.store.conversation(later.publicId)).toMatchObject({
        title: "talk",
        head: 3,
        from: { origin: c.publicId, seq: 3 },
      });
      expect(await under.store.conversation(first.publicId)).toMatchObject({
        title: "anew",
        head: 1,
        from: { origin: c.publicId, seq: 1 },
      });
      expect(await under.store.conversation(c.publicId)).toMatchObject({ title: "talk", head: 4, from: null });
      const list = await under.store.conversations({ person: c.person, limit: 10 });
      expect(list.map((one) => one.from)).toEqual([{ origin: c.publicId, seq: 1 }, { origin: c.publicId, seq: 3 }, null]);
      await commit(erase(c));
      expect((await under.store.conversation(later.publicId))?.from).toEqual({ origin: null, seq: 3 });
    });

    test("[K3] the same branch again gives the first answer, also in one batch and after reopening; with other content it is refused and nothing is stored", async () => {
      const c = await talked(2);
      const branch = from(c, 3, "edited");
      const [first, second] = await commit<Branched>(branch, branch);
      expect(second).toEqual({ ...first, duplicate: true });
      await under.reopen();
      expect(await commit(branch)).toEqual([{ ...first, duplicate: true }]);
      const other = await talked(2);
      expect(
        await commit({ ...branch, text: "other" }, { ...branch, seq: 1 }, { ...branch, origin: other.conversation, person: other.person }),
      ).toMatchObject([
        { ok: false, code: "key_conflict" },
        { ok: false, code: "key_conflict" },
        { ok: false, code: "key_conflict" },
      ]);
      expect(await under.store.conversations({ person: c.person, limit: 10 })).toHaveLength(2);
      await commit({ op: "delete-conversation", conversation: first?.conversation ?? -1 });
      expect(await commit(branch)).toMatchObject([{ ok: false, code: "state_conflict" }]);
    });

    test("[K2] a place that there is not, and a conversation that is erased, are refused, and nothing is stored", async () => {
      const c = await talked(1);
      expect(await commit(from(c, 0, "x"), from(c, 3, "x"))).toMatchObject([
        { ok: false, code: "field_invalid" },
        { ok: false, code: "field_invalid" },
      ]);
      await commit(erase(c));
      expect(await commit(from(c, 1, "x"))).toMatchObject([{ ok: false, code: "not_found" }]);
      expect(await under.store.conversations({ person: c.person, limit: 10 })).toEqual([]);
    });

    test("[B1] [P4] only the turn of the new message is pending: those of the messages before it are the other conversation's", async () => {
      const c = await talked(1);
      const [waits] = await commit<Appended>(say(c, "waits"), say(c, "behind"));
      const b = await branched(c, 4, "edited");
      const mine = (await under.store.pendingTurns(waits?.turn ?? 0, 100)).filter(({ conversation }) => conversation === b.conversation);
      expect(mine).toMatchObject([{ turn: b.turn, seq: 4, publicId: b.publicId, state: "pending" }]);
      expect(await under.store.turn(waits?.turn ?? 0)).toMatchObject({ conversation: c.conversation, state: "pending" });
      expect(await under.store.permissions(b.conversation, { before: Number.MAX_SAFE_INTEGER, limit: 10 })).toEqual([]);
      await commit(close(waits?.turn ?? -1, "late"));
      expect(await texts(b)).toEqual(["q1", "a q1", "waits", "edited"]);
    });

    test("[O2] [S3] pages of a branch of a branch are those of one log, both ways, at every limit", async () => {
      const c = await talked(4);
      const b = await branched(c, 5, "b");
      await commit(close(b.turn, "ab"));
      await ask(b, "b2");
      const d = await branched(b, 7, "d");
      // Begins where its origin's own messages begin: it stands beside it.
      const e = await branched(b, 5, "e");
      expect(await texts(d)).toEqual(["q1", "a q1", "q2", "a q2", "b", "ab", "d"]);
      expect(await texts(e)).toEqual(["q1", "a q1", "q2", "a q2", "e"]);
      const expected = await all(d);
      for (const limit of [1, 2, 3, 7, 50]) {
        for (let seq = 0; seq <= 8; seq++) {
          const after = await under.store.messages(d.conversation, { after: seq, limit });
          expect(after).toEqual({ head: 7, messages: expected.slice(seq, seq + limit) });
          const before = await under.store.messages(d.conversation, { before: seq, limit });
          const wanted = expected.filter((message) => message.seq < seq).slice(-limit);
          expect(before).toEqual({ head: 7, messages: wanted });
        }
      }
    });

    test("[R-B3] a bot sees the branch as its context, within both budgets", async () => {
      const c = await talked(3);
      const b = await branched(c, 5, "b");
      const seen = async (messages: number, characters: number): Promise<string[]> =>
        (await under.store.context(b.conversation, 5, messages, characters)).map(({ text }) => text);
      expect(await seen(100, 1000)).toEqual(["q1", "a q1", "q2", "a q2"]);
      expect(await seen(3, 1000)).toEqual(["a q1", "q2", "a q2"]);
      expect(await seen(100, 7)).toEqual(["q2", "a q2"]);
    });

    test("[R-G7] when the conversation it came from is erased, a branch reads as before, is found, and takes messages; the rest of the other one is gone", async () => {
      const c = await talked(3);
      const b = await branched(c, 3, "other");
      const d = await branched(b, 3, "third");
      const before = await all(b);
      await commit(erase(c));
      await under.reopen();
      await ask(b, "on it goes");
      expect((await all(b)).slice(0, before.length)).toEqual(before);
      expect(await texts(d)).toEqual(["q1", "a q1", "third"]);
      expect(await under.store.conversation(c.publicId)).toBeNull();
      const found = async (query: string): Promise<string[]> =>
        (await under.store.search({ person: c.person, query, limit: 10 })).found.map((one) => `${one.publicId} ${one.message.text}`);
      expect(await found("q1")).toEqual([`${b.publicId} a q1`, `${b.publicId} q1`]);
      expect(await found("q2")).toEqual([]);
      await commit(erase(b));
      expect(await found("q1")).toEqual([`${d.publicId} a q1`, `${d.publicId} q1`]);
      await commit(erase(d));
      expect(await found("q1")).toEqual([]);
    });

    test("[O4] what a conversation shows lists the other ways in which it was said, each with its place", async () => {
      const c = await talked(3);
      const b = await branched(c, 3, "b");
      const b2 = await branched(b, 3, "b2");
      const d = await branched(b2, 1, "d");
      await commit(close(b.turn, "ab"));
      await ask(b, "on");
      const e = await branched(b, 5, "e");
      const ids = (...those: Place[]): string[] => those.map(({ publicId }) => publicId);
      const first = ids(c, d);
      const third = ids(c, b, b2);
      expect(await forks(c)).toEqual([
        { seq: 1, conversations: first, shown: 0 },
        { seq: 3, conversations: third, shown: 0 },
      ]);
      expect(await forks(b2)).toEqual([
        { seq: 1, conversations: first, shown: 0 },
        { seq: 3, conversations: third, shown: 2 },
      ]);
      expect(await forks(d)).toEqual([{ seq: 1, conversations: first, shown: 1 }]);
      expect(await forks(e)).toEqual([
        { seq: 1, conversations: first, shown: 0 },
        { seq: 3, conversations: third, shown: 1 },
        { seq: 5, conversations: ids(b, e), shown: 1 },
      ]);
      expect(await under.store.forks(e.conversation, 1)).toEqual([{ seq: 5, conversations: ids(b, e), shown: 1 }]);
      await commit(erase(b));
      // What it shows of b is its own now.
      expect(await forks(e)).toEqual([
        { seq: 1, conversations: first, shown: 0 },
        { seq: 3, conversations: ids(c, e, b2), shown: 1 },
      ]);
      expect(await forks(c)).toEqual([
        { seq: 1, conversations: first, shown: 0 },
        { seq: 3, conversations: ids(c, b2), shown: 0 },
      ]);
      await commit(erase(c));
      expect(await forks(b2)).toEqual([{ seq: 1, conversations: ids(b2, d), shown: 0 }]);
    });
  });
}
