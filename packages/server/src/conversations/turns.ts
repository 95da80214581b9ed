import { Refusal } from "@skep/protocol/errors";
import type { Message, TurnState } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Store, StoredTurn } from "../store/store.ts";
import type { Tick } from "../tick.ts";
import type { Time } from "../time.ts";
import type { ActiveConversation } from "./active.ts";
import { giveAhead } from "./ahead.ts";
import { Attempts, interrupt } from "./attempts.ts";
import { Drafts } from "./drafts.ts";
import { streamName } from "./encode.ts";
import type { EndingsOptions } from "./endings.ts";
import { Endings } from "./endings.ts";
import type { ConversationLog } from "./log.ts";
import { Permissions } from "./permissions.ts";
import { PendingTurns } from "./pending-turns.ts";
import { TurnQueue } from "./queue.ts";
import { StandIns } from "./stand-ins.ts";
import { Suspects } from "./suspects.ts";
import type { TurnFiles } from "./turn-files.ts";
import type { Place, ReportError, TurnOrigin, Workers } from "./turn.ts";
import { Turn, afterFailure } from "./turn.ts";

export interface TurnsOptions {
  store: Pick<Store, "generation" | "pendingTurns" | "pendingPermissions" | "messages" | "context" | "draft" | "turn">;
  commit: Pick<GroupCommit, "add">;
  log: ConversationLog;
  time: Time;
  tick: Pick<Tick, "deliver">;
  workers: Workers;
  onError: ReportError;
  onClosed?: NonNullable<EndingsOptions["onClosed"]>;
  files?: TurnFiles;
}

type Hold = (row: { conversation: number; publicId: string; bot: string; person: string; head: number }) => ActiveConversation;

/** Works on every pending turn until it has an answer or a visible failure (B1). What happens while a worker has it is in `attempts`. */
export class Turns {
  readonly attempts: Attempts;
  readonly permissions: Permissions;
  readonly #o: TurnsOptions;
  readonly #pending = new PendingTurns();
  readonly #queue: TurnQueue;
  readonly #endings: Endings;
  readonly #suspects: Suspects<Turn>;
  readonly #standIns: StandIns;
  readonly #start = (turn: Turn, place: Place): void => this.attempts.start(turn, place);
  #stopped = false;

