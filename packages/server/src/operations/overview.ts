import { totalmem } from "node:os";
import type { Alert, Bot, BotsOverview, CapacityUse, Overview, OverviewRange } from "@skep/protocol";
import type { Time } from "../time.ts";
import type { AlertLimits, BotSituation, Finding } from "./alerts.ts";
import { findAlerts } from "./alerts.ts";
import { BotHistory } from "./bot-history.ts";
import { History, rounded, sampleMs, stepMs } from "./history.ts";

/** The disk is asked once a minute. */
const samplesPerLook = 12;

/** What stands at a moment; read when a sample is taken, never on the way of a message. */
export interface OverviewSources {
  connections(): number;
  waitingOperations(): { used: number; limit: number };
  bots(): Bot[];
  /** How many conversations all workers that run now can work on at a time. */
  placesOf(bot: string): number;
  /** Why a bot will not run again by itself; null while it may. */
  down(bot: string): string | null;
  /** Why the store has stopped for good; null while it has not. */
  storeBroken(): string | null;
  /** Of the controller, in bytes. */
  memory(): number;
  /** How late the event loop was since the last question, p99 in ms. */
  loopDelayMs(): number;
  /** Bytes of the disk of the data folder, and how many of them this account can still write. */
  disk(): Promise<{ size: number; free: number }>;
}

export interface OverviewOptions {
  sources: OverviewSources;
  time: Pick<Time, "now" | "after">;
  limits: AlertLimits;
  /** Megabytes that the controller and the bots should stay under together. */
  memoryLimitMb: number;
  onAlert?: (alert: Alert, now: "begins" | "ends") => void;
}

/** Keeps what the program does in memory, over time, and says what needs somebody. Written to by the message path, which pays for a few counters. */
export class OverviewKeeper {
  readonly #o: OverviewOptions;
  readonly #history: History;
  readonly #bots = new BotHistory();
  readonly #startedAt: number;
  #alerts: Alert[] = [];
  #disk: { size: number; free: number } | null = null;
  #diskFull = false;
  #capacity: CapacityUse[] = [];
  #now = { queued: 0, running: 0, controllerMb: 0, botsMb: 0, loopDelayMs: 0, connections: 0 };
  #samples = 0;
  #takeBack: (() => void) | null = null;

  constructor(options: OverviewOptions) {
    this.#o = options;
    this.#startedAt = options.time.now();
    this.#history = new History(this.#startedAt);
  }

  accepted(): void {
    this.#history.accepted();
  }

  /** @param ms from the acceptance of the message to its stored end */
  turnEnded(outcome: "completed" | "cancelled" | "failed", bot: string, ms: number): void {
    if (outcome === "cancelled") return;
    this.#history.ended(outcome === "failed", ms);
    if (outcome === "completed") this.#bots.answered(bot, ms);
  }

  /** One transaction with so many operations is on the disk, `ms` after the first of them came. */
  stored(ms: number, operations: number): void {
    this.#diskFull = false;
    this.#history.stored(ms, operations);
  }

  /** A transaction failed because the disk is full; the next one that is stored ends that. */
  diskIsFull(): void {
    this.#diskFull = true;
  }

  /** Begins to take samples. */
  run(): void {
    this.#lookAtDisk();
    this.#sample();
  }

  stop(): void {
    this.#takeBack?.();
  }

  #lookAtDisk(): void {
    this.#o.sources.disk().then(
      (disk) => (this.#disk = disk),
      () => (this.#disk = null),
    );
  }

