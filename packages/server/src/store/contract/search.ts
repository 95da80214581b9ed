/** Full-text search (R-A9): the same answers before and after indexing, and any query is words. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { must, openedAt } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

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

export function searchContract({ under, commit, newConversation, say }: Workbench): void {
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
}
