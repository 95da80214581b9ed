import type { BotState, RestartSettings, WorkerStatus } from "@skep/protocol";
import { botProtocolVersion } from "@skep/protocol/bot";
import type { FromBot, HistoryEntry, PlanPart, ToolPart } from "@skep/protocol/bot";
import type { Time } from "../time.ts";
import type { LogLine } from "./api.ts";
import type { Channel, ChannelEvents } from "./channel.ts";
import type { RestartHistory, WorkerExit } from "./restart-policy.ts";
import { afterExit, noRestarts } from "./restart-policy.ts";

/** A worker that does not say hello in this time is ended. */
const helloLimitMs = 15_000;
/** Silent for this long: it is asked; silent for as long again: it hangs (R-C4: 2 s by default). */
const askAfterMs = 1000;
const stopGraceMs = 2000;
const maxConcurrency = 10_000;
const maxAhead = 64;

/** What a worker reports about turns, by the name of the attempt. */
export interface TurnEvents {
  delta(token: string, text: string): void;
  answer(token: string, text: string | undefined): void;
  failed(token: string, failure: { reason: string; retry: boolean; lost: boolean }): void;
  status(token: string, state: "loading" | "waiting" | "running", detail: string): void;
  thought(token: string, id: string, text: string): void;
  part(token: string, part: ToolPart | PlanPart): void;
  permission(token: string, request: Omit<Extract<FromBot, { type: "permission" }>, "type" | "turn">): void;
}

export interface WorkerOptions {
  bot: string;
  /** Starts a process, or takes the program that has connected. @throws when that is not possible */
  open(events: ChannelEvents): Channel;
  botOptions: Record<string, unknown>;
  restart: RestartSettings;
  concurrency: number;
  time: Time;
  turns: TurnEvents;
  started(pid: number): void;
  ended(pid: number): void;
  log(source: LogLine["source"], level: LogLine["level"], text: string, pid: number | null): void;
  /** State, load or reason changed. */
  changed(): void;
  /** There may be a free place. */
  room(): void;
}

export interface Request {
  token: string;
  attempt: number;
  conversation: string;
  author: string;
  text: string;
  history?: HistoryEntry[];
}

/** A worker's place for one attempt, as the turns see it. */
export interface WorkerPlace {
  context: "message" | "history";
  /** @returns false when the process has ended. */
  give(request: Request): boolean;
  /** Does nothing once it was given: then the process lets go of it. */
  release(): void;
  /** The place behind this one, for the conversation's next turn; null when the bot does not work ahead so far. */
  next(): WorkerPlace | null;
  cancel(token: string, graceMs: number, onLetGo: () => void): void;
  /** Nothing when the process does not have the attempt any more. */
  decide(token: string, request: string, option: string | null): void;
}

/** An attempt that a process has. */
interface Held {
  /** Nobody wants to hear of it any more; called once the process has let go of it. */
  onLetGo: (() => void) | null;
  line: TurnLine;
}

/** Turns of one conversation, one behind the other at one worker. */
interface TurnLine {
  turns: number;
}

