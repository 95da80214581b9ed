import type { ResetReason } from "@skep/protocol/wire";

/** History differs from what a reader has: the server's log begins another life, or the conversation is gone (S1). */
export class HistoryReset extends Error {
  readonly reason: ResetReason;

  constructor(reason: ResetReason) {
    super(`the history was reset (${reason}); read it again from the first message`);
    this.name = "HistoryReset";
    this.reason = reason;
  }
}
