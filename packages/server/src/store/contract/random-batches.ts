/** Batches of random operations, compared with a model of the log (O1, O3, K3, B3, B4). */
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ModelLog } from "../model-log.ts";
import type { Created } from "../store.ts";
import { must } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

export function randomBatchContract({ under, commit }: Workbench): void {
  test("[O1] [O3] [K3] [B3] [B4] random batches give what a model of the log gives, with reopenings in between", async () => {
    const step = fc.oneof(
      { weight: 12, arbitrary: fc.array(ModelLog.steps, { minLength: 1, maxLength: 12 }) },
      { weight: 1, arbitrary: fc.constant("reopen" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const publicIds = [randomUUID(), randomUUID()];
        const created = await commit<Created>(
          ...publicIds.map((publicId) => ({ op: "create-conversation" as const, publicId, bot: "echo", person: "p", title: "t", at: 1 })),
        );
        const model = new ModelLog(
          created.map((answer) => answer.conversation),
          randomUUID(),
        );
        for (const batch of steps) {
          if (batch === "reopen") await under.reopen();
          else {
            const operations = batch.map((one) => model.operation(one, under.store.generation));
            const answers = await under.store.commit(operations);
            for (const [i, operation] of operations.entries()) model.check(operation, must(answers[i]));
          }
          for (const conversation of model.conversations) {
            expect((await under.store.messages(conversation, { after: 0, limit: 10_000 })).messages).toMatchObject(
              model.messages(conversation),
            );
            for (const seq of [2, 4]) {
              const { messages: after } = await under.store.messages(conversation, { after: seq, limit: 2 });
              expect(after).toMatchObject(model.messages(conversation).slice(seq, seq + 2));
              const { messages: before } = await under.store.messages(conversation, { before: seq + 1, limit: 2 });
              expect(before).toMatchObject(model.messages(conversation).slice(0, seq).slice(-2));
            }
          }
          for (const bot of model.botNames()) {
            expect((await under.store.botEntries(bot, Number.MAX_SAFE_INTEGER, 100)).map(({ entry }) => entry)).toEqual(model.entries(bot));
          }
          for (const turn of model.turns()) {
            expect(await under.store.turn(turn.turn)).toMatchObject(turn);
            expect((await under.store.draft(turn.turn))?.text ?? "").toBe(model.draft(turn.turn));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
}
