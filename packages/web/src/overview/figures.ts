/** How figures are written, and how columns of them become what is drawn. Pure. */
import type { OverviewRange } from "@skep/protocol";

const threeDigits = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const oneDecimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

export const nothing = "–";

type Write = (value: number) => string;
const written =
  (write: Write) =>
  (value: number | null | undefined): string =>
    value === null || value === undefined ? nothing : write(value);

export const count = written((value) => (value < 100 ? threeDigits.format(value) : whole.format(value)));
export const perSecond = written((value) => `${count(value)}/s`);

/** Milliseconds, as a person says it. */
export const duration = written((ms) => {
  if (ms < 1000) return `${threeDigits.format(ms < 10 ? ms : Math.round(ms))} ms`;
  if (ms < 100_000) return `${threeDigits.format(ms / 1000)} s`;
  return `${threeDigits.format(ms / 60_000)} min`;
});

export const megabytes = written((mb) => (mb < 1000 ? `${whole.format(mb)} MB` : `${threeDigits.format(mb / 1000)} GB`));
export const bytes = written((value) => megabytes(value / 1e6));
export const percent = written((share) => `${share < 0.1 ? oneDecimal.format(share * 100) : whole.format(share * 100)} %`);

export const ranges: readonly { range: OverviewRange; label: string; long: string; ms: number }[] = [
  { range: "15m", label: "15 min", long: "the last 15 minutes", ms: 900_000 },
  { range: "1h", label: "1 h", long: "the last hour", ms: 3_600_000 },
  { range: "24h", label: "24 h", long: "the last 24 hours", ms: 86_400_000 },
];

export type Column = readonly (number | null)[];

/**
 * Columns with a hole wherever steps are missing (the machine slept), so that no line is drawn over what nobody knows.
 * @param at milliseconds, growing @param columns each as long as `at`
 */
export function withHoles(
  at: readonly number[],
  columns: readonly Column[],
  stepMs: number,
): { at: number[]; columns: (number | null)[][] } {
  const out = { at: [] as number[], columns: columns.map((): (number | null)[] => []) };
  for (const [i, moment] of at.entries()) {
    const before = at[i - 1];
    if (before !== undefined && moment - before > 2.5 * stepMs) {
      out.at.push(before + stepMs);
      for (const column of out.columns) column.push(null);
    }
    out.at.push(moment);
    for (const [place, column] of out.columns.entries()) column.push(columns[place]?.[i] ?? null);
  }
  return out;
}

export const newest = (column: Column): number | null => column.findLast((one) => one !== null) ?? null;

export const highest = (column: Column): number | null =>
  column.reduce<number | null>((most, one) => (one === null ? most : Math.max(most ?? one, one)), null);

/** Values with nothing on either side, by their places: a line through them would not be seen. */
export function alone(column: ArrayLike<number | null | undefined>): number[] {
  const there = (i: number): boolean => (column[i] ?? null) !== null;
  return Array.from({ length: column.length }, (_, i) => i).filter((i) => there(i) && !there(i - 1) && !there(i + 1));
}

/** Where a plot begins: a program that has run for a short while does not leave most of it empty. All in milliseconds. */
export const beginOf = (until: number, rangeMs: number, startedAt: number): number =>
  Math.max(until - rangeMs, Math.min(startedAt, until - rangeMs / 6));

/** The top of a plot: a round number not below the highest value, so that the scale stays while values move. @param least never lower than this */
export function roundTop(most: number, least: number): number {
  const wanted = Math.max(most * 1.05, least);
  const unit = 10 ** Math.floor(Math.log10(wanted));
  return unit * ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => unit * step >= wanted) ?? 10);
}
