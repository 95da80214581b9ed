/** Any text in any field comes back as it was, and none is ever run (R-B2, R-B4, R-B7). */
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Appended } from "../store.ts";
import { must, openedAt } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

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

export function anyTextContract({ under, commit, newConversation, say, answerTo, all, textsOf, draftOf }: Workbench): void {
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
}
