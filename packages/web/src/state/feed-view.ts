import type { Draft, PendingSend, TurnView } from "@skep/client";
import type { Permission, ResetReason } from "@skep/protocol";

/** What stands below the messages: answers being written, and messages of ours on their way. `key` stays the same when it becomes a message. */
export type TailRow =
  | { kind: "turn"; key: string; turn: string; draft: Draft | undefined; view: TurnView | undefined; permissions: readonly Permission[] }
  | { kind: "pending"; key: string; send: PendingSend };

export interface FeedView {
  phase: "loading" | "ready" | "gone";
  /** Why it is gone, for people. */
  reason: string;
  head: number;
  tail: readonly TailRow[];
  /** Turns whose last message may be tried again: by turn, the number of that message. */
  retries: ReadonlyMap<string, number>;
}

/** Why what was shown is void, for people. */
export const resetSentences: Record<ResetReason, string> = {
  epoch: "The server's history was restored from a backup. This is what it holds now.",
  ahead: "The server's history is shorter than what was shown here. This is what it holds now.",
  erased: "This conversation was erased.",
  not_allowed: "You may not read this conversation any more.",
};
