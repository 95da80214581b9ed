import type { Refusal } from "@skep/protocol/errors";
import type { Message, Position, ResetReason } from "@skep/protocol/wire";
import type { HeldMessages } from "./held-messages.ts";
import type { History } from "./history.ts";
import { HistoryReset } from "./history-reset.ts";

/** What is known of a log at this moment. */
export interface LogNow {
  position: Position | null;
  /** How often what was known became void, and why it last did. */
  resets: number;
  reason: ResetReason | null;
  /** Why nothing will come any more. */
  ended: Refusal | "closed" | null;
}

export interface ReadableLog {
  readonly held: HeldMessages;
  readonly history: History;
  now(): LogNow;
  /** Resolves at the next change, or when the signal is aborted. */
  changed(signal?: AbortSignal): Promise<void>;
}

/** Messages after a position, each exactly once, in order: those that are held as they are, those that are not any more in pages. */
export async function* readMessages(log: ReadableLog, after: Position | null, signal?: AbortSignal): AsyncGenerator<Message, void> {
  const { resets } = log.now();
  let epoch = after?.epoch ?? null;
  let seq = after?.seq ?? 0;
  for (;;) {
    const { position, ended, ...now } = log.now();
    if (signal?.aborted || ended === "closed") return;
    if (now.resets !== resets) throw new HistoryReset(now.reason ?? "epoch");
    if (ended) throw ended;
    epoch ??= position?.epoch ?? null;
    if (position && position.epoch !== epoch) throw new HistoryReset("epoch");
    const held = position ? log.held.after(seq, position.seq) : undefined;
    if (held) {
      seq = held.seq;
      yield held;
    } else if (position && seq < position.seq) {
      for (const message of await log.history.after(seq, position.epoch, signal)) {
        if (signal?.aborted) return;
        seq = message.seq;
        yield message;
      }
    } else await log.changed(signal);
  }
}
