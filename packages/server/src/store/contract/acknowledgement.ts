/** What an acknowledgement means, keys, and the order of a batch (K1, K3, K4). */
import { describe, expect, test } from "vitest";
import type { Appended } from "../store.ts";
import { must } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function acknowledgementContract({ under, commit, newConversation, say, answerTo, all, textsOf, asked }: Workbench): void {
  describe("acknowledgement and keys", () => {
    test("[K1] a message and its bot's pending turn are stored together", async () => {
      const { c, turn } = await asked({ key: "k" });
      await under.reopen();
      expect(await all(c)).toMatchObject([{ seq: 1, role: "person", author: c.person, key: "k", text: "a question", turn, outcome: null }]);
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
      expect(await commit(say(c, "texT", { key: "k" }), say(c, "text ", { key: "k" }), say(c, "text\u0000", { key: "k" }))).toMatchObject([
        { ok: false, code: "key_conflict" },
        { ok: false, code: "key_conflict" },
        { ok: false, code: "key_conflict" },
      ]);
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
}