  #sample(): void {
    const { sources, time } = this.#o;
    const at = time.now();
    const bots = sources.bots();
    const memory = bots.map(({ name, processes }) => ({ name, memoryMb: total(processes.map(({ memoryMb }) => memoryMb)) }));
    this.#now = {
      queued: sum(bots, ({ queued }) => queued),
      running: sum(bots, ({ running }) => running),
      controllerMb: rounded(sources.memory() / 1e6),
      botsMb: rounded(sum(memory, ({ memoryMb }) => memoryMb ?? 0)),
      loopDelayMs: rounded(sources.loopDelayMs()),
      connections: sources.connections(),
    };
    this.#history.sample(at, this.#now);
    this.#bots.sample(at, memory);
    if (++this.#samples % samplesPerLook === 0) this.#lookAtDisk();
    this.#capacity = this.#uses(bots);
    this.#judge(bots, at);
    this.#takeBack = time.after(sampleMs, () => this.#sample());
  }

  #uses(bots: readonly Bot[]): CapacityUse[] {
    const { sources, memoryLimitMb } = this.#o;
    const disk = this.#disk;
    return [
      { what: "memory", used: rounded(this.#now.controllerMb + this.#now.botsMb), limit: memoryLimitMb },
      ...(disk ? [{ what: "disk" as const, used: disk.size - disk.free, limit: disk.size }] : []),
      { what: "store-queue", ...sources.waitingOperations() },
      ...bots.flatMap(({ name, running, queued, limits: { queue } }): CapacityUse[] => [
        { what: "places", bot: name, used: running, limit: sources.placesOf(name) },
        { what: "queue", bot: name, used: queued, limit: queue },
      ]),
    ];
  }

  #judge(bots: readonly Bot[], at: number): void {
    const { sources, limits, onAlert } = this.#o;
    const broken = sources.storeBroken();
    const standing = new Map(this.#alerts.map((alert) => [alert.id, alert]));
    const found = findAlerts(
      {
        storeFailed: broken !== null ? { reason: broken, full: false } : this.#diskFull ? { reason: "", full: true } : null,
        ...this.#history.recent(),
        loopDelayMs: this.#now.loopDelayMs,
        capacity: this.#capacity,
        bots: bots.map((bot) => situationOf(bot, sources.down(bot.name))),
      },
      limits,
      new Set(standing.keys()),
    );
    const since = new Date(at).toISOString();
    this.#alerts = found.map((one: Finding) => ({ ...one, since: standing.get(one.id)?.since ?? since }));
    if (!onAlert) return;
    for (const alert of this.#alerts) if (!standing.delete(alert.id)) onAlert(alert, "begins");
    for (const alert of standing.values()) onAlert(alert, "ends");
  }

  read(range: OverviewRange): Overview {
    const now = this.#o.time.now();
    const { controllerMb, botsMb, ...gauges } = this.#now;
    return {
      at: new Date(now).toISOString(),
      startedAt: new Date(this.#startedAt).toISOString(),
      range,
      stepMs: stepMs(range),
      now: {
        ...this.#history.recent(),
        ...gauges,
        memoryMb: { controller: controllerMb, bots: botsMb, limit: this.#o.memoryLimitMb },
      },
      series: this.#history.series(range, now),
      alerts: this.#alerts,
      capacity: this.#capacity,
    };
  }

  readBots(bot?: string): BotsOverview {
    return this.#bots.read(this.#o.time.now(), bot);
  }
}

function situationOf({ name, state, reason = "", processes, limits: { memoryMb: limitMb } }: Bot, down: string | null): BotSituation {
  let largest: BotSituation["largest"] = null;
  if (limitMb > 0) {
    for (const { name: worker, memoryMb } of processes) {
      if (memoryMb !== null && memoryMb > (largest?.memoryMb ?? 0)) largest = { name: worker, memoryMb, limitMb };
    }
  }
  const failedWorkers = processes.filter((one) => one.state === "failed").length;
  return { name, state, reason, down, workers: processes.length, failedWorkers, largest };
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((so, one) => so + of(one), 0);

/** Null when none of them is known. */
const total = (all: readonly (number | null)[]): number | null =>
  all.reduce((so, one) => (one === null ? so : (so ?? 0) + one), null as number | null);

/** Megabytes: what was configured, else what the container allows, else what the machine has. */
export function memoryLimitMb(configuredMb: number): number {
  if (configuredMb > 0) return configuredMb;
  const machine = totalmem();
  const allowed = process.constrainedMemory();
  return Math.round((allowed > 0 && allowed < machine ? allowed : machine) / 1e6);
}
