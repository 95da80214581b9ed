/**
 * What the program has done, over time, in memory of a fixed size (about 60 KB). Pure: the clock's time comes with every sample.
 *
 * Three levels of 180 steps each: 15 minutes by 5 s, an hour by 20 s, a day by 8 min. Times of answers are counted anew for every level, so that a
 * step's quantiles are those of all its answers and not made from other quantiles. A step that is not over yet is shown as far as it is.
 */
import type { OverviewRange, OverviewSeries, Quantiles } from "@skep/protocol";
import { Latency } from "./latency.ts";
import { Ring } from "./ring.ts";

export const sampleMs = 5000;
const rows = 180;
/** Samples of one step. */
const steps: Readonly<Record<OverviewRange, number>> = { "15m": 1, "1h": 4, "24h": 96 };
/** The present figures of answers are those of this many steps of 20 s: five minutes. */
const recentSteps = 15;
const samplesPerMinute = 12;

/** What is not counted but stands at a moment. */
export interface Gauges {
  queued: number;
  running: number;
  controllerMb: number;
  botsMb: number;
  loopDelayMs: number;
  connections: number;
}

const gaugeNames = ["queued", "running", "controllerMb", "botsMb", "loopDelayMs", "connections"] as const;
const columns = [
  "elapsedMs",
  "accepted",
  "ended",
  "failed",
  "answerP50",
  "answerP95",
  "answerP99",
  "storedP50",
  "storedP95",
  "storedP99",
  ...gaugeNames,
] as const;
type Column = (typeof columns)[number];
const place = Object.fromEntries(columns.map((name, i) => [name, i])) as Record<Column, number>;

/** What has happened in some time. */
class Tally {
  accepted = 0;
  ended = 0;
  failed = 0;
  readonly answers = new Latency();
  readonly stored = new Latency();

  add(other: Tally): void {
    this.accepted += other.accepted;
    this.ended += other.ended;
    this.failed += other.failed;
    this.answers.add(other.answers);
    this.stored.add(other.stored);
  }

  clear(): void {
    this.accepted = this.ended = this.failed = 0;
    this.answers.clear();
    this.stored.clear();
  }
}

/** One way of looking back: a tally of the step that is under way, and the rows of those that are over. */
class Level {
  readonly ring = new Ring(rows, columns.length);
  readonly tally = new Tally();
  readonly #step: number;
  readonly #row = new Float32Array(columns.length);
  #samples = 0;
  #elapsedMs = 0;
  #at = 0;

  constructor(step: number) {
    this.#step = step;
  }

