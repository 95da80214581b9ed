/** How roles, outcomes and states are kept in integer columns. Numbers are part of the schema: never reuse one. */
import type { Role, TurnOutcome } from "@skep/protocol";
import type { StoredMessage, StoredTurn } from "../store.ts";

const roles: readonly Role[] = ["person", "bot", "system"];
const turnStates: readonly StoredTurn["state"][] = ["pending", "completed", "cancelled", "failed"];

export const roleNumber = { person: 0, bot: 1, system: 2 } as const satisfies Record<Role, number>;
export const turnStateNumber = { pending: 0, completed: 1, cancelled: 2, failed: 3 } as const satisfies Record<StoredTurn["state"], number>;

export interface MessageRow {
  id: number;
  seq: number;
  role: number;
  author: string;
  key: string | null;
  text: string;
  turn: number | null;
  outcome: number | null;
  created_at: number;
  parts: string | null;
  files: string | null;
}
/** For search, which shows texts: parts stay where they are. */
export const messageColumns = "m.id, m.seq, m.role, m.author, m.key, m.text, m.turn, m.outcome, m.created_at, NULL AS parts, m.files";

export const messageFrom = (row: MessageRow): StoredMessage => ({
  id: row.id,
  seq: row.seq,
  role: roles[row.role] ?? "system",
  author: row.author,
  key: row.key,
  text: row.text,
  turn: row.turn,
  outcome: row.outcome === null ? null : (turnStates[row.outcome] as TurnOutcome),
  createdAt: row.created_at,
  parts: row.parts,
  files: row.files,
});

export interface TurnRow {
  turn: number;
  conversation: number;
  public_id: string;
  seq: number;
  bot: string;
  person: string;
  state: number;
  attempt: number;
  base_attempt: number;
  generation: number;
  cancel_requested: number;
}

export const turnFrom = (row: TurnRow): StoredTurn => ({
  turn: row.turn,
  conversation: row.conversation,
  publicId: row.public_id,
  seq: row.seq,
  bot: row.bot,
  person: row.person,
  state: turnStates[row.state] ?? "failed",
  attempt: row.attempt,
  baseAttempt: row.base_attempt,
  generation: row.generation,
  cancelRequested: row.cancel_requested !== 0,
});
