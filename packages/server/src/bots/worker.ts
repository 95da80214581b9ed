import type { BotEvent, BotState, RestartSettings, WorkerStatus } from "@skep/protocol";
import { botProtocolVersion } from "@skep/protocol/bot";
import type { FromBot, PlanPart, ToolPart } from "@skep/protocol/bot";
import type { Time } from "../time.ts";
import type { LogLine } from "./api.ts";
import type { Channel, ChannelEvents, ChannelExit } from "./channel.ts";
import { HeldTurns } from "./held-turns.ts";
import type { TurnLine } from "./held-turns.ts";
import type { WatchSettings } from "./liveness.ts";
import { heartbeat, memoryVerdict } from "./liveness.ts";
import type { RestartHistory } from "./restart-policy.ts";
import { noRestarts } from "./restart-policy.ts";
import type { TimelineEntry } from "./timeline.ts";
import { endingOf } from "./worker-end.ts";
import { offerOf } from "./worker-offer.ts";
import type { Request, WorkerPlace } from "./worker-place.ts";
import type { Run } from "./worker-run.ts";
import { newRun, rememberOutput } from "./worker-run.ts";
import type { WorkerAction, WorkerEvent, WorkerState } from "./worker-state.ts";
import { isEnding, move } from "./worker-state.ts";

/** A worker that does not say hello in this time is ended. */
const helloLimitMs = 15_000;
const stopGraceMs = 2000;
const memoryEveryMs = 2000;

/** What a worker reports about turns, by the name of the attempt. */
export interface TurnEvents {
  delta(token: string, text: string): void;
  answer(token: string, text: string | undefined): void;
  /** `company`: on how many conversations the worker was when it was lost. */
  failed(token: string, failure: { reason: string; retry: boolean; lost: boolean; company?: number }): void;
  status(token: string, state: "loading" | "waiting" | "running", detail: string): void;
  thought(token: string, id: string, text: string): void;
  part(token: string, part: ToolPart | PlanPart): void;
  permission(token: string, request: Omit<Extract<FromBot, { type: "permission" }>, "type" | "turn">): void;
  /** Nothing was heard of the attempt for too long: it is to be taken away from the worker. */
  stuck(token: string, reason: string): void;
}

export interface WorkerOptions {
  bot: string;
  /** Starts a process, or takes the program that has connected. @throws when that is not possible */
  open(events: ChannelEvents): Channel;
  botOptions: Record<string, unknown>;
  restart: RestartSettings;
  concurrency: number;
  watch: WatchSettings;
  /** Reads the memory of a process and its descendants, in MB; null: not known yet. */
  memoryOf(pid: number): () => number | null;
  time: Time;
  turns: TurnEvents;
  started(pid: number): void;
  ended(pid: number): void;
  log(source: LogLine["source"], level: LogLine["level"], text: string, pid: number | null): void;
  note(entry: TimelineEntry): void;
  /** State, load or reason changed. */
  changed(): void;
  /** There may be a free place. */
  room(): void;
}

/**
 * One of a bot's workers over all its processes. `worker-state.ts` has its states, `liveness.ts` says when it is not well, `restart-policy.ts` what
 * comes after an end; this class asks them and does what they say.
 */
