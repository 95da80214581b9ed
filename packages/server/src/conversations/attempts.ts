import type { PlanPart, ToolPart } from "@skep/protocol";
import type { Store, StoredMessage } from "../store/store.ts";
import type { Time } from "../time.ts";
import type { ActiveConversation } from "./active.ts";
import { takeBackBehind } from "./ahead.ts";
import type { Drafts } from "./drafts.ts";
import { streamName } from "./encode.ts";
import type { Endings } from "./endings.ts";
import type { PermissionRequest, Permissions } from "./permissions.ts";
import { Stream } from "./stream.ts";
import { lost } from "./suspects.ts";
import type { Suspects } from "./suspects.ts";
import { FilesNotGiven, giveFiles } from "./turn-files.ts";
import type { TurnFiles } from "./turn-files.ts";
import type { AttemptFailure, Place, ReportError, Turn, TurnRequest, TurnSettings, Workers } from "./turn.ts";
import { afterFailure } from "./turn.ts";

/** The text so far is saved this often (T5: at least every 250 ms), and as soon as this many bytes are unsaved. */
const saveEveryMs = 200;
const saveBytes = 4096;
const contextMessages = 200;
const contextCharacters = 256 * 1024;
const cancelGraceMs = 5000;

export interface AttemptsOptions {
  store: Pick<Store, "generation" | "messages" | "context">;
  time: Time;
  workers: Pick<Workers, "settings">;
  drafts: Drafts;
  endings: Endings;
  permissions: Permissions;
  suspects: Pick<Suspects<Turn>, "ended">;
  files?: TurnFiles;
  onError: ReportError;
  /** The turn may be worked on as soon as it is the first of its conversation. */
  runnable(turn: Turn): void;
  /** Gives the turn to another bot if there is one that stands in. @returns whether there is */
  elsewhere(turn: Turn, why: string): boolean;
  /** Called every fifth of a second. */
  everySoOften(): void;
  /** A worker of this bot may have a free place. */
  roomFor(bot: string): void;
  /** Turns behind the first one may be given ahead. */
  follow(active: ActiveConversation): void;
}

/** Tries at turns, from the worker's free place to the end of the attempt; and what workers say about them. */
export class Attempts {
  readonly #o: AttemptsOptions;
  /** By stream name: the attempts that workers have. */
  readonly #running = new Map<string, Turn>();
  #stopTimer: () => void;
  #whenQuiet: (() => void) | null = null;

  constructor(options: AttemptsOptions) {
    this.#o = options;
    this.#stopTimer = options.time.after(saveEveryMs, () => this.#everySoOften());
  }

