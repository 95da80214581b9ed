import { expect, test } from "vitest";
import type { Branched } from "../branch.ts";
import { deepestBranch } from "../branch.ts";
import type { Answer, Operation } from "../store.ts";
import { openForWriting } from "./opening.ts";
import { Reads } from "./reads.ts";
import { Writes } from "./writes.ts";

test(`[K5] branches of branches end at ${deepestBranch}, with what to do instead`, () => {
  const { db } = openForWriting(":memory:", null, () => "epoch", 0);
  const writes = new Writes(db);
  const reads = new Reads(db);
  const commit = (operation: Operation): Answer => writes.commit([operation])[0] as Answer;
  const say = (conversation: number, text: string): Answer =>
    commit({ op: "append", conversation, person: "p", key: null, sender: "", n: null, text, bot: "b", at: 0 });
  const branch = (origin: number, seq: number, text: string): Branched =>
    commit({ op: "begin-branch", publicId: text, origin, seq, person: "p", bot: "b", key: null, text, at: 0 }) as Branched;
  commit({ op: "create-conversation", publicId: "c", bot: "b", person: "p", title: "t", at: 0 });
  const origin = reads.conversation("c")?.conversation ?? -1;
  for (const text of ["first", "second"]) say(origin, text);
  let deepest = origin;
  for (let depth = 1; depth <= deepestBranch; depth++) {
    deepest = branch(deepest, depth + 1, `branch ${depth}`).conversation;
    say(deepest, "more");
  }
  const { head, messages } = reads.messages(deepest, { after: 0, limit: 3 });
  expect([head, messages.map(({ text }) => text)]).toEqual([deepestBranch + 2, ["first", "branch 1", "branch 2"]]);
  expect(branch(deepest, head, "too deep")).toMatchObject({
    ok: false,
    code: "state_conflict",
    detail: expect.stringContaining("begin a new conversation") as string,
  });
  // What goes back behind its last branch is no deeper than that.
  expect(branch(deepest, head - 1, "beside")).toMatchObject({ ok: true });
  db.close();
});
