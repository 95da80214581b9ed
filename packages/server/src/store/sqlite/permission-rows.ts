/** How requests for permission are kept in columns. Numbers are part of the schema: never reuse one. */
import type { PermissionOption, PermissionState } from "@skep/protocol";
import type { StoredPermission } from "../permission.ts";

const states: readonly PermissionState[] = ["pending", "decided", "expired", "withdrawn"];
const hows = ["person", "policy", "expiry"] as const;

export const permissionStateNumber = { pending: 0, decided: 1, expired: 2, withdrawn: 3 } as const satisfies Record<
  PermissionState,
  number
>;
export const howNumber = { person: 0, policy: 1, expiry: 2 } as const satisfies Record<(typeof hows)[number], number>;

export interface PermissionRow {
  id: number;
  conversation: number;
  public_id: string;
  person: string;
  turn: number;
  token: string;
  request: string;
  bot: string;
  title: string;
  detail: string;
  part: string | null;
  options: string;
  state: number;
  option: string | null;
  how: number | null;
  decided_by: string | null;
  decided_at: number | null;
  created_at: number;
  expires_at: number;
}
export const permissionColumns =
  "p.id, p.conversation, c.public_id, c.person, p.turn, p.token, p.request, p.bot, p.title, p.detail, p.part, p.options, p.state, p.option, p.how, p.decided_by, p.decided_at, p.created_at, p.expires_at";

export const permissionFrom = (row: PermissionRow): StoredPermission => ({
  id: row.id,
  conversation: row.conversation,
  publicId: row.public_id,
  person: row.person,
  turn: row.turn,
  token: row.token,
  request: row.request,
  bot: row.bot,
  title: row.title,
  detail: row.detail,
  part: row.part,
  options: JSON.parse(row.options) as PermissionOption[],
  state: states[row.state] ?? "withdrawn",
  option: row.option,
  how: row.how === null ? null : (hows[row.how] ?? null),
  decidedBy: row.decided_by,
  decidedAt: row.decided_at,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});