export class Worker {
  readonly #o: WorkerOptions;
  #state: WorkerState = "stopped";
  #reason = "";
  #run: Run = newRun(0);
  #history: RestartHistory = noRestarts;
  #restarts = 0;
  #pauseMs = 0;
  #context: "message" | "history" = "message";
  #places = 0;
  #ahead = 1;
  readonly #turns = new HeldTurns();
  /** The timer of the state that it is in. */
  #takeBack: (() => void) | null = null;
  #whenStopped: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#o = options;
  }

  get state(): BotState {
    return this.#state === "restarting" ? "stopping" : this.#state;
  }

  get reason(): string {
    return this.#reason;
  }

  get load(): number {
    return this.#turns.busy;
  }

  get free(): number {
    const { channel, overSince } = this.#run;
    return this.#state === "ready" && overSince === null && channel?.reads === true ? this.#places - this.#turns.busy : 0;
  }

  get status(): WorkerStatus {
    const { channel, startedAt, memoryMb } = this.#run;
    return {
      pid: channel?.pid ?? null,
      state: this.state,
      startedAt: startedAt === 0 ? null : startedAt,
      running: this.#turns.size,
      restarts: this.#restarts,
      memoryMb,
      ...(this.#reason === "" ? {} : { reason: this.#reason }),
    };
  }

  start(): void {
    if (move(this.#state, "start")) this.#history = noRestarts;
    this.#happens("start");
  }

  /** Resolves when the process is gone. */
  stop(reason: string): Promise<void> {
    this.#happens("stop", reason);
    if (!isEnding(this.#state)) return Promise.resolve();
    return new Promise((resolve) => this.#whenStopped.push(resolve));
  }

  /** @returns whether anything came of it. */
  #happens(event: WorkerEvent, reason = ""): boolean {
    const next = move(this.#state, event);
    if (!next) return false;
    this.#takeBack?.();
    this.#takeBack = null;
    this.#state = next.to;
    this.#reason = reason;
    this.#o.changed();
    if (next.action) this.#actions[next.action](reason);
    return true;
  }

  readonly #actions: Readonly<Record<WorkerAction, (reason: string) => void>> = {
    launch: () => this.#launch(),
    kill: (reason) => this.#run.channel?.kill(reason),
    "ask-to-end": () => this.#run.channel?.stop(stopGraceMs),
    pause: () => {
      this.#takeBack = this.#o.time.after(this.#pauseMs, () => this.#happens("pause-over"));
    },
  };

  #note(what: BotEvent["what"], reason: string, more: Partial<TimelineEntry> = {}): void {
    this.#o.note({ what, pid: this.#run.channel?.pid ?? null, reason, ...more });
  }

  #launch(): void {
    const { time } = this.#o;
    const now = time.now();
    const run = newRun(now);
    this.#run = run;
    let channel: Channel;
    try {
      channel = this.#o.open({
        line: (line) => {
          if (this.#run === run) this.#line(line);
        },
        note: (source, text) => {
          if (source === "stderr") rememberOutput(run, text);
          this.#o.log(source, source === "stderr" ? "info" : "warn", text, run.channel?.pid ?? null);
        },
        broken: (why) => this.#replace(run, why),
        exited: (exit) => {
          if (!run.channel) run.endedEarly = exit;
          else if (this.#run === run) this.#exited(exit);
        },
      });
    } catch (error) {
      this.#exited({ clean: false, reason: `could not be started: ${(error as Error).message}` });
      return;
    }
    run.channel = channel;
    if (channel.pid !== null) {
      this.#o.started(channel.pid);
      run.memory = this.#o.memoryOf(channel.pid);
    }
    this.#note("launched", "");
    if (run.endedEarly) return this.#exited(run.endedEarly);
    channel.send({ type: "hello", protocol: botProtocolVersion, bot: this.#o.bot, options: this.#o.botOptions });
    if (channel.awaits !== undefined) {
      this.#reason = channel.awaits;
      this.#o.changed();
    } else this.#takeBack = time.after(helloLimitMs, () => this.#replace(run, `did not say hello within ${helloLimitMs / 1000} s`));
  }

  /** Ends this process so that another takes its place; does nothing when it is not the one any more. */
  #replace(run: Run, because: string): void {
    if (this.#run !== run || !run.channel) return;
    if (this.#happens("replace", because)) this.#note("replaced", because);
  }

  #exited(exit: ChannelExit): void {
    const { time, turns } = this.#o;
    const run = this.#run;
    const now = time.now();
    const pid = run.channel?.pid ?? null;
    if (pid !== null) this.#o.ended(pid);
    this.#o.log("skep", exit.clean ? "info" : "warn", `the process ${exit.reason}`, pid);
    const { held, conversations: company } = this.#turns.loseAll();
    const asked = isEnding(this.#state) ? this.#reason : null;
    const { restart } = this.#o;
    const ending = endingOf(run, exit, { asked, restart, history: this.#history, held, now, random: time.random() });
    this.#o.note(ending.entry);
    this.#run = { ...newRun(now), startedAt: run.startedAt };
    if (ending.again) {
      this.#history = ending.again.history;
      this.#pauseMs = ending.again.pauseMs;
      this.#restarts++;
    }
    if (ending.event === "ended-failed") this.#o.log("skep", "error", ending.reason, null);
    this.#happens(ending.event, ending.reason);
    if (asked !== null) for (const resolve of this.#whenStopped.splice(0)) resolve();
    for (const [token, { onLetGo }] of held) {
      if (onLetGo) onLetGo();
      else turns.failed(token, { reason: `The bot ${exit.reason}`, retry: true, lost: true, company });
    }
  }

  #line(line: FromBot): void {
    const run = this.#run;
    run.heardAt = this.#o.time.now();
    switch (line.type) {
      case "hello": {
        if (this.#state !== "starting") return;
        run.readyAt = run.heardAt;
        run.heartbeat = line.heartbeat ?? false;
        this.#context = line.context ?? "message";
        ({ places: this.#places, ahead: this.#ahead } = offerOf(line, this.#o.concurrency));
        this.#happens("hello");
        this.#note("ready", "", { uptimeMs: run.readyAt - run.startedAt });
        if (run.login === null) this.#o.room();
        else this.#login(true, run.login);
        return;
      }
      case "delta":
        if (this.#turns.heard(line.turn, run.heardAt)) this.#o.turns.delta(line.turn, line.text);
        return;
      case "status":
        if (this.#turns.heard(line.turn, run.heardAt)) this.#o.turns.status(line.turn, line.state, line.detail);
        return;
      case "answer":
        run.answered = true;
        if (this.#turns.letGo(line.turn, run.heardAt)) this.#o.turns.answer(line.turn, line.text);
        return;
      case "failure":
        if (this.#turns.letGo(line.turn, run.heardAt))
          this.#o.turns.failed(line.turn, { reason: line.reason, retry: line.retry ?? true, lost: false });
        return;
      case "log":
        if (line.level === "error") rememberOutput(run, line.text);
        this.#o.log("bot", line.level, line.text, run.channel?.pid ?? null);
        return;
      case "login":
        this.#login(line.needed, line.detail);
        return;
      case "thought":
        if (this.#turns.heard(line.turn, run.heardAt)) this.#o.turns.thought(line.turn, line.id, line.text);
        return;
      case "part":
        if (this.#turns.heard(line.turn, run.heardAt)) this.#o.turns.part(line.turn, line.part);
        return;
      case "permission":
        if (!this.#turns.heard(line.turn, run.heardAt)) return;
        this.#turns.waitsForPerson(line.turn);
        this.#o.turns.permission(line.turn, line);
        return;
      case "heartbeat":
    }
  }

  /** While somebody has to sign in, no turns are given; those that it has go on. */
  #login(needed: boolean, detail: string): void {
    this.#run.login = needed ? detail : null;
    const before = this.#state;
    const reason = needed ? detail : "";
    if (before === "login-needed" && needed && reason === this.#reason) return;
    if (!this.#happens(needed ? "login" : "signed-in", reason)) return;
    if (before !== this.#state) this.#note(needed ? "login-needed" : "signed-in", reason);
    if (!needed) this.#o.room();
  }

  /** Keeps a place free until it is given or released. */
  reserve(): WorkerPlace {
    return this.#enter(this.#turns.newLine());
  }

  #enter(line: TurnLine): WorkerPlace {
    line.turns++;
    let reserved = true;
    return {
      context: this.#context,
      give: (request) => {
        const given = reserved && this.#give(request, line);
        if (given) reserved = false;
        return given;
      },
      release: () => {
        if (reserved) this.#turns.leave(line);
        reserved = false;
      },
      next: () => (this.#state === "ready" && line.turns < this.#ahead ? this.#enter(line) : null),
      cancel: (token, graceMs, onLetGo) => this.#cancel(token, graceMs, onLetGo),
      decide: (token, id, option) => {
        // From here on it is the bot again that is waited for.
        if (this.#turns.heard(token, this.#o.time.now())) this.#run.channel?.send({ type: "decision", turn: token, id, option });
      },
    };
  }

  /** @returns false when the process has ended. */
  #give(request: Request, line: TurnLine): boolean {
    const { channel } = this.#run;
    if (this.#state !== "ready" || !channel) return false;
    const { token, ...rest } = request;
    this.#turns.add(token, line, request.conversation, this.#o.time.now());
    channel.send({ type: "turn", turn: token, ...rest });
    return true;
  }

  /** Asks the process to let go of an attempt; replaces it when it does not in time. */
  #cancel(token: string, graceMs: number, onLetGo: () => void): void {
    const held = this.#turns.get(token);
    if (!held || held.onLetGo) {
      onLetGo();
      return;
    }
    held.onLetGo = onLetGo;
    const run = this.#run;
    run.channel?.send({ type: "cancel", turn: token });
    this.#o.time.after(graceMs, () => {
      if (this.#turns.get(token) === held) this.#replace(run, `did not stop a cancelled turn within ${graceMs / 1000} s`);
    });
  }

  /** Called several times a second. */
  check(now: number): void {
    const run = this.#run;
    if (!run.channel || (this.#state !== "ready" && this.#state !== "login-needed")) return;
    this.#checkChannel(run, run.channel, now);
    if (this.#o.watch.progressMs > 0) this.#checkProgress(now);
    if (now - run.memoryReadAt >= memoryEveryMs) this.#checkMemory(run, now);
  }

  /** Only bots that say they have a heartbeat are asked. */
  #checkChannel(run: Run, channel: Channel, now: number): void {
    if (!run.heartbeat) return;
    const found = heartbeat({ heard: run.heardAt, asked: run.askedAt, now }, this.#o.watch.heartbeatMs);
    if (found === "ask") {
      run.askedAt = now;
      channel.send({ type: "ping" });
    } else if (found === "hangs") {
      this.#replace(run, `did not answer for ${Math.round((now - run.heardAt) / 100) / 10} s: it hangs`);
    }
  }

  #checkProgress(now: number): void {
    const { progressMs } = this.#o.watch;
    for (const { token, conversation } of this.#turns.silentFor(progressMs, now)) {
      const reason = `The bot has said nothing about this for ${progressMs / 1000} s`;
      this.#note("stuck", reason, { attempts: [{ conversation, attempt: token }] });
      this.#o.turns.stuck(token, reason);
    }
  }

  #checkMemory(run: Run, now: number): void {
    const { memoryMb: limit } = this.#o.watch;
    run.memoryReadAt = now;
    const mb = run.memory?.() ?? null;
    run.memoryMb = mb;
    if (mb === null) return;
    const verdict = memoryVerdict({ mb, overSince: run.overSince, idle: this.#turns.busy === 0, now }, limit);
    if (verdict === "replace") return this.#replace(run, `takes ${Math.round(mb)} MB of memory, its limit is ${limit} MB`);
    const wasOver = run.overSince !== null;
    run.overSince = verdict === "drain" ? (run.overSince ?? now) : null;
    if (wasOver && verdict === "fine") this.#o.room();
  }
}