  /** @returns whether a step is over; the tally is still that of the step, and to be cleared. */
  take(at: number, elapsedMs: number, happened: Tally, gauges: Gauges): boolean {
    if (this.#samples === 0) {
      this.#elapsedMs = 0;
      for (const name of gaugeNames) this.#row[place[name]] = 0;
    }
    this.#at = at;
    this.#elapsedMs += elapsedMs;
    this.tally.add(happened);
    for (const name of gaugeNames) this.#row[place[name]] = Math.max(this.#row[place[name]] as number, gauges[name]);
    if (++this.#samples < this.#step) return false;
    this.ring.push(at, this.#filled());
    this.#samples = 0;
    return true;
  }

  #filled(): Float32Array {
    const { tally } = this;
    this.#row[place.elapsedMs] = this.#elapsedMs;
    for (const name of ["accepted", "ended", "failed"] as const) this.#row[place[name]] = tally[name];
    for (const name of ["answer", "stored"] as const) {
      const latency = name === "answer" ? tally.answers : tally.stored;
      this.#row[place[`${name}P50`]] = latency.quantile(0.5);
      this.#row[place[`${name}P95`]] = latency.quantile(0.95);
      this.#row[place[`${name}P99`]] = latency.quantile(0.99);
    }
    return this.#row;
  }

  after(moment: number): { at: number; values: Float32Array }[] {
    const found = this.ring.after(moment, this.#samples > 0 ? rows - 1 : rows);
    const last = found.at(-1)?.at ?? moment;
    return this.#samples > 0 && this.#at > last ? [...found, { at: this.#at, values: this.#filled().slice() }] : found;
  }
}

export interface RecentFigures {
  messagesPerSecond: number;
  answerMs: Quantiles;
  storedMs: Quantiles;
  turns: { ended: number; failed: number };
}

export class History {
  /** Since the last sample. */
  readonly #current = new Tally();
  readonly #levels: Readonly<Record<OverviewRange, Level>> = {
    "15m": new Level(steps["15m"]),
    "1h": new Level(steps["1h"]),
    "24h": new Level(steps["24h"]),
  };
  /** The last steps of the middle level, one after the other in a circle. */
  readonly #recent = Array.from({ length: recentSteps }, () => new Tally());
  #recentNext = 0;
  #sampledAt: number;

  constructor(now: number) {
    this.#sampledAt = now;
  }

  accepted(): void {
    this.#current.accepted++;
  }

  /** @param ms from the acceptance of the message to its stored answer; only of those that were answered */
  ended(failed: boolean, ms: number): void {
    this.#current.ended++;
    if (failed) this.#current.failed++;
    else this.#current.answers.record(ms);
  }

  /** So many operations went to the disk in one transaction, `ms` after the first of them came. */
  stored(ms: number, operations: number): void {
    this.#current.stored.record(ms, operations);
  }

  /** To be called every `sampleMs`; less often does no harm. */
  sample(at: number, gauges: Gauges): void {
    // A clock that was set back says nothing about how much time has passed.
    const elapsedMs = at > this.#sampledAt ? at - this.#sampledAt : sampleMs;
    this.#sampledAt = at;
    for (const range of ["15m", "1h", "24h"] as const) {
      const level = this.#levels[range];
      if (!level.take(at, elapsedMs, this.#current, gauges)) continue;
      if (range === "1h") this.#remember(level.tally);
      level.tally.clear();
    }
    this.#current.clear();
  }

  #remember(step: Tally): void {
    const oldest = this.#recent[this.#recentNext] as Tally;
    oldest.clear();
    oldest.add(step);
    this.#recentNext = (this.#recentNext + 1) % recentSteps;
  }

  /** The present figures, as far as they are counted. */
  recent(): RecentFigures {
    const sum = new Tally();
    for (const step of this.#recent) sum.add(step);
    sum.add(this.#levels["1h"].tally);
    const minute = this.#levels["15m"].ring.after(Number.NEGATIVE_INFINITY, samplesPerMinute);
    const total = (column: Column): number => minute.reduce((all, { values }) => all + (values[place[column]] as number), 0);
    return {
      messagesPerSecond: minute.length === 0 ? 0 : rounded((total("accepted") / total("elapsedMs")) * 1000),
      answerMs: quantiles(sum.answers),
      storedMs: quantiles(sum.stored),
      turns: { ended: sum.ended, failed: sum.failed },
    };
  }

  /** The steps of a range up to now. */
  series(range: OverviewRange, now: number): OverviewSeries {
    const found = this.#levels[range].after(now - rows * stepMs(range));
    const column = (name: Column): (number | null)[] => found.map(({ values }) => measured(values[place[name]] as number));
    return {
      at: found.map(({ at }) => at),
      messagesPerSecond: found.map(({ values }) =>
        measured(((values[place.accepted] as number) / (values[place.elapsedMs] as number)) * 1000),
      ),
      answerP50: column("answerP50"),
      answerP95: column("answerP95"),
      answerP99: column("answerP99"),
      storedP50: column("storedP50"),
      storedP95: column("storedP95"),
      storedP99: column("storedP99"),
      ended: column("ended"),
      failed: column("failed"),
      queued: column("queued"),
      running: column("running"),
      controllerMb: column("controllerMb"),
      botsMb: column("botsMb"),
      loopDelayMs: column("loopDelayMs"),
      connections: column("connections"),
    };
  }
}

export const stepMs = (range: OverviewRange): number => steps[range] * sampleMs;

const quantiles = (latency: Latency): Quantiles => ({
  p50: measured(latency.quantile(0.5)),
  p95: measured(latency.quantile(0.95)),
  p99: measured(latency.quantile(0.99)),
});

/** Four digits say all that is known. */
export const rounded = (value: number): number => Number(value.toPrecision(4));
export const measured = (value: number): number | null => (Number.isNaN(value) ? null : rounded(value));
