/** Opening, closing and counting (B4, D1, D5). */
import { describe, expect, test } from "vitest";
import type { Workbench } from "./workbench.ts";

export function lifeContract({ under, commit, newConversation, say, textsOf }: Workbench): void {
  describe("life", () => {
    test("[B4] the generation grows with every opening; [D5] the epoch stays when nothing was restored", async () => {
      const { epoch, generation } = under.store;
      expect(epoch).not.toBe("");
      await under.reopen();
      expect(under.store).toMatchObject({ epoch, generation: generation + 1 });
      await under.reopen();
      expect(under.store).toMatchObject({ epoch, generation: generation + 2 });
    });

    test("[D1] counts tell how much is stored", async () => {
      const before = await under.store.counts();
      const c = await newConversation();
      await commit(say(c, "one"), say(c, "two"));
      const after = await under.store.counts();
      expect(after.messages - before.messages).toBe(2);
      expect(after.conversations - before.conversations).toBe(1);
      expect(after.bytes).toBeGreaterThan(0);
    });

    test("[D1] what was handed over before the end is stored, and after the end everything is refused at once", async () => {
      const c = await newConversation();
      const ended = under.store;
      const last = ended.commit([say(c, "last words")]);
      await under.reopen();
      expect(await last).toMatchObject([{ ok: true, seq: 1 }]);
      await expect(ended.commit([say(c, "too late")])).rejects.toMatchObject({ outcome: "not-stored", final: true });
      await expect(ended.messages(c.conversation, { after: 0, limit: 1 })).rejects.toThrow(/closed/);
      expect(await textsOf(c)).toEqual(["last words"]);
    });
  });
}