  runningOf(bot: string): number {
    let running = 0;
    for (const turn of this.#running.values()) if (turn.bot === bot) running++;
    return running;
  }

  start(turn: Turn, place: Place): void {
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
    turn.questions = 0;
    if (turn.text !== null && place.context === "message" && turn.tries === 1 && settings.delivery === "at-least-once") {
      this.#give(turn, place, { text: turn.text });
      return;
    }
    this.#prepare(turn, place, settings).catch((error: unknown) => {
      this.#o.onError("turn-start-failed", { turn: turn.name, conversation: turn.active.publicId, reason: String(error) });
      place.release();
      const given = error instanceof FilesNotGiven ? { reason: error.message, retry: false } : null;
      this.#attemptFailed(turn, { ...(given ?? { reason: "The message could not be read from the store", retry: true }), lost: false });
    });
  }

  async #prepare(turn: Turn, place: Place, settings: TurnSettings): Promise<void> {
    // An at-most-once turn is known to have begun before the bot sees it; later attempts are counted across restarts the same way (B3, B5).
    if (settings.delivery === "at-most-once" || turn.tries > 1) {
      const recorded = this.#o.drafts.record(turn);
      if (settings.delivery === "at-most-once" && !(await recorded)) {
        place.release();
        return this.#o.endings.drop(turn);
      }
    }
    const { store } = this.#o;
    const { conversation } = turn.active;
    // A message whose text is kept has no files.
    const message = turn.text === null ? (await store.messages(conversation, { after: turn.seq - 1, limit: 1 })).messages[0] : undefined;
    const request: Pick<TurnRequest, "text" | "files" | "history"> = { text: turn.text ?? message?.text ?? "" };
    let history: StoredMessage[] = [];
    if (place.context === "history") {
      history = await store.context(conversation, turn.seq, contextMessages, contextCharacters);
      request.history = history.flatMap(({ role, author, text: said }) => (role === "system" ? [] : [{ role, author, text: said }]));
    }
    const takeBack = this.#o.files ? await giveFiles(this.#o.files, turn, request, message, history) : null;
    if (turn.phase !== "starting" || turn.place !== place) {
      takeBack?.();
      return place.release();
    }
    turn.takeBackFiles = takeBack;
    this.#give(turn, place, request);
  }

  #give(turn: Turn, place: Place, request: Pick<TurnRequest, "text" | "files" | "history">): void {
    const { token } = turn;
    turn.phase = "running";
    this.#running.set(token, turn);
    const given = place.give({ token, attempt: turn.tries, conversation: turn.active.publicId, author: turn.person, ...request });
    if (!given) {
      this.failed(token, { reason: "The bot stopped", retry: true, lost: true });
      return;
    }
    if (turn.tries > 1) turn.announce();
    if (turn.active.turns[0] === turn && turn.active.turns.length > 1) this.#o.follow(turn.active);
  }

  /* ---- what workers say, by the name of the attempt; an attempt that is not running any more is ignored (B4) ---- */

  delta(token: string, text: string): void {
    const turn = this.#running.get(token);
    if (!turn || text === "") return;
    const stream = (turn.stream ??= newStream(turn));
    stream.push(text);
    if (this.#tooLong(turn, stream.bytes)) return;
    if (turn.note) this.status(token, "running", "");
    turn.active.streamed(stream);
    if (stream.bytes - turn.savedBytes >= saveBytes) this.#o.drafts.save(turn);
  }

  #tooLong(turn: Turn, bytes: number): boolean {
    const limit = this.#o.workers.settings(turn.bot)?.answerBytes ?? Number.POSITIVE_INFINITY;
    if (bytes <= limit) return false;
    this.#letGo(turn);
    this.failed(turn.token, { reason: `The answer is longer than ${limit} bytes`, retry: false, lost: false });
    return true;
  }

  thought(token: string, id: string, text: string): void {
    const turn = this.#running.get(token);
    const settings = turn && this.#o.workers.settings(turn.bot);
    if (!settings || text === "") return;
    const stream = (turn.stream ??= newStream(turn));
    stream.partsWithin(settings.partsBytes).thought(id, text, stream.text.length);
    turn.active.streamed(stream);
  }

  part(token: string, part: ToolPart | PlanPart): void {
    const turn = this.#running.get(token);
    const settings = turn && this.#o.workers.settings(turn.bot);
    if (!settings) return;
    const stream = (turn.stream ??= newStream(turn));
    stream.partsWithin(settings.partsBytes).put(part, stream.text.length);
    turn.active.streamed(stream);
  }

  permission(token: string, request: PermissionRequest): void {
    const turn = this.#running.get(token);
    const settings = turn && this.#o.workers.settings(turn.bot);
    if (settings) this.#o.permissions.ask(turn, settings, request);
  }

  answer(token: string, text: string | undefined): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    if (turn.active.turns.find((other) => other === turn || other.phase === "running") !== turn) {
      this.failed(token, { reason: "The bot answered out of order", retry: true, lost: false });
      return;
    }
    if (text !== undefined && turn.stream) {
      const streamed = turn.stream.text;
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
    void this.#o.endings.close(turn, "completed", "bot", turn.bot, final);
    // A bot that does not see the conversation need not wait for this answer's commit. Their order stays: both go through the same queue.
    if (early && !turn.stream) this.advance(turn);
  }

  failed(token: string, failure: AttemptFailure): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    this.#end(turn);
    this.#attemptFailed(turn, failure);
  }

  /** Nothing is heard of an attempt any more. */
  stuck(token: string, reason: string): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    this.#letGo(turn);
    this.failed(token, { reason, retry: true, lost: false });
  }

  status(token: string, state: "loading" | "waiting" | "running", detail: string): void {
    const turn = this.#running.get(token);
    if (!turn) return;
    if (state === "running" && !turn.note) return;
    turn.note = state === "running" ? null : { state: state === "loading" ? "loading" : "running", reason: detail };
    turn.announce();
  }

  /* ---- ends of attempts ---- */

  /** The attempt is over, whatever comes next. */
  #end(turn: Turn): void {
    this.#running.delete(turn.token);
    takeBackFiles(turn);
    if (turn.suspect) this.#o.suspects.ended(turn);
    this.#o.permissions.attemptOver(turn, null);
    turn.place?.release();
    turn.place = null;
    this.#o.roomFor(turn.bot);
    if (this.#running.size === 0) this.#whenQuiet?.();
  }

  /** Asks the worker to let go of the attempt. Nothing else of this conversation is given to a bot until it has. */
  #letGo(turn: Turn): void {
    const { active, place, token } = turn;
    turn.place = null;
    if (!place) return;
    this.#o.permissions.attemptOver(turn, place);
    active.lettingGo++;
    place.cancel(token, cancelGraceMs, () => {
      active.lettingGo--;
      const next = active.turns[0];
      if (next) this.#o.runnable(next);
      this.#o.roomFor(turn.bot);
    });
  }

  /** Takes a running attempt away from its worker; what that still says is ignored. @returns whether it was running. */
  takeAway(turn: Turn): boolean {
    if (!this.#running.delete(turn.token)) return false;
    this.#letGo(turn);
    takeBackFiles(turn);
    if (this.#running.size === 0) this.#whenQuiet?.();
    return true;
  }

  #attemptFailed(turn: Turn, failure: AttemptFailure): void {
    const settings = this.#o.workers.settings(turn.bot);
    if (turn.phase === "closing") return;
    if (!settings) return void this.#o.endings.fail(turn, "The bot was removed");
    if (failure.lost) lost(turn, failure.company ?? 1, settings.attempts);
    const after = afterFailure(failure, turn.attemptsMade, settings, this.#o.time.random());
    if (after.kind === "fail" && failure.retry && settings.delivery === "at-least-once" && this.#handOver(turn, failure)) return;
    if (after.kind === "again") takeBackBehind(turn, (other) => this.takeAway(other));
    if (after.kind === "fail") return void this.#o.endings.fail(turn, after.text);
    interrupt(turn);
    turn.note = { state: "retrying", reason: failure.reason };
    this.#o.drafts.note(turn);
    turn.phase = "pausing";
    turn.announce();
    const again = (): void => {
      turn.takeBackPause = null;
      turn.phase = "queued";
      this.#o.runnable(turn);
    };
    if (after.afterMs === 0) again();
    else turn.takeBackPause = this.#o.time.after(after.afterMs, again);
  }

  /** All attempts of its bot have failed: another one's turn, from the beginning. */
  #handOver(turn: Turn, failure: AttemptFailure): boolean {
    if (!this.#o.elsewhere(turn, failure.reason)) return false;
    interrupt(turn);
    this.#o.drafts.note(turn);
    takeBackBehind(turn, (other) => this.takeAway(other));
    this.#o.runnable(turn);
    return true;
  }

  /** Lets the conversation's next turn run. */
  advance(turn: Turn): void {
    const { turns } = turn.active;
    const index = turns.indexOf(turn);
    if (index < 0) return;
    turns.splice(index, 1);
    const next = turns[0];
    if (index !== 0 || !next) return;
    // It may have been given ahead: its time begins now.
    if (next.phase === "running") {
      next.startedAt = this.#o.time.now();
      if (turns.length > 1) this.#o.follow(turn.active);
    } else this.#o.runnable(next);
  }

  /* ---- time ---- */

  #everySoOften(): void {
    const now = this.#o.time.now();
    for (const [token, turn] of this.#running) {
      if (turn.active.turns[0] !== turn) continue;
      if (now - turn.startedAt >= saveEveryMs) {
        this.#o.drafts.save(turn);
        if (!turn.announced) turn.announce();
      }
      // It waits for a person, not for the bot.
      if (turn.waits.length > 0) continue;
      const limit = this.#o.workers.settings(turn.bot)?.turnMs ?? Number.POSITIVE_INFINITY;
      if (now - turn.startedAt > limit) {
        turn.lane?.failed();
        this.#letGo(turn);
        this.failed(token, { reason: `The bot did not answer within ${limit / 1000} s`, retry: true, lost: false });
      }
    }
    this.#o.everySoOften();
    this.#stopTimer = this.#o.time.after(saveEveryMs, () => this.#everySoOften());
  }

  /** Resolves when the attempts under way have ended, after `graceMs` at most; the drafts of the others are saved. */
  async stop(graceMs: number): Promise<void> {
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        const takeBack = this.#o.time.after(graceMs, resolve);
        this.#whenQuiet = () => {
          takeBack();
          resolve();
        };
      });
    }
    this.#stopTimer();
    for (const turn of this.#running.values()) this.#o.drafts.save(turn);
    // What a bot says from now on comes too late: its turn is done again.
    this.#running.clear();
  }
}

function takeBackFiles(turn: Turn): void {
  turn.takeBackFiles?.();
  turn.takeBackFiles = null;
}

function newStream(turn: Turn): Stream {
  // Replaced from here on; who comes back is still told how that stream ended.
  if (turn.interrupted) turn.interrupted.text = "";
  return new Stream(turn.active.publicId, turn.name, turn.token);
}

/** What was written so far does not count: readers are told (T4). */
export function interrupt(turn: Turn): void {
  if (turn.stream) turn.active.streamEnded(turn.stream, "interrupted");
  turn.stream = null;
}
