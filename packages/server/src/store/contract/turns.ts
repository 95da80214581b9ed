/** Turns: pending, attempted, ended once, fenced, tried again (B1, B3-B5, T3). */
import { describe, expect, test } from "vitest";
import type { Appended } from "../store.ts";
import { must } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function turnContract({ under, commit, newConversation, say, answerTo, all, textsOf, asked, draftOf }: Workbench): void {
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
      expect(await commit(answerTo(turn, { attempt: 1, generation: old }), answerTo(turn, { attempt: 5, generation: old }))).toMatchObject([
        { code: "fenced" },
        { code: "fenced" },
      ]);
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
}