  constructor(options: TurnsOptions) {
    this.#o = options;
    const { store, commit, workers, time, tick, onError } = options;
    this.#suspects = new Suspects(time, (turn) => this.#makeRunnable(turn));
    const suspects = this.#suspects;
    this.#standIns = new StandIns(workers, this.#pending, suspects);
    const elsewhere = (turn: Turn, why: string): boolean => this.#standIns.take(turn, why);
    this.#queue = new TurnQueue({
      tick,
      workers,
      suspects,
      start: this.#start,
      elsewhere: (turn, why) => {
        if (!elsewhere(turn, why)) return false;
        this.#makeRunnable(turn);
        return true;
      },
    });
    this.permissions = new Permissions({ store, commit, time, workers, onError, pending: this.#pending });
    const { permissions } = this;
    this.#endings = new Endings({
      ...options,
      permissions,
      suspects,
      pending: this.#pending,
      ended: (turn) => this.attempts.advance(turn),
    });
    this.attempts = new Attempts({
      store,
      time,
      workers,
      onError,
      drafts: new Drafts(commit, store.generation),
      endings: this.#endings,
      permissions,
      suspects,
      ...(options.files ? { files: options.files } : {}),
      elsewhere,
      everySoOften: () => this.#queue.lookAgain(),
      runnable: (turn) => this.#makeRunnable(turn),
      roomFor: (bot) => this.#queue.roomFor(bot),
      follow: (active) => this.#follow(active),
    });
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  pendingOf(bot: string): number {
    return this.#pending.of(bot);
  }

  pendingOfPerson(bot: string, person: string): number {
    return this.#pending.ofPerson(bot, person);
  }

  runningOf(bot: string): number {
    return this.attempts.runningOf(bot);
  }

  /** A worker of this bot may have a free place. */
  roomFor(bot: string): void {
    this.#queue.roomFor(bot);
  }

  /** Takes up what an earlier run has left, oldest first, before any door opens. */
  async recover(hold: Hold): Promise<number> {
    let after = 0;
    let found = 0;
    for (;;) {
      const rows = await this.#o.store.pendingTurns(after, 1000);
      for (const row of rows) {
        after = row.turn;
        found++;
        await this.#recoverOne(row, hold);
      }
      if (rows.length < 1000) break;
    }
    await this.permissions.recover();
    return found;
  }

  async #recoverOne(row: StoredTurn, hold: Hold): Promise<void> {
    const page = await this.#o.store.messages(row.conversation, { after: row.seq, limit: 1 });
    const active = hold({ conversation: row.conversation, publicId: row.publicId, bot: row.bot, person: row.person, head: page.head });
    const turn = this.#newTurn(active, { ...row, text: null }, page.messages[0]?.createdAt);
    // Not to be started before it is known whether it may be.
    turn.phase = "pausing";
    if (row.attempt > row.baseAttempt) {
      const draft = await this.#o.store.draft(row.turn);
      if (draft && draft.text !== "") turn.interrupted = { stream: streamName(row.turn, draft.attempt, row.generation), text: draft.text };
      const settings = this.#o.workers.settings(row.bot);
      if (settings?.delivery === "at-least-once") this.#standIns.placeAgain(turn, settings);
      if (settings && !row.cancelRequested && (settings.delivery === "at-most-once" || turn.attemptsMade >= turn.attempts)) {
        const after = afterFailure(
          { reason: "Skep was restarted while the bot worked on this", retry: true, lost: true },
          turn.attemptsMade,
          settings,
          0,
        );
        if (after.kind === "fail") return this.#endings.fail(turn, after.text);
      }
    }
    if (row.cancelRequested) return this.#endings.cancel(turn, turn.interrupted?.text ?? "");
    turn.phase = "queued";
    this.#makeRunnable(turn);
  }

  /** A committed message's turn. */
  begin(active: ActiveConversation, from: { turn: number; seq: number; bot: string; person: string; text: string | null }): void {
    const text = from.text !== null && this.#pending.mayKeep(from.text) ? from.text : null;
    const turn = this.#newTurn(active, { ...from, text, attempt: 0, baseAttempt: 0, cancelRequested: false });
    this.#makeRunnable(turn);
  }

  #newTurn(active: ActiveConversation, from: TurnOrigin, begunAt = this.#o.time.now()): Turn {
    const attempts = this.#o.workers.settings(from.bot)?.attempts ?? 1;
    const turn = new Turn(active, from, attempts);
    turn.begunAt = begunAt;
    this.#pending.add(turn);
    active.turns.push(turn);
    return turn;
  }

  /** Puts the turn in its bot's queue if nothing of its conversation is before it (B2). */
  #makeRunnable(turn: Turn): void {
    if (turn.phase !== "queued" || turn.active.lettingGo > 0) return;
    if (turn.active.turns[0] === turn) this.#queue.add(turn);
    else this.#follow(turn.active);
  }

  #follow(active: ActiveConversation): void {
    if (!this.#stopped) giveAhead(active, this.#o.workers, this.#start);
  }

  /* ---- what people ask ---- */

  isPending(turn: number): boolean {
    return this.#pending.get(turn) !== undefined;
  }

  /** Durable first, then told to the bot (T3). @throws Refusal */
  async cancel(number: number): Promise<TurnState> {
    const answer = await this.#o.commit.add({ op: "request-cancel", turn: number });
    if (!answer.ok) throw new Refusal(answer.code, answer.detail);
    const turn = this.#pending.get(number);
    if (!turn || turn.phase === "closing") {
      const stored = await this.#o.store.turn(number);
      return !stored || stored.state === "pending" ? "cancelled" : stored.state;
    }
    turn.cancelRequested = true;
    const soFar = turn.stream?.text ?? turn.interrupted?.text ?? "";
    this.attempts.takeAway(turn);
    await this.#endings.cancel(turn, soFar);
    return "cancelled";
  }

  /** @throws Refusal */
  async retry(active: ActiveConversation, number: number): Promise<TurnState> {
    if (this.#pending.get(number)) return "queued";
    const answer = await this.#o.commit.add({ op: "retry-turn", turn: number });
    if (!answer.ok) throw new Refusal(answer.code, answer.detail);
    const stored = await this.#o.store.turn(number);
    if (stored && stored.state === "pending" && !this.#pending.get(number)) {
      const turn = this.#newTurn(active, { ...stored, text: null });
      turn.active.state(turn.encodedState());
      this.#makeRunnable(turn);
    }
    return "queued";
  }

  /** The message that ends the turn; null after `ms`, or when it is not pending (then it is in the log already). */
  answerOf(number: number, ms: number): Promise<Message | null> {
    return this.#endings.answerOf(number, ms);
  }

  /** Every pending turn of a bot ends in a visible failure: the bot is gone. Resolves when that is stored, or could not be at once. */
  async failAll(bot: string, reason: string): Promise<void> {
    const failing: Promise<void>[] = [];
    for (const turn of this.#pending) {
      if ((turn.bot !== bot && turn.asked !== bot) || turn.phase === "closing") continue;
      this.attempts.takeAway(turn);
      if (turn.asked !== bot && this.#standIns.take(turn, reason)) {
        interrupt(turn);
        this.#makeRunnable(turn);
        continue;
      }
      failing.push(this.#endings.fail(turn, reason));
    }
    await Promise.all(failing);
  }

  /** Turns of a conversation that was deleted. */
  forget(active: ActiveConversation): void {
    for (const turn of active.turns.slice()) {
      this.attempts.takeAway(turn);
      turn.takeBackPause?.();
      turn.phase = "closing";
      this.#endings.drop(turn);
    }
  }

  /**
   * No new attempts. Resolves when those under way have ended, after `graceMs` at most; the drafts of the others are saved.
   * Pending turns stay in the store for the next start.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#queue.stop();
    this.#endings.stop();
    this.permissions.stop();
    this.#suspects.stop();
    for (const turn of this.#pending) turn.takeBackPause?.();
    await this.attempts.stop(graceMs);
    this.#endings.endWaiting();
  }
}
