/**
 * Requests for permission as the store keeps them (P1-P4).
 *
 *   pending ──decide-permission──> decided | expired        (the first one counts)
 *   pending ──close-turn──> withdrawn
 *   decided, before the bot was told ──ask-permission of a later attempt──> decided, told
 */
import type { PermissionOption, PermissionState } from "@skep/protocol";

export interface StoredPermission {
  id: number;
  conversation: number;
  publicId: string;
  person: string;
  turn: number;
  /** The attempt that asked last, and the name it gave to its request. */
  token: string;
  request: string;
  bot: string;
  title: string;
  detail: string;
  part: string | null;
  options: PermissionOption[];
  state: PermissionState;
  option: string | null;
  how: "person" | "policy" | "expiry" | null;
  decidedBy: string | null;
  decidedAt: number | null;
  createdAt: number;
  expiresAt: number;
}

/**
 * A request of a running attempt. One that an earlier attempt at the turn has made with the same title, detail and options is taken up again if it
 * is still pending, or was decided when nobody was there to be told; its expiry stays what it was. Otherwise it is a new one. Where a policy says
 * how, a request that is pending is decided at once. Refused with `fenced` when the turn has ended or is a newer generation's.
 */
export interface AskPermission {
  op: "ask-permission";
  turn: number;
  generation: number;
  token: string;
  request: string;
  title: string;
  detail: string;
  part: string | null;
  options: readonly PermissionOption[];
  /** What a policy has decided; `option` null: rejected without an option. */
  policy: { option: string | null } | null;
  at: number;
  expiresAt: number;
}

/** The first decision on a pending request. Refused with `state_conflict` and what was decided when it is not pending any more. */
export interface DecidePermission {
  op: "decide-permission";
  id: number;
  state: "decided" | "expired";
  option: string | null;
  how: "person" | "expiry";
  by: string | null;
  /** Does an attempt wait for it now? Otherwise the next attempt that asks the same is given this decision. */
  told: boolean;
  at: number;
}

export interface PermissionAnswer {
  ok: true;
  permission: StoredPermission;
}

export interface PermissionPage {
  before: number;
  limit: number;
}

/** What became of a request that is not pending any more, as a sentence. */
export function settledSentence({ state, option, options, how, decidedBy }: StoredPermission): string {
  if (state === "withdrawn") return "The turn has ended; this request was withdrawn";
  if (state === "expired") return "Nobody decided in time; this request counts as rejected";
  const label = options.find(({ id }) => id === option)?.label ?? "rejected";
  return `Decided already: "${label}", by ${how === "person" ? (decidedBy ?? "somebody") : "the bot's policy"}`;
}