/** One of a bot's workers over all its processes: starts it, watches it, starts it again (see `restart-policy.ts` for the states). */
export class Worker {
  readonly #o: WorkerOptions;
  #state: BotState = "stopped";
  #reason = "";
  #channel: Channel | null = null;
  #history: RestartHistory = noRestarts;
  #restarts = 0;
  #startedAt: number | null = null;
  #readyAt = 0;
  #answered = false;
  #heardAt = 0;
  #askedAt = 0;
  #heartbeat = false;
  #context: "message" | "history" = "message";
  #places = 0;
  #ahead = 1;
  /** Conversations that it works on, or is about to: each takes one place, however many turns wait behind each other in it. */
  #busy = 0;
  /** Attempts that the process has. A cancelled one stays until the process has let go of it. */
  readonly #tokens = new Map<string, Held>();
  #takeBack: (() => void) | null = null;
  #whenStopped: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#o = options;
  }

  get state(): BotState {
    return this.#state;
  }

  get reason(): string {
    return this.#reason;
  }

  get load(): number {
    return this.#busy;
  }

  get free(): number {
    return this.#state === "ready" && this.#channel?.reads === true ? this.#places - this.#busy : 0;
  }

  get status(): WorkerStatus {
    return {
      pid: this.#channel?.pid ?? null,
      state: this.#state,
      startedAt: this.#startedAt,
      running: this.#tokens.size,
      restarts: this.#restarts,
    };
  }

  #become(state: BotState, reason = ""): void {
    this.#state = state;
    this.#reason = reason;
    this.#o.changed();
  }

  start(): void {
    if (this.#state === "starting" || this.#state === "ready") return;
    this.#takeBack?.();
    if (this.#state === "stopping") {
      this.#whenStopped.push(() => this.start());
      return;
    }
    this.#history = noRestarts;
    this.#launch();
  }

  #launch(): void {
    const { time } = this.#o;
    this.#takeBack = null;
    this.#startedAt = time.now();
    this.#readyAt = 0;
    this.#answered = false;
    this.#become("starting");
    let channel: Channel;
    try {
      channel = this.#o.open({
        line: (line) => this.#line(line),
        note: (source, text) => this.#o.log(source, source === "stderr" ? "info" : "warn", text, this.#channel?.pid ?? null),
        broken: (reason) => channel.kill(reason),
        exited: (exit) => this.#exited(channel, exit),
      });
    } catch (error) {
      this.#afterExit({ clean: false, reason: `could not be started: ${(error as Error).message}`, readyForMs: 0, answered: false });
      return;
    }
    this.#channel = channel;
    if (channel.pid !== null) this.#o.started(channel.pid);
    channel.send({ type: "hello", protocol: botProtocolVersion, bot: this.#o.bot, options: this.#o.botOptions });
    if (channel.awaits !== undefined) this.#become("starting", channel.awaits);
    else this.#takeBack = time.after(helloLimitMs, () => channel.kill(`did not say hello within ${helloLimitMs / 1000} s`));
  }

  #exited(channel: Channel, exit: { clean: boolean; reason: string; away?: boolean }): void {
    if (channel !== this.#channel) return;
    this.#takeBack?.();
    this.#takeBack = null;
    this.#channel = null;
    if (channel.pid !== null) this.#o.ended(channel.pid);
    this.#o.log("skep", exit.clean ? "info" : "warn", `the ${channel.pid === null ? "program" : "process"} ${exit.reason}`, channel.pid);
    const held = [...this.#tokens];
    this.#tokens.clear();
    for (const [, { line }] of held) this.#leave(line);
    const readyForMs = this.#readyAt === 0 ? 0 : this.#o.time.now() - this.#readyAt;
    if (this.#state === "stopping") {
      this.#become("stopped", this.#reason);
      for (const run of this.#whenStopped.splice(0)) run();
    } else if (exit.away) this.#launch();
    else this.#afterExit({ ...exit, readyForMs, answered: this.#answered });
    for (const [token, { onLetGo }] of held) {
      if (onLetGo) onLetGo();
      else this.#o.turns.failed(token, { reason: `The bot ${exit.reason}`, retry: true, lost: true });
    }
  }

  #afterExit(exit: WorkerExit): void {
    const { time } = this.#o;
    const next = afterExit(exit, this.#o.restart, this.#history, time.now(), time.random());
    switch (next.kind) {
      case "restart":
        this.#history = next.history;
        this.#restarts++;
        this.#become("backoff", exit.reason);
        this.#takeBack = time.after(next.afterMs, () => this.#launch());
        return;
      case "stay-stopped":
        this.#become("stopped", next.reason);
        return;
      case "fail":
        this.#o.log("skep", "error", next.reason, null);
        this.#become("failed", next.reason);
    }
  }

  /** Resolves when the process is gone. */
  stop(reason: string): Promise<void> {
    this.#takeBack?.();
    this.#takeBack = null;
    if (!this.#channel) {
      this.#become("stopped", reason);
      return Promise.resolve();
    }
    if (this.#state !== "stopping") {
      this.#become("stopping", reason);
      this.#channel.stop(stopGraceMs);
    }
    return new Promise((resolve) => this.#whenStopped.push(resolve));
  }

  #line(line: FromBot): void {
    this.#heardAt = this.#o.time.now();
    switch (line.type) {
      case "hello": {
        if (this.#state !== "starting") return;
        this.#takeBack?.();
        this.#takeBack = null;
        this.#readyAt = this.#heardAt;
        this.#heartbeat = line.heartbeat ?? false;
        this.#context = line.context ?? "message";
        const wanted = Math.floor(line.concurrency ?? this.#o.concurrency);
        this.#places = Math.max(1, Math.min(wanted, this.#o.concurrency, maxConcurrency));
        this.#ahead = Math.max(1, Math.min(Math.floor(line.ahead ?? 1), maxAhead));
        this.#become("ready");
        this.#o.room();
        return;
      }
      case "delta":
        if (this.#holds(line.turn)) this.#o.turns.delta(line.turn, line.text);
        return;
      case "status":
        if (this.#holds(line.turn)) this.#o.turns.status(line.turn, line.state, line.detail);
        return;
      case "answer":
        this.#answered = true;
        if (this.#letGo(line.turn)) this.#o.turns.answer(line.turn, line.text);
        return;
      case "failure":
        if (this.#letGo(line.turn)) this.#o.turns.failed(line.turn, { reason: line.reason, retry: line.retry ?? true, lost: false });
        return;
      case "log":
        this.#o.log("bot", line.level, line.text, this.#channel?.pid ?? null);
        return;
      case "thought":
        if (this.#holds(line.turn)) this.#o.turns.thought(line.turn, line.id, line.text);
        return;
      case "part":
        if (this.#holds(line.turn)) this.#o.turns.part(line.turn, line.part);
        return;
      case "permission":
        if (this.#holds(line.turn)) this.#o.turns.permission(line.turn, line);
        return;
      case "login":
      case "heartbeat":
    }
  }

  #holds(token: string): boolean {
    return this.#tokens.get(token)?.onLetGo === null;
  }

  /** @returns whether somebody still wants to know. */
  #letGo(token: string): boolean {
    const held = this.#tokens.get(token);
    if (!held) return false;
    this.#tokens.delete(token);
    this.#leave(held.line);
    held.onLetGo?.();
    return held.onLetGo === null;
  }

  /** Keeps a place free until it is given or released. */
  reserve(): WorkerPlace {
    this.#busy++;
    return this.#enter({ turns: 0 });
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
        if (reserved) this.#leave(line);
        reserved = false;
      },
      next: () => (this.#state === "ready" && line.turns < this.#ahead ? this.#enter(line) : null),
      cancel: (token, graceMs, onLetGo) => this.#cancel(token, graceMs, onLetGo),
      decide: (token, id, option) => {
        if (this.#tokens.has(token)) this.#channel?.send({ type: "decision", turn: token, id, option });
      },
    };
  }

  #leave(line: TurnLine): void {
    if (--line.turns === 0) this.#busy--;
  }

  /** @returns false when the process has ended. */
  #give(request: Request, line: TurnLine): boolean {
    if (this.#state !== "ready" || !this.#channel) return false;
    const { token, ...rest } = request;
    this.#tokens.set(token, { onLetGo: null, line });
    this.#channel.send({ type: "turn", turn: token, ...rest });
    return true;
  }

  /** Asks the process to let go of an attempt; replaces it when it does not in time. */
  #cancel(token: string, graceMs: number, onLetGo: () => void): void {
    const held = this.#tokens.get(token);
    if (!held || held.onLetGo) {
      onLetGo();
      return;
    }
    held.onLetGo = onLetGo;
    const channel = this.#channel;
    channel?.send({ type: "cancel", turn: token });
    this.#o.time.after(graceMs, () => {
      if (this.#tokens.get(token) === held) channel?.kill(`did not stop a cancelled turn within ${graceMs / 1000} s`);
    });
  }

  /** Called every half second. Answers only for workers that said they have a heartbeat. */
  check(now: number): void {
    if (this.#state !== "ready" || !this.#heartbeat || !this.#channel) return;
    if (now - this.#heardAt < askAfterMs) {
      this.#askedAt = 0;
      return;
    }
    if (this.#askedAt === 0) {
      this.#askedAt = now;
      this.#channel.send({ type: "ping" });
    } else if (now - this.#askedAt >= askAfterMs && this.#heardAt < this.#askedAt) {
      this.#askedAt = 0;
      this.#channel.kill(`did not answer for ${Math.round((now - this.#heardAt) / 100) / 10} s: it hangs`);
    }
  }
}
