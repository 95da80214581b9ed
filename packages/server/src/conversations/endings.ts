import { Refusal } from "@skep/protocol/errors";
import type { Message, TurnOutcome } from "@skep/protocol";
import type { Store } from "../store/store.ts";
import type { Time } from "../time.ts";
import { AwaitedAnswers } from "./awaited-answers.ts";
import { encode, toMessage } from "./encode.ts";
import type { ConversationLog } from "./log.ts";
import type { Permissions } from "./permissions.ts";
import type { PendingTurns } from "./pending-turns.ts";
import type { Suspects } from "./suspects.ts";
import type { ReportError, Turn } from "./turn.ts";

const storeRetryMs = 1000;

export interface EndingsOptions {
  store: Pick<Store, "generation">;
  log: ConversationLog;
  time: Pick<Time, "now" | "after">;
  pending: PendingTurns;
  permissions: Permissions;
  suspects: Pick<Suspects<Turn>, "ended">;
  onError: ReportError;
  /** @param milliseconds of its last attempt @param sinceAccepted of the whole turn, in milliseconds too; without the time in which people were asked */
  onClosed?(outcome: TurnOutcome, milliseconds: number, bot: string, sinceAccepted: number): void;
  /** The turn is out of memory: the conversation's next one may run. */
  ended(turn: Turn): void;
}

/** How turns end: one message in the log, then whoever waits for it, then the next turn. */
export class Endings {
  readonly #o: EndingsOptions;
  readonly #answers: AwaitedAnswers;
  #stopped = false;

  constructor(options: EndingsOptions) {
    this.#o = options;
    this.#answers = new AwaitedAnswers(options.time);
  }

  async close(turn: Turn, outcome: TurnOutcome, role: "bot" | "system", author: string, text: string): Promise<void> {
    turn.phase = "closing";
    turn.takeBackPause?.();
    // Those of an attempt that failed go the way of its text.
    const parts = outcome === "failed" ? null : (turn.stream?.parts?.stored() ?? null);
    const entry = { turn: turn.number, attempt: turn.attempt, generation: this.#o.store.generation, outcome, role, author, text, parts };
    try {
      const answer = await this.#o.log.closeTurn(turn.active, entry, (message) => {
        if (turn.stream) turn.active.streamEnded(turn.stream, outcome);
        turn.stream = null;
        turn.interrupted = null;
        this.#o.permissions.turnEnded(turn, message.createdAt);
        this.#answers.arrived(turn.number, () => toMessage(turn.active.publicId, message, turn.active.bot));
      });
      if (answer.ok) {
        const now = this.#o.time.now();
        this.#o.onClosed?.(outcome, now - turn.startedAt, turn.bot, now - turn.begunAt);
        if (outcome !== "completed") turn.active.state(endState(turn, outcome, text));
      } else {
        this.#o.onError("turn-fenced", { turn: turn.name, conversation: turn.active.publicId, reason: answer.detail });
      }
      this.drop(turn);
    } catch (error) {
      // The text exists only here: it is offered again until the store takes it, or has stopped for good (then a restart does the turn again).
      this.#o.onError("turn-not-stored", { turn: turn.name, conversation: turn.active.publicId, reason: String(error) });
      if (error instanceof Refusal && error.code === "store_full" && !this.#stopped) {
        this.#o.time.after(storeRetryMs, () => void this.close(turn, outcome, role, author, text));
      }
    }
  }

  fail(turn: Turn, reason: string): Promise<void> {
    return this.close(turn, "failed", "system", "skep", reason);
  }

  /** `soFar`: what the bot had written. */
  cancel(turn: Turn, soFar: string): Promise<void> {
    return soFar === ""
      ? this.close(turn, "cancelled", "system", "skep", "Cancelled")
      : this.close(turn, "cancelled", "bot", turn.bot, soFar);
  }

  /** Out of memory: ended, or somebody else's now. */
  drop(turn: Turn): void {
    this.#o.permissions.forget(turn);
    if (turn.suspect) this.#o.suspects.ended(turn);
    if (this.#o.pending.delete(turn)) this.#o.ended(turn);
  }

  /** The message that ends the turn; null after `ms`, or when it is not pending (then it is in the log already). */
  answerOf(number: number, ms: number): Promise<Message | null> {
    return this.#o.pending.get(number) ? this.#answers.wait(number, ms) : Promise.resolve(null);
  }

  /** The turns that are being stored are not offered again. */
  stop(): void {
    this.#stopped = true;
  }

  /** Who still waits for an answer does so no more. */
  endWaiting(): void {
    this.#answers.end();
  }
}

function endState(turn: Turn, outcome: TurnOutcome, reason: string): string {
  return encode({
    type: "turn",
    conversation: turn.active.publicId,
    turn: turn.name,
    state: outcome,
    attempt: Math.max(1, turn.attemptsMade),
    attempts: turn.attempts,
    ...(outcome === "failed" ? { reason } : {}),
  });
}
