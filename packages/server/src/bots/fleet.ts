import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "@skep/protocol";
import type { Bot, BotCreate, BotEvent, BotPatch } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { Store, StoredBot } from "../store/store.ts";
import type { Time } from "../time.ts";
import type { FleetApi, FleetEvent, KindDescription, LogLine } from "./api.ts";
import { BotLog } from "./bot-log.ts";
import type { BotSettings, Definition } from "./definition.ts";
import { abilitiesOf, changedDefinition, newDefinition, newShares, settingsOf, storedDefinition, storedPlans } from "./definition.ts";
import { describeKind } from "./kinds/kind.ts";
import type { Kind, LaunchContext } from "./kinds/kind.ts";
import type { Ledger } from "./ledger.ts";
import { WorkerPool } from "./pool.ts";
import type { RemoteProgram } from "./remote-channel.ts";
import { RemotePlaces } from "./remote-places.ts";
import { ProcessMemory } from "./process-memory.ts";
import type { Lane } from "./seat.ts";
import { Timeline } from "./timeline.ts";
import type { TimelineEntry } from "./timeline.ts";
import type { TurnEvents } from "./worker.ts";
import type { Flusher } from "./worker-process.ts";
import { WorkerProcess } from "./worker-process.ts";

const checkEveryMs = 200;

export interface FleetOptions {
  store: Pick<Store, "bots" | "botEntries">;
  commit: Pick<GroupCommit, "add">;
  kinds: ReadonlyMap<string, Kind>;
  time: Time;
  tick: Flusher & { deliver(run: () => void): void };
  ledger: Ledger;
  /** Bots' own folders are made in it. */
  folder: string;
  launch: Omit<LaunchContext, "folder">;
  turns: TurnEvents & { queuedOf(bot: string): number; roomFor(bot: string): void; failAll(bot: string, reason: string): Promise<void> };
  onLog(bot: string, line: LogLine): void;
}

/** A definition with its workers. */
interface Running {
  stored: StoredBot;
  definition: Definition;
  settings: BotSettings;
  pool: WorkerPool;
  log: BotLog;
  /** Where programs connect as this bot; null when its kind starts processes. */
  remote: RemotePlaces | null;
  timeline: Timeline;
}

/** All bots: their definitions in the store, their workers as processes. */
export class Fleet implements FleetApi {
  readonly #o: FleetOptions;
  readonly #bots = new Map<string, Running>();
  readonly #watchers = new Set<(event: FleetEvent) => void>();
  readonly #changed = new Set<string>();
  #takeBack: (() => void) | null = null;
  #lastCheck = 0;
  #stopped = false;

  constructor(options: FleetOptions) {
    this.#o = options;
  }

  /** Reads the definitions; starts no process yet. Turns can be recovered after this. */
  async load(): Promise<void> {
    for (const stored of await this.#o.store.bots()) this.#hold(stored, storedDefinition(stored.definition));
  }

  /** Starts what should be running. */
  run(): void {
    for (const bot of this.#bots.values()) {
      if (!bot.stored.wanted) continue;
      bot.timeline.add({ what: "skep-started", pid: null, reason: "" });
      bot.pool.start();
    }
    this.#lastCheck = this.#o.time.now();
    this.#check();
  }

  #check(): void {
    const now = this.#o.time.now();
    // After a pause of our own (the machine slept), silence says nothing about the workers.
    if (now - this.#lastCheck < checkEveryMs * 2) {
      for (const bot of this.#bots.values()) bot.pool.check(now);
    }
    this.#lastCheck = now;
    if (!this.#stopped) this.#takeBack = this.#o.time.after(checkEveryMs, () => this.#check());
  }

  #hold(stored: StoredBot, definition: Definition): Running {
    const { name } = stored;
    const { time, tick, ledger, turns, commit } = this.#o;
    const before = this.#bots.get(name);
    const log = before?.log ?? new BotLog();
    const timeline = before?.timeline ?? new Timeline(name, commit, time);
    const kind = this.#o.kinds.get(stored.kind);
    const plans = storedPlans(kind, definition);
    const remote = kind?.launch === null ? this.#remote(name, plans.length) : null;
    const pool = new WorkerPool({
      bot: name,
      plans,
      balance: definition.balance,
      drained: definition.drained,
      open: (options, events) => {
        const { launch } = this.#kind(stored.kind);
        if (remote) return remote.open(events);
        if (!launch) throw new Error(`a bot of the kind "${stored.kind}" has no process`);
        const mark = ledger.newMark();
        const { nice } = definition.limits;
        return new WorkerProcess(
          launch(options, { ...this.#o.launch, folder: this.#folder(name) }),
          { mark, nice, time, flusher: tick },
          {
            ...events,
            exited: (exit) => {
              ledger.searchFor(mark);
              events.exited(exit);
            },
          },
        );
      },
      restart: definition.restart,
      concurrency: definition.limits.concurrency,
      watch: definition.limits,
      memoryOf: (pid) => {
        const memory = new ProcessMemory(pid);
        return () => memory.read();
      },
      time,
      turns,
      started: (pid) => ledger.add(pid),
      ended: (pid) => ledger.delete(pid),
      log: (source, level, text, pid) => this.#log(bot, { at: new Date(time.now()).toISOString(), pid, source, level, text }),
      note: (entry) => timeline.add(entry),
      changed: () => this.#tell(name),
      room: () => turns.roomFor(name),
    });
    const bot: Running = { stored, definition, settings: settingsOf(kind, definition), pool, log, timeline, remote };
    this.#bots.set(name, bot);
    return bot;
  }

  /** The same over all changes of the bot: programs stay while its workers are made anew. */
  #remote(bot: string, limit: number): RemotePlaces {
    const places = this.#bots.get(bot)?.remote ?? new RemotePlaces({ bot, time: this.#o.time, flusher: this.#o.tick });
    places.limit = limit;
    return places;
  }

  #log(bot: Running, line: LogLine): void {
    bot.log.add(line);
    this.#o.onLog(bot.stored.name, line);
  }

  #folder(name: string): string {
    const folder = join(this.#o.folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  #kind(name: string): Kind {
    const kind = this.#o.kinds.get(name);
    if (!kind) {
      throw new Refusal("field_invalid", `"kind": there is no kind "${name}"; there are ${[...this.#o.kinds.keys()].join(", ")}`, {
        field: "kind",
      });
    }
    return kind;
  }

  #find(name: string): Running {
    const bot = this.#bots.get(name);
    if (!bot) throw new Refusal("not_found", `There is no bot named "${name}"`);
    return bot;
  }

