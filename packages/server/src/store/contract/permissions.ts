/** Requests for permission (P1-P5). */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AskPermission, DecidePermission, PermissionAnswer, StoredPermission } from "../permission.ts";
import type { Appended, Created, Operation, Refused } from "../store.ts";
import type { Workbench } from "./workbench.ts";

const at = 1_700_000_000_000;
const options = [
  { id: "once", label: "Allow", effect: "allow", always: false },
  { id: "no", label: "Reject", effect: "reject", always: false },
] as const;

export function permissionContract({ under, commit }: Workbench): void {
  describe("permissions", () => {
    const asked = async (person = randomUUID()): Promise<{ conversation: number; publicId: string; person: string; turn: number }> => {
      const publicId = randomUUID();
      const [made] = await commit<Created>({ op: "create-conversation", publicId, person, bot: "coder", title: "", at });
      const conversation = made?.conversation ?? -1;
      const message = { conversation, person, key: null, sender: "", n: null, text: "do it", bot: "coder", at };
      const [appended] = await commit<Appended>({ op: "append", ...message });
      return { conversation, publicId, person, turn: appended?.turn ?? -1 };
    };
    const ask = (turn: number, over: Partial<AskPermission> = {}): AskPermission => ({
      op: "ask-permission",
      turn,
      generation: under.store.generation,
      token: `t${turn}.1.1`,
      request: "q",
      title: "Run it?",
      detail: "$ it",
      part: null,
      options,
      policy: null,
      at,
      expiresAt: at + 1000,
      ...over,
    });
    const decide = (id: number, over: Partial<DecidePermission> = {}): DecidePermission => ({
      op: "decide-permission",
      id,
      state: "decided",
      option: "once",
      how: "person",
      by: "ann",
      told: true,
      at: at + 5,
      ...over,
    });
    const close = (turn: number): Operation => ({
      op: "close-turn",
      turn,
      attempt: 1,
      generation: under.store.generation,
      outcome: "completed",
      role: "bot",
      author: "coder",
      text: "done",
      parts: null,
      at: at + 9,
    });
    const given = async (operation: AskPermission | DecidePermission): Promise<StoredPermission> => {
      const [answer] = await commit<PermissionAnswer>(operation);
      expect(answer).toMatchObject({ ok: true });
      return (answer as PermissionAnswer).permission;
    };

    test("[P1] a request is kept whole, also after reopening, and is in the lists of its person and its conversation alone", async () => {
      const { conversation, publicId, person, turn } = await asked();
      const text = "\u202e<script> '; DROP TABLE permissions; -- 日本語 \u0000";
      const permission = await given(ask(turn, { title: text, detail: text, part: text, request: text }));
      expect(permission).toMatchObject({
        conversation,
        publicId,
        person,
        turn,
        bot: "coder",
        title: text,
        state: "pending",
        createdAt: at,
      });
      await under.reopen();
      expect(await under.store.permission(permission.id)).toEqual(permission);
      expect(await under.store.pendingPermissions(person)).toEqual([permission]);
      expect(await under.store.pendingPermissions("somebody else")).toEqual([]);
      expect((await under.store.pendingPermissions(null)).map(({ id }) => id)).toContain(permission.id);
      expect(await under.store.permissions(conversation, { before: permission.id + 1, limit: 10 })).toEqual([permission]);
      expect(await under.store.permissions(conversation, { before: permission.id, limit: 10 })).toEqual([]);
      expect(await under.store.permission(999_999_999)).toBeNull();
    });

    test("[P2] the first decision counts, also in one batch; a later one is told what was decided", async () => {
      const { turn, person } = await asked();
      const { id } = await given(ask(turn));
      const [first, second] = await commit<PermissionAnswer | Refused>(decide(id), decide(id, { option: "no", by: "bob" }));
      expect(first).toMatchObject({
        ok: true,
        permission: { state: "decided", option: "once", how: "person", decidedBy: "ann", decidedAt: at + 5 },
      });
      expect(second).toMatchObject({ ok: false, code: "state_conflict", detail: 'Decided already: "Allow", by ann' });
      expect(await under.store.pendingPermissions(person)).toEqual([]);
      const late = await commit<Refused>(decide(id, { state: "expired", option: null, how: "expiry", by: null }));
      expect(late[0]).toMatchObject({ ok: false, code: "state_conflict" });
      expect((await commit<Refused>(decide(999_999_999)))[0]).toMatchObject({ ok: false, code: "not_found" });
    });

    test("[P3] a later attempt takes up what waits, in the same words; the attempt that asked asks anew", async () => {
      const { turn } = await asked();
      const first = await given(ask(turn));
      const again = await given(ask(turn, { token: "t.2.1", request: "r", part: "x", expiresAt: at + 9999 }));
      expect(again).toEqual({ ...first, token: "t.2.1", request: "r", part: "x" });
      for (const over of [{ title: "Other?" }, { detail: "" }, { options: options.slice(0, 1) }, { token: "t.2.1" }]) {
        expect((await given(ask(turn, { token: "t.3.1", ...over }))).id).not.toBe(first.id);
      }
      expect((await given(ask((await asked()).turn, { token: "t.4.1" }))).id).not.toBe(first.id);
    });

    test("[P3] a decision that nobody was told counts for the next attempt that asks, once; one that was told does not", async () => {
      const { turn } = await asked();
      const first = await given(ask(turn));
      await given(decide(first.id, { told: false }));
      expect(await given(ask(turn, { token: "t.2.1" }))).toMatchObject({ id: first.id, state: "decided", option: "once" });
      const second = await given(ask(turn, { token: "t.3.1" }));
      expect(second).toMatchObject({ state: "pending" });
      await given(decide(second.id));
      expect(await given(ask(turn, { token: "t.4.1" }))).toMatchObject({ state: "pending" });
      expect((await given(ask(turn, { token: "t.5.1" }))).id).toBeGreaterThan(second.id);
    });

    test("[P4] the end of a turn withdraws what waits, in the same transaction, also after reopening; nothing is asked for it any more", async () => {
      const { turn, person, conversation } = await asked();
      const waiting = await given(ask(turn));
      const decided = await given(ask(turn, { title: "Other?" }));
      await given(decide(decided.id));
      await under.reopen();
      await commit(close(turn));
      const rows = await under.store.permissions(conversation, { before: decided.id + 1, limit: 10 });
      expect(rows.map(({ id, state }) => [id, state])).toEqual([
        [waiting.id, "withdrawn"],
        [decided.id, "decided"],
      ]);
      expect(await under.store.pendingPermissions(person)).toEqual([]);
      expect((await commit<Refused>(ask(turn)))[0]).toMatchObject({ ok: false, code: "fenced" });
      expect((await commit<Refused>(decide(waiting.id)))[0]).toMatchObject({ ok: false, code: "state_conflict" });
    });

    test("[B4] a generation of before is refused once a newer one has begun the turn", async () => {
      const { turn } = await asked();
      const { generation } = under.store;
      await commit({ op: "start-attempt", turn, attempt: 1, generation });
      expect((await commit<Refused>(ask(turn, { generation: generation - 1 })))[0]).toMatchObject({ ok: false, code: "fenced" });
    });

    test("[P5] what a policy decides is written down at once, and never taken up again", async () => {
      const { turn, person } = await asked();
      const row = await given(ask(turn, { policy: { option: "once" } }));
      expect(row).toMatchObject({ state: "decided", option: "once", how: "policy", decidedBy: null, decidedAt: at });
      expect(await given(ask(turn, { policy: { option: null }, token: "t.2.1" }))).toMatchObject({ state: "decided", option: null });
      expect(await given(ask(turn, { token: "t.3.1" }))).toMatchObject({ state: "pending" });
      expect(await under.store.pendingPermissions(person)).toHaveLength(1);
    });

    test("[P5] a policy that came later decides what waits, and leaves what a person has decided", async () => {
      const { turn } = await asked();
      const waits = await given(ask(turn));
      expect(await given(ask(turn, { policy: { option: "no" }, token: "t.2.1" }))).toMatchObject({
        id: waits.id,
        option: "no",
        how: "policy",
      });
      const other = await given(ask(turn, { title: "Other?" }));
      await given(decide(other.id, { told: false }));
      const again = await given(ask(turn, { title: "Other?", policy: { option: "no" }, token: "t.2.1" }));
      expect(again).toMatchObject({ id: other.id, option: "once", how: "person", decidedBy: "ann" });
    });

    test("[R-G7] requests go with their conversation, and no id is given out twice", async () => {
      const { turn, conversation, person } = await asked();
      const { id } = await given(ask(turn));
      await commit({ op: "delete-conversation", conversation });
      expect(await under.store.permission(id)).toBeNull();
      expect(await under.store.pendingPermissions(person)).toEqual([]);
      expect((await commit<Refused>(decide(id)))[0]).toMatchObject({ ok: false, code: "not_found" });
      expect((await commit<Refused>(ask(turn)))[0]).toMatchObject({ ok: false });
      await under.reopen();
      expect((await given(ask((await asked()).turn))).id).toBeGreaterThan(id);
    });
  });
}
