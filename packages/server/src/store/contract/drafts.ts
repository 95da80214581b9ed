/** The saved text of an answer that is being written (T2, T4, T5). */
import { describe, expect, test } from "vitest";
import type { Workbench } from "./workbench.ts";

export function draftContract({ under, commit, answerTo, asked, draftOf }: Workbench): void {
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
}
