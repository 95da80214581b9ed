/** Lists of conversations, their titles, and their end (R-A8, R-G7). */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { StoredConversation } from "../store.ts";
import { must, openedAt } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function conversationContract({ under, commit, newConversation, say, answerTo, textsOf, asked, draftOf }: Workbench): void {
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
      expect((await under.store.conversations({ person, limit: 5 })).map((row) => row.publicId)).toEqual([second.publicId, first.publicId]);
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
}