  /** Changes of one tick are told together. */
  #tell(name: string): void {
    if (this.#watchers.size === 0) return;
    this.#changed.add(name);
    this.#o.tick.deliver(this.#deliver);
  }

  readonly #deliver = (): void => {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const name of changed) {
      const bot = this.#bots.get(name);
      const event: FleetEvent = bot ? { type: "bot", bot: this.#describe(bot) } : { type: "bot-removed", name };
      for (const watcher of this.#watchers) watcher(event);
    }
  };

  #describe(bot: Running): Bot {
    const { stored, definition, pool } = bot;
    const { state, reason } = pool.state;
    const { options, workers, balance, fallback, restart, limits } = definition;
    return {
      name: stored.name,
      kind: stored.kind,
      can: abilitiesOf(this.#o.kinds.get(stored.kind), options),
      options,
      workers,
      balance,
      fallback,
      restart,
      limits,
      state,
      ...(reason === "" ? {} : { reason }),
      queued: Math.max(0, this.#o.turns.queuedOf(stored.name) - pool.load),
      running: pool.load,
      processes: pool.statuses,
      createdAt: new Date(stored.createdAt).toISOString(),
    };
  }

  kinds(): KindDescription[] {
    return [...this.#o.kinds.values()].map(describeKind);
  }

  list(): Bot[] {
    return [...this.#bots.values()].map((bot) => this.#describe(bot)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): Bot {
    return this.#describe(this.#find(name));
  }

  async add(input: BotCreate): Promise<Bot> {
    const kind = this.#kind(input.kind);
    const definition = newDefinition(kind, input);
    this.#mayStandIn(input.name, definition.fallback);
    const stored: StoredBot = {
      name: input.name,
      kind: kind.name,
      definition: JSON.stringify(definition),
      wanted: true,
      createdAt: this.#o.time.now(),
    };
    const answer = await this.#o.commit.add({ op: "put-bot", bot: stored, create: true });
    if (!answer.ok) throw new Refusal(answer.code, answer.detail, { field: "name" });
    const bot = this.#hold(stored, definition);
    bot.pool.start();
    return this.#describe(bot);
  }

  #mayStandIn(name: string, fallback: readonly string[]): void {
    for (const [i, other] of fallback.entries()) {
      const field = `fallback.${i}`;
      if (other === name) throw new Refusal("field_invalid", `"${field}": a bot cannot stand in for itself`, { field });
      if (!this.#bots.has(other)) throw new Refusal("field_invalid", `"${field}": there is no bot "${other}"; add it first`, { field });
    }
  }

  async change(name: string, patch: BotPatch): Promise<Bot> {
    const bot = this.#find(name);
    const kind = this.#kind(bot.stored.kind);
    const definition = changedDefinition(kind, bot.definition, patch);
    if (patch.fallback) this.#mayStandIn(name, patch.fallback);
    const stored = { ...bot.stored, definition: JSON.stringify(definition) };
    await this.#put(stored);
    const shares = newShares(kind, bot.definition, definition);
    if (shares) {
      Object.assign(bot, { stored, definition });
      bot.pool.deal(shares, definition.balance);
      return this.#describe(bot);
    }
    await bot.pool.stop("changed");
    const changed = this.#hold(stored, definition);
    if (stored.wanted) changed.pool.start();
    this.#tell(name);
    return this.#describe(changed);
  }

  async #put(stored: StoredBot): Promise<void> {
    const answer = await this.#o.commit.add({ op: "put-bot", bot: stored, create: false });
    if (!answer.ok) throw new Refusal(answer.code, answer.detail);
  }

  async #want(bot: Running, wanted: boolean): Promise<void> {
    if (bot.stored.wanted === wanted) return;
    await this.#put({ ...bot.stored, wanted });
    bot.stored = { ...bot.stored, wanted };
  }

  async remove(name: string): Promise<void> {
    const bot = this.#find(name);
    await this.#o.commit.add({ op: "delete-bot", name });
    this.#bots.delete(name);
    await Promise.all([this.#o.turns.failAll(name, `The bot "${name}" was removed`), bot.pool.stop("removed")]);
    bot.remote?.close();
    rmSync(join(this.#o.folder, name), { recursive: true, force: true });
    this.#tell(name);
  }

  async start(name: string): Promise<Bot> {
    const bot = this.#find(name);
    await this.#want(bot, true);
    bot.timeline.add({ what: "start", pid: null, reason: "" });
    bot.pool.start();
    return this.#describe(bot);
  }

  async stop(name: string): Promise<Bot> {
    const bot = this.#find(name);
    await this.#want(bot, false);
    bot.timeline.add({ what: "stop", pid: null, reason: "" });
    await bot.pool.stop("stopped by hand");
    return this.#describe(bot);
  }

  async restart(name: string): Promise<Bot> {
    const bot = this.#find(name);
    await this.#want(bot, true);
    bot.timeline.add({ what: "restart", pid: null, reason: "" });
    await bot.pool.restart("restarted by hand");
    return this.#describe(bot);
  }

  expectsPrograms(name: string): boolean {
    return this.#find(name).remote !== null;
  }

  connect(name: string, program: RemoteProgram): void {
    const bot = this.#bots.get(name);
    if (!bot?.remote) return program.end("not_allowed", `there is no remote bot named "${name}"`);
    this.#log(bot, {
      at: new Date(this.#o.time.now()).toISOString(),
      pid: null,
      source: "skep",
      level: "info",
      text: "a program has connected",
    });
    bot.remote.connect(program);
  }

  async drain(name: string, worker: string, drained: boolean): Promise<Bot> {
    const bot = this.#find(name);
    const definition = { ...bot.definition, drained: bot.pool.drain(worker, drained) };
    const stored = { ...bot.stored, definition: JSON.stringify(definition) };
    bot.definition = definition;
    bot.stored = stored;
    await this.#put(stored);
    return this.#describe(bot);
  }

  logs(name: string, limit: number): LogLine[] {
    return this.#find(name).log.newest(limit);
  }

  async timeline(name: string, page: { before?: number; limit: number }): Promise<BotEvent[]> {
    await this.#find(name).timeline.stored();
    const entries = await this.#o.store.botEntries(name, page.before ?? Number.MAX_SAFE_INTEGER, page.limit);
    return entries.map(({ number, at, entry }) => ({
      ...(JSON.parse(entry) as TimelineEntry),
      number,
      at: new Date(at).toISOString(),
    }));
  }

  watch(onEvent: (event: FleetEvent) => void): () => void {
    this.#watchers.add(onEvent);
    return () => this.#watchers.delete(onEvent);
  }

  /** The same object until the definition changes. */
  settings(name: string): BotSettings | null {
    return this.#bots.get(name)?.settings ?? null;
  }

  /** The worker that a turn should go to, or wait for; null: for now there is none. `not`: where it has failed. */
  assign(name: string, conversation: string, person: string, not: Lane | null): Lane | null {
    return this.#bots.get(name)?.pool.assign(conversation, person, not) ?? null;
  }

  /** Why the bot will not run again by itself, or null. */
  down(name: string): string | null {
    return this.#bots.get(name)?.pool.down ?? null;
  }

  /** How many conversations its workers that run can work on at a time. */
  readonly placesOf = (name: string): number => this.#bots.get(name)?.pool.places ?? 0;

  /** Will it work on what it is given? */
  up(name: string): boolean {
    return this.#bots.get(name)?.pool.up ?? false;
  }

  /** Do programs elsewhere work for it? */
  elsewhere(name: string): boolean {
    return this.#bots.get(name)?.remote !== null;
  }

  get processCount(): number {
    return [...this.#bots.values()].reduce((count, { pool }) => count + pool.processCount, 0);
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#takeBack?.();
    await Promise.all([...this.#bots.values()].map((bot) => bot.pool.stop("Skep is stopping")));
    this.#o.ledger.endStrays();
  }
}
