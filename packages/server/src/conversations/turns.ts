import { Refusal } from "@skep/protocol/errors";
import type { Message, TurnOutcome, TurnState } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Store, StoredTurn } from "../store/store.ts";
import type { Tick } from "../tick.ts";
import type { Time } from "../time.ts";
import type { ActiveConversation } from "./active.ts";
import { encode, streamName, toMessage } from "./encode.ts";
import { BotQueue } from "./bot-queue.ts";
import { AwaitedAnswers } from "./awaited-answers.ts";
import type { ConversationLog } from "./log.ts";
import { PendingTurns } from "./pending-turns.ts";
import type { Others } from "./stand-in.ts";
import { placeAfterRestart, standInFor } from "./stand-in.ts";
import { Stream } from "./stream.ts";
import type { AttemptFailure, Lane, Place, TurnOrigin, TurnRequest, TurnSettings } from "./turn.ts";
import { Turn, afterFailure } from "./turn.ts";

/** What turns need of the fleet. The composition root connects the two. */
export interface Workers {
  /** null: there is no such bot. */
  settings(bot: string): TurnSettings | null;
  /**
   * The worker that a turn should go to, or wait for; null: for now there is none, and `roomFor` is called with the bot's name when there may be.
   * `not`: where it has failed, for another one where there is one.
   */
  assign(bot: string, conversation: string, person: string, not: Lane | null): Lane | null;
  /** Why the bot will not run again by itself; null while it may, and when it was stopped by hand. */
  down(bot: string): string | null;
  /** Will it work on what it is given? Not when it is down, stopped by hand or gone. */
  up(bot: string): boolean;
}

export interface TurnsOptions {
  store: Pick<Store, "generation" | "pendingTurns" | "messages" | "context" | "draft" | "turn">;
  commit: Pick<GroupCommit, "add">;
  log: ConversationLog;
  time: Time;
  tick: Pick<Tick, "deliver">;
  workers: Workers;
  onError(event: string, detail: { turn?: string; conversation?: string; bot?: string; reason: string }): void;
  onClosed?(outcome: TurnOutcome, milliseconds: number): void;
}

/** The text so far is saved this often (T5: at least every 250 ms), and as soon as this many bytes are unsaved. */
const saveEveryMs = 200;
const saveBytes = 4096;
const contextMessages = 200;
const contextCharacters = 256 * 1024;
const cancelGraceMs = 5000;
const storeRetryMs = 1000;

/** Works on every pending turn until it has an answer or a visible failure (B1). */
export class Turns {
  readonly #o: TurnsOptions;
  /** Turns whose conversation has nothing before them, by bot. */
  readonly #runnable = new Map<string, BotQueue>();
  /** Bots with turns that might go to a stand-in: looked at now and then. */
  readonly #stuck = new Set<string>();
  readonly #others: Others;
  /** By stream name: the attempts that workers have. */
  readonly #running = new Map<string, Turn>();
  readonly #pending = new PendingTurns();
  readonly #answers: AwaitedAnswers;
  /** One function a bot, so that a tick runs it once. */
  readonly #pumps = new Map<string, () => void>();
  #stopped = false;
  #stopTimer: (() => void) | null = null;
  #whenQuiet: (() => void) | null = null;

  constructor(options: TurnsOptions) {
    this.#o = options;
    this.#answers = new AwaitedAnswers(options.time);
    const { workers } = options;
    this.#others = {
      settings: (bot) => workers.settings(bot),
      up: (bot) => workers.up(bot),
      full: (bot) => this.#pending.of(bot) >= (workers.settings(bot)?.queue ?? 0),
    };
    this.#stopTimer = options.time.after(saveEveryMs, () => this.#everySoOften());
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
    let running = 0;
    for (const turn of this.#running.values()) if (turn.bot === bot) running++;
    return running;
  }

  /** Takes up what an earlier run has left, oldest first, before any door opens. */
  async recover(
    hold: (row: { conversation: number; publicId: string; bot: string; person: string; head: number }) => ActiveConversation,
  ): Promise<number> {
    let after = 0;
    let found = 0;
    for (;;) {
      const rows = await this.#o.store.pendingTurns(after, 1000);
      for (const row of rows) {
        after = row.turn;
        found++;
        await this.#recoverOne(row, hold);
      }
      if (rows.length < 1000) return found;
    }
  }

