/** Pages of a conversation (S3) and what a bot is given to read (B1). */
import { describe, expect, test } from "vitest";
import type { Appended } from "../store.ts";
import { must } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function historyContract({ under, commit, newConversation, say, answerTo }: Workbench): void {
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
      await commit(answerTo(must(failing).turn, { role: "system", author: "skep", outcome: "failed", text: "it failed" }), say(c, "eeee"));
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
}
