import type { Answers } from "../store.ts";
import type { AskPermission, DecidePermission } from "../permission.ts";
import { settledSentence } from "../permission.ts";
import type { Database } from "./database.ts";
import type { PermissionRow } from "./permission-rows.ts";
import { howNumber, permissionColumns, permissionFrom, permissionStateNumber as states } from "./permission-rows.ts";

const fenced = { ok: false, code: "fenced", detail: "The turn has ended, or is worked on elsewhere" } as const;
const gone = { ok: false, code: "not_found", detail: "This request does not exist" } as const;

/** The part of the write side that keeps requests for permission. */
export class PermissionWrites {
  readonly #statements: ReturnType<typeof prepare>;
  /** Turns with pending requests, so that ending any other turn costs no look-up. */
  readonly #asking = new Set<number>();

  constructor(db: Database) {
    this.#statements = prepare(db);
  }

  reload(): void {
    this.#asking.clear();
    for (const { turn } of this.#statements.asking.all()) this.#asking.add(turn);
  }

  ask(a: AskPermission): Answers["ask-permission"] {
    const s = this.#statements;
    const turn = s.turn.get(a.turn);
    if (!turn || turn.state !== 0 || turn.generation > a.generation) return fenced;
    const options = JSON.stringify(a.options);
    const earlier = s.earlier.get(a.turn, a.title, a.detail, options, a.token);
    if (earlier) {
      s.takeUp.run(a.token, a.request, a.part, earlier.id);
      // What a person has decided stands; what waits still is the policy's now.
      if (a.policy) s.decide.run(states.decided, a.policy.option, howNumber.policy, null, 1, a.at, earlier.id);
    }
    const id =
      earlier?.id ??
      s.insert.run(
        turn.conversation,
        a.turn,
        a.token,
        a.request,
        turn.bot,
        a.title,
        a.detail,
        a.part,
        options,
        a.policy ? states.decided : states.pending,
        a.policy?.option ?? null,
        a.policy ? howNumber.policy : null,
        a.policy ? a.at : null,
        a.at,
        a.expiresAt,
      ).lastInsertRowid;
    const row = s.permission.get(id);
    if (!row) return fenced;
    if (row.state === states.pending) this.#asking.add(a.turn);
    return { ok: true, permission: permissionFrom(row) };
  }

  decide(d: DecidePermission): Answers["decide-permission"] {
    const s = this.#statements;
    const decided = s.decide.run(states[d.state], d.option, howNumber[d.how], d.by, d.told ? 1 : 0, d.at, d.id).changes > 0;
    const row = s.permission.get(d.id);
    if (!row) return gone;
    const permission = permissionFrom(row);
    return decided ? { ok: true, permission } : { ok: false, code: "state_conflict", detail: settledSentence(permission) };
  }

  turnEnded(turn: number, at: number): void {
    if (this.#asking.delete(turn)) this.#statements.withdraw.run(at, turn);
  }

  conversationDeleted(conversation: number): void {
    this.#statements.drop.run(conversation);
  }
}

function prepare(db: Database) {
  return {
    asking: db.prepare<{ turn: number }>("SELECT turn FROM permissions INDEXED BY permissions_pending WHERE state = 0"),
    turn: db.prepare<{ conversation: number; bot: string; state: number; generation: number }>(
      "SELECT t.conversation, t.bot, t.state, t.generation FROM turns t JOIN conversations c ON c.id = t.conversation WHERE t.id = ? AND c.deleted_at IS NULL",
    ),
    earlier: db.prepare<{ id: number }>(
      `SELECT id FROM permissions INDEXED BY permissions_by_turn WHERE turn = ? AND title = ? AND detail = ? AND options = ? AND token <> ? AND (state = ${states.pending} OR (state = ${states.decided} AND told = 0)) ORDER BY id LIMIT 1`,
    ),
    takeUp: db.prepare("UPDATE permissions SET token = ?, request = ?, part = ?, told = 1 WHERE id = ?"),
    insert: db.prepare(
      "INSERT INTO permissions (conversation, turn, token, request, bot, title, detail, part, options, state, option, how, decided_at, created_at, expires_at, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
    ),
    permission: db.prepare<PermissionRow>(
      `SELECT ${permissionColumns} FROM permissions p JOIN conversations c ON c.id = p.conversation WHERE p.id = ? AND c.deleted_at IS NULL`,
    ),
    decide: db.prepare(
      "UPDATE permissions SET state = ?, option = ?, how = ?, decided_by = ?, told = ?, decided_at = ? WHERE id = ? AND state = 0",
    ),
    withdraw: db.prepare(
      `UPDATE permissions INDEXED BY permissions_by_turn SET state = ${states.withdrawn}, decided_at = ? WHERE turn = ? AND state = 0`,
    ),
    drop: db.prepare("DELETE FROM permissions INDEXED BY permissions_by_conversation WHERE conversation = ?"),
  };
}