  async #recoverOne(
    row: StoredTurn,
    hold: (r: { conversation: number; publicId: string; bot: string; person: string; head: number }) => ActiveConversation,
  ): Promise<void> {
    const page = await this.#o.store.messages(row.conversation, { after: row.seq, limit: 1 });
    const active = hold({ conversation: row.conversation, publicId: row.publicId, bot: row.bot, person: row.person, head: page.head });
    const turn = this.#newTurn(active, { ...row, text: null });
    // Not to be started before it is known whether it may be.
    turn.phase = "pausing";
    if (row.attempt > row.baseAttempt) {
      const draft = await this.#o.store.draft(row.turn);
      if (draft && draft.text !== "") turn.interrupted = { stream: streamName(row.turn, draft.attempt, row.generation), text: draft.text };
      const settings = this.#o.workers.settings(row.bot);
      if (settings?.delivery === "at-least-once") this.#placeAgain(turn, settings);
      if (settings && !row.cancelRequested && (settings.delivery === "at-most-once" || turn.attemptsMade >= turn.attempts)) {
        const after = afterFailure(
          { reason: "Skep was restarted while the bot worked on this", retry: true, lost: true },
          turn.attemptsMade,
          settings,
          0,
        );
        if (after.kind === "fail") return this.#close(turn, "failed", "system", "skep", after.text);
      }
    }
    if (row.cancelRequested) return this.#closeCancelled(turn, turn.interrupted?.text ?? "");
    turn.phase = "queued";
    this.#makeRunnable(turn);
  }

  /** A committed message's turn. */
  begin(active: ActiveConversation, from: { turn: number; seq: number; bot: string; person: string; text: string }): void {
    const text = this.#pending.mayKeep(from.text) ? from.text : null;
    const turn = this.#newTurn(active, { ...from, text, attempt: 0, baseAttempt: 0, cancelRequested: false });
    this.#makeRunnable(turn);
  }

  #newTurn(active: ActiveConversation, from: TurnOrigin): Turn {
    const attempts = this.#o.workers.settings(from.bot)?.attempts ?? 1;
    const turn = new Turn(active, from, attempts);
    this.#pending.add(turn);
    active.turns.push(turn);
    return turn;
  }

  /** Puts the turn in its bot's queue if nothing of its conversation is before it (B2). */
  #makeRunnable(turn: Turn): void {
    if (turn.phase !== "queued" || turn.active.lettingGo > 0) return;
    if (turn.active.turns[0] !== turn) return this.#follow(turn.active);
    let queue = this.#runnable.get(turn.bot);
    if (!queue) {
      queue = new BotQueue(turn.bot);
      this.#runnable.set(turn.bot, queue);
    }
    queue.push(turn);
    this.roomFor(turn.bot);
  }

  /**
   * Hands turns to the worker that has the ones before them, where the bot takes turns ahead: it works on them one after the other (B2), and
   * saves a way there and back for each. Only for first attempts that may be repeated; a turn that fails takes those behind it back.
   */
  #follow(active: ActiveConversation): void {
    const { turns } = active;
    for (let i = 1; i < turns.length; i++) {
      const [before, turn] = [turns[i - 1], turns[i]];
      if (!before || !turn || turn.phase === "running") continue;
      if (before.phase !== "running" || turn.phase !== "queued" || turn.text === null || turn.attemptsMade > 0) return;
      const settings = this.#o.workers.settings(turn.bot);
      if (active.lettingGo > 0 || this.#stopped || settings?.delivery !== "at-least-once") return;
      // A turn that kills its worker may take the answers of those before it along: those need an attempt left.
      if (settings.attempts === 1 || turn.alone) return;
      const place = before.bot === turn.bot && before.lane?.takesAhead ? before.place?.next() : null;
      if (!place) return;
      turn.lane = before.lane;
      this.#start(turn, place);
    }
  }

  /** Takes back what was given ahead behind a turn that is to be tried again: the order of the answers stays that of the messages (B2). */
  #takeBackBehind(turn: Turn): void {
    for (const other of turn.active.turns) {
      if (other === turn || other.phase !== "running") continue;
      this.#takeAway(other);
      this.#running.delete(other.token);
      if (other.stream) turn.active.streamEnded(other.stream, "interrupted");
      other.stream = null;
      other.phase = "queued";
      other.baseAttempt = other.attempt;
      // Perhaps it was the one that killed the worker: not again beside others.
      other.alone = true;
    }
  }

  /** A worker of this bot may have a free place. What it gets leaves in the same turn of the loop. */
  roomFor(bot: string): void {
    let pump = this.#pumps.get(bot);
    if (!pump) {
      pump = () => this.#pump(bot);
      this.#pumps.set(bot, pump);
    }
    this.#o.tick.deliver(pump);
  }

  readonly #assign = (turn: Turn): Lane | null =>
    this.#o.workers.assign(turn.bot, turn.active.publicId, turn.person, turn.attemptsMade > 0 ? turn.lane : null);
  readonly #startAt = (turn: Turn, place: Place): void => this.#start(turn, place);

  #pump(bot: string): void {
    const queue = this.#runnable.get(bot);
    if (!queue || this.#stopped) return;
    queue.pump(this.#assign, this.#startAt);
    if (queue.next()) this.#standIn(bot, queue);
    else this.#stuck.delete(bot);
  }

  /* ---- other bots in place of one that cannot (stand-in.ts) ---- */

  /** Nobody works on what waits for this bot: if it is down, others do. */
  #standIn(bot: string, queue: BotQueue): void {
    const why = this.#o.workers.down(bot);
    if (why === null) return void this.#stuck.delete(bot);
    queue.giveAway((turn) => {
      if (!this.#elsewhere(turn, why)) return false;
      this.#makeRunnable(turn);
      return true;
    });
    if (queue.next()) this.#stuck.add(bot);
    else this.#stuck.delete(bot);
  }

  /** Gives the turn to another bot, if there is one. It is not in any queue then. */
  #elsewhere(turn: Turn, why: string): boolean {
    const { asked, bot: at, tried } = turn;
    const fallback = this.#o.workers.settings(asked)?.fallback ?? [];
    const bot = standInFor({ asked, fallback, at, tried }, this.#others);
    if (bot === null) return false;
    turn.tried ??= new Map();
    turn.tried.set(at, turn.attemptsMade);
    turn.baseAttempt = turn.attempt - (turn.tried.get(bot) ?? 0);
    this.#pending.move(turn, bot);
    turn.lane = null;
    turn.alone = false;
    turn.attempts = this.#o.workers.settings(bot)?.attempts ?? turn.attempts;
    turn.takeBackPause?.();
    turn.takeBackPause = null;
    turn.phase = "queued";
    turn.note = { state: "retrying", reason: `"${at}" did not answer (${why}); "${bot}" answers instead` };
    this.#announce(turn);
    return true;
  }

  /** After a restart: whose attempts were those that the store knows of? */
  #placeAgain(turn: Turn, settings: TurnSettings): void {
    if (settings.fallback.length === 0) return;
    const place = placeAfterRestart(turn.attemptsMade, [turn.asked, ...settings.fallback], (bot) => this.#o.workers.settings(bot));
    if (!place || place.bot === turn.asked) return;
    this.#pending.move(turn, place.bot);
    turn.tried = place.tried;
    turn.baseAttempt = turn.attempt - place.attemptsMade;
    turn.attempts = this.#o.workers.settings(place.bot)?.attempts ?? turn.attempts;
  }

  #start(turn: Turn, place: Place): void {
    const settings = this.#o.workers.settings(turn.bot);
    if (!settings) return place.release();
    turn.phase = "starting";
    turn.place = place;
    turn.attempt++;
    turn.token = streamName(turn.number, turn.attempt, this.#o.store.generation);
    turn.attempts = settings.attempts;
    turn.note = null;
    turn.stream = null;
    turn.savedLength = 0;
    turn.savedBytes = 0;
    turn.startedAt = this.#o.time.now();
    turn.announced = false;
    turn.recorded = false;
    if (turn.text !== null && place.context === "message" && turn.attemptsMade === 1 && settings.delivery === "at-least-once") {
      this.#give(turn, place, { text: turn.text });
      return;
    }
    this.#prepare(turn, place, settings).catch((error: unknown) => {
      this.#o.onError("turn-start-failed", { turn: turn.name, conversation: turn.active.publicId, reason: String(error) });
      place.release();
      this.#attemptFailed(turn, { reason: "The message could not be read from the store", retry: true, lost: false });
    });
  }

  async #prepare(turn: Turn, place: Place, settings: TurnSettings): Promise<void> {
    // An at-most-once turn is known to have begun before the bot sees it; later attempts are counted across restarts the same way (B3, B5).
    if (settings.delivery === "at-most-once" || turn.attemptsMade > 1) {
      const recorded = this.#record(turn);
      if (settings.delivery === "at-most-once" && !(await recorded)) {
        place.release();
        return this.#drop(turn);
      }
    }
    const { store } = this.#o;
    const { conversation } = turn.active;
    const text = turn.text ?? (await store.messages(conversation, { after: turn.seq - 1, limit: 1 })).messages[0]?.text ?? "";
    const request: Pick<TurnRequest, "text" | "history"> = { text };
    if (place.context === "history") {
      const history = await store.context(conversation, turn.seq, contextMessages, contextCharacters);
      request.history = history.flatMap(({ role, author, text: said }) => (role === "system" ? [] : [{ role, author, text: said }]));
    }
    if (turn.phase !== "starting" || turn.place !== place) return place.release();
    this.#give(turn, place, request);
  }

  #give(turn: Turn, place: Place, request: Pick<TurnRequest, "text" | "history">): void {
    const { token } = turn;
    turn.phase = "running";
    this.#running.set(token, turn);
    const given = place.give({ token, attempt: turn.attemptsMade, conversation: turn.active.publicId, author: turn.person, ...request });
    if (!given) {
      this.failed(token, { reason: "The bot stopped", retry: true, lost: true });
      return;
    }
    if (turn.attemptsMade > 1) this.#announce(turn);
    if (turn.active.turns[0] === turn && turn.active.turns.length > 1) this.#follow(turn.active);
  }

  /** @returns whether this attempt may go on. */
  async #record(turn: Turn): Promise<boolean> {
    turn.recorded = true;
    const { attempt, number } = turn;
    const answer = await this.#o.commit.add({ op: "start-attempt", turn: number, attempt, generation: this.#o.store.generation });
    return answer.ok;
  }

  #announce(turn: Turn): void {
    turn.announced = true;
    turn.active.state(turn.encodedState());
  }

  /* ---- what workers say, by the name of the attempt; an attempt that is not running any more is ignored (B4) ---- */

  delta(token: string, text: string): void {
    const turn = this.#running.get(token);
    if (!turn || text === "") return;
    turn.stream ??= new Stream(turn.active.publicId, turn.name, token);
    // Replaced from here on; who comes back is still told how that stream ended.
    if (turn.interrupted) turn.interrupted.text = "";
    const { stream } = turn;
    stream.push(text);
    if (this.#tooLong(turn, stream.bytes)) return;
    if (turn.note) this.status(token, "running", "");
    turn.active.streamed(stream);
    if (stream.bytes - turn.savedBytes >= saveBytes) this.#save(turn);
  }

  #tooLong(turn: Turn, bytes: number): boolean {
    const limit = this.#o.workers.settings(turn.bot)?.answerBytes ?? Number.POSITIVE_INFINITY;
    if (bytes <= limit) return false;
    this.#takeAway(turn);
    this.failed(turn.token, { reason: `The answer is longer than ${limit} bytes`, retry: false, lost: false });
    return true;
  }

  answer(token: string, text: string | undefined): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    if (turn.active.turns.find((other) => other === turn || other.phase === "running") !== turn) {
      this.failed(token, { reason: "The bot answered out of order", retry: true, lost: false });
      return;
    }
    const streamed = turn.stream?.text ?? "";
    if (text !== undefined && streamed !== "") {
      // What was streamed is what readers have seen: it may be completed, not replaced (T2).
      if (!text.startsWith(streamed)) {
        this.failed(token, { reason: "The bot's answer differs from what it had streamed", retry: true, lost: false });
        return;
      }
      this.delta(token, text.slice(streamed.length));
      if (this.#running.get(token) !== turn) return;
    }
    const final = turn.stream ? turn.stream.text : (text ?? "").toWellFormed();
    if (!turn.stream && this.#tooLong(turn, Buffer.byteLength(final))) return;
    const early = turn.place?.context === "message";
    this.#end(turn);
    void this.#close(turn, "completed", "bot", turn.bot, final);
    // A bot that does not see the conversation need not wait for this answer's commit. Their order stays: both go through the same queue.
    if (early && !turn.stream) this.#advance(turn);
  }

  failed(token: string, failure: AttemptFailure): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    this.#end(turn);
    this.#attemptFailed(turn, failure);
  }

  status(token: string, state: "loading" | "waiting" | "running", detail: string): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    if (state === "running" && !turn.note) return;
    turn.note = state === "running" ? null : { state: state === "loading" ? "loading" : "running", reason: detail };
    this.#announce(turn);
  }

  /* ---- ends of attempts and turns ---- */

  /** The attempt is over, whatever comes next. */
  #end(turn: Turn): void {
    this.#running.delete(turn.token);
    turn.place?.release();
    turn.place = null;
    this.roomFor(turn.bot);
    if (this.#running.size === 0) this.#whenQuiet?.();
  }

  /** Takes the attempt away from its worker. Nothing else of this conversation is given to a bot until the worker has let go. */
  #takeAway(turn: Turn): void {
    const { active, place, token } = turn;
    turn.place = null;
    if (!place) return;
    active.lettingGo++;
    place.cancel(token, cancelGraceMs, () => {
      active.lettingGo--;
      const next = active.turns[0];
      if (next) this.#makeRunnable(next);
      this.roomFor(turn.bot);
    });
  }

  #attemptFailed(turn: Turn, failure: AttemptFailure): void {
    const settings = this.#o.workers.settings(turn.bot);
    if (turn.phase === "closing") return;
    if (!settings) return void this.#close(turn, "failed", "system", "skep", "The bot was removed");
    const after = afterFailure(failure, turn.attemptsMade, settings, this.#o.time.random());
    if (after.kind === "fail" && failure.retry && settings.delivery === "at-least-once" && this.#handOver(turn, failure)) return;
    if (after.kind === "again") this.#takeBackBehind(turn);
    if (after.kind === "fail") return void this.#close(turn, "failed", "system", "skep", after.text);
    this.#interrupt(turn);
    turn.note = { state: "retrying", reason: failure.reason };
    if (!turn.recorded) this.#record(turn).catch(() => {});
    turn.phase = "pausing";
    this.#announce(turn);
    const again = (): void => {
      turn.takeBackPause = null;
      turn.phase = "queued";
      this.#makeRunnable(turn);
    };
    if (after.afterMs === 0) again();
    else turn.takeBackPause = this.#o.time.after(after.afterMs, again);
  }

  /** What was written so far does not count: readers are told (T4). */
  #interrupt(turn: Turn): void {
    if (turn.stream) turn.active.streamEnded(turn.stream, "interrupted");
    turn.stream = null;
  }

  /** All attempts of its bot have failed: another one's turn, from the beginning. */
  #handOver(turn: Turn, failure: AttemptFailure): boolean {
    const { recorded } = turn;
    if (!this.#elsewhere(turn, failure.reason)) return false;
    this.#interrupt(turn);
    if (!recorded) this.#record(turn).catch(() => {});
    this.#takeBackBehind(turn);
    this.#makeRunnable(turn);
    return true;
  }

  async #close(turn: Turn, outcome: TurnOutcome, role: "bot" | "system", author: string, text: string): Promise<void> {
    turn.phase = "closing";
    turn.takeBackPause?.();
    const entry = { turn: turn.number, attempt: turn.attempt, generation: this.#o.store.generation, outcome, role, author, text };
    try {
      const answer = await this.#o.log.closeTurn(turn.active, entry, (message) => {
        if (turn.stream) turn.active.streamEnded(turn.stream, outcome);
        turn.stream = null;
        turn.interrupted = null;
        this.#answers.arrived(turn.number, () => toMessage(turn.active.publicId, message, turn.active.bot));
      });
      if (answer.ok) {
        this.#o.onClosed?.(outcome, this.#o.time.now() - turn.startedAt);
        if (outcome !== "completed") turn.active.state(this.#endState(turn, outcome, text));
      } else {
        this.#o.onError("turn-fenced", { turn: turn.name, conversation: turn.active.publicId, reason: answer.detail });
      }
      this.#drop(turn);
    } catch (error) {
      // The text exists only here: it is offered again until the store takes it, or has stopped for good (then a restart does the turn again).
      this.#o.onError("turn-not-stored", { turn: turn.name, conversation: turn.active.publicId, reason: String(error) });
      if (error instanceof Refusal && error.code === "store_full" && !this.#stopped) {
        this.#o.time.after(storeRetryMs, () => void this.#close(turn, outcome, role, author, text));
      }
    }
  }

  #endState(turn: Turn, outcome: TurnOutcome, reason: string): string {
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

  #closeCancelled(turn: Turn, soFar: string): Promise<void> {
    return soFar === ""
      ? this.#close(turn, "cancelled", "system", "skep", "Cancelled")
      : this.#close(turn, "cancelled", "bot", turn.bot, soFar);
  }

  /** Out of memory: ended, or somebody else's now. */
  #drop(turn: Turn): void {
    if (this.#pending.delete(turn)) this.#advance(turn);
  }

  /** Lets the conversation's next turn run. */
  #advance(turn: Turn): void {
    const { turns } = turn.active;
    const index = turns.indexOf(turn);
    if (index < 0) return;
    turns.splice(index, 1);
    const next = turns[0];
    if (index !== 0 || !next) return;
    // It may have been given ahead: its time begins now.
    if (next.phase === "running") {
      next.startedAt = this.#o.time.now();
      if (turns.length > 1) this.#follow(turn.active);
    } else this.#makeRunnable(next);
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
    if (turn.phase === "running") {
      this.#takeAway(turn);
      this.#running.delete(turn.token);
    }
    await this.#closeCancelled(turn, soFar);
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
    return this.#pending.get(number) ? this.#answers.wait(number, ms) : Promise.resolve(null);
  }

  /** Every pending turn of a bot ends in a visible failure: the bot is gone. */
  failAll(bot: string, reason: string): void {
    for (const turn of this.#pending) {
      if ((turn.bot !== bot && turn.asked !== bot) || turn.phase === "closing") continue;
      if (turn.phase === "running") {
        this.#takeAway(turn);
        this.#end(turn);
      }
      if (turn.asked !== bot && this.#elsewhere(turn, reason)) {
        this.#interrupt(turn);
        this.#makeRunnable(turn);
        continue;
      }
      void this.#close(turn, "failed", "system", "skep", reason);
    }
  }

  /** Turns of a conversation that was deleted. */
  forget(active: ActiveConversation): void {
    for (const turn of active.turns.slice()) {
      if (this.#running.delete(turn.token)) this.#takeAway(turn);
      turn.takeBackPause?.();
      turn.phase = "closing";
      this.#drop(turn);
    }
  }

  /* ---- time ---- */

  #everySoOften(): void {
    const now = this.#o.time.now();
    for (const [token, turn] of this.#running) {
      if (turn.active.turns[0] !== turn) continue;
      if (now - turn.startedAt >= saveEveryMs) {
        this.#save(turn);
        if (!turn.announced) this.#announce(turn);
      }
      const limit = this.#o.workers.settings(turn.bot)?.turnMs ?? Number.POSITIVE_INFINITY;
      if (now - turn.startedAt > limit) {
        turn.lane?.failed();
        this.#takeAway(turn);
        this.failed(token, { reason: `The bot did not answer within ${limit / 1000} s`, retry: true, lost: false });
      }
    }
    for (const bot of this.#stuck) this.roomFor(bot);
    this.#stopTimer = this.#o.time.after(saveEveryMs, () => this.#everySoOften());
  }

  /** Saves what is new of the attempt's text, or at least that it has begun (T5). */
  #save(turn: Turn): void {
    const text = turn.stream?.text ?? "";
    if (text.length === turn.savedLength) {
      if (!turn.recorded) this.#record(turn).catch(() => {});
      return;
    }
    const { number, attempt, savedLength: offset } = turn;
    turn.recorded = true;
    turn.savedLength = text.length;
    turn.savedBytes = turn.stream?.bytes ?? 0;
    this.#o.commit
      .add({ op: "save-draft", turn: number, attempt, generation: this.#o.store.generation, offset, text: text.slice(offset) })
      // A draft that is not saved costs its tail after a crash, never a message.
      .catch(() => {});
  }

  /**
   * No new attempts. Resolves when those under way have ended, after `graceMs` at most; the drafts of the others are saved.
   * Pending turns stay in the store for the next start.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    for (const turn of this.#pending) turn.takeBackPause?.();
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        const takeBack = this.#o.time.after(graceMs, resolve);
        this.#whenQuiet = () => {
          takeBack();
          resolve();
        };
      });
    }
    this.#stopTimer?.();
    for (const turn of this.#running.values()) this.#save(turn);
    // What a bot says from now on comes too late: its turn is done again.
    this.#running.clear();
    this.#answers.end();
  }
}
