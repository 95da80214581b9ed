/** Numbers, ids and the order of messages (O1-O5). */
import { describe, expect, test } from "vitest";
import type { Appended } from "../store.ts";
import { must, openedAt } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function orderContract({ under, commit, newConversation, say, answerTo, all, textsOf, asked }: Workbench): void {
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
}
