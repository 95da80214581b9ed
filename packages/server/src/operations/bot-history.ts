import type { BotsOverview } from "@skep/protocol";
import { measured, sampleMs } from "./history.ts";
import { Latency } from "./latency.ts";
import { Ring } from "./ring.ts";

const rows = 90;
const samplesPerStep = 8;
export const botStepMs = samplesPerStep * sampleMs;

/** Memory and answer times of one bot over an hour: 3 KB. */
class BotSeries {
  readonly ring = new Ring(rows, 3);
  readonly answers = new Latency();
  memoryMb = Number.NaN;
  /** Is it there still? */
  seen = true;

  row(): number[] {
    return [this.memoryMb, this.answers.quantile(0.5), this.answers.quantile(0.95)];
  }
}

/** The same for all bots. Those that were removed are forgotten with the next sample. */
export class BotHistory {
  readonly #bots = new Map<string, BotSeries>();
  #samples = 0;
  #at = 0;

  answered(bot: string, ms: number): void {
    this.#of(bot).answers.record(ms);
  }

  #of(name: string): BotSeries {
    let series = this.#bots.get(name);
    if (!series) this.#bots.set(name, (series = new BotSeries()));
    return series;
  }

  /** To be called every `sampleMs`. @param memoryMb null where it is not known */
  sample(at: number, bots: readonly { name: string; memoryMb: number | null }[]): void {
    for (const series of this.#bots.values()) series.seen = false;
    for (const { name, memoryMb } of bots) {
      const series = this.#of(name);
      series.seen = true;
      if (memoryMb !== null) series.memoryMb = Number.isNaN(series.memoryMb) ? memoryMb : Math.max(series.memoryMb, memoryMb);
    }
    for (const [name, { seen }] of this.#bots) if (!seen) this.#bots.delete(name);
    this.#at = at;
    if (++this.#samples < samplesPerStep) return;
    this.#samples = 0;
    for (const series of this.#bots.values()) {
      series.ring.push(at, series.row());
      series.answers.clear();
      series.memoryMb = Number.NaN;
    }
  }

  /** @param only this bot; undefined: all */
  read(now: number, only?: string): BotsOverview {
    const bots: BotsOverview["bots"] = [];
    for (const [name, series] of this.#bots) {
      if (only !== undefined && name !== only) continue;
      const found: { at: number; values: ArrayLike<number> }[] = series.ring.after(now - rows * botStepMs);
      if (this.#samples > 0 && this.#at > (found.at(-1)?.at ?? 0)) found.push({ at: this.#at, values: series.row() });
      const column = (place: number): (number | null)[] => found.map(({ values }) => measured(values[place] as number));
      bots.push({ name, at: found.map(({ at }) => at), memoryMb: column(0), answerP50: column(1), answerP95: column(2) });
    }
    return { stepMs: botStepMs, bots: bots.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  }
}
