/** Parts of answers (T6), and pages that stay small with large ones (S3). */
import { describe, expect, test } from "vitest";
import type { Appended } from "../store.ts";
import type { Workbench } from "./workbench.ts";

export function partContract({ under, commit, newConversation, say, answerTo, all, asked }: Workbench): void {
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
}
