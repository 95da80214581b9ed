import type { ReactNode } from "react";
import { type Column, highest, newest } from "../overview/figures.ts";

const [width, height] = [100, 24];
/** The highest value stands a little below the top. */
const fill = 0.8;

/** A small line over an hour, with its newest figure beside it. Said in words for those who do not see it. */
export function Sparkline({ name, values, write }: { name: string; values: Column; write: (value: number | null) => string }): ReactNode {
  const most = highest(values);
  const now = newest(values);
  const words =
    now === null ? `${name}: nothing was measured in the last hour` : `${name}: ${write(now)}, at most ${write(most)} in the last hour`;
  return (
    <div className="min-w-0">
      <div className="flex items-baseline justify-between gap-2 text-xs">
        <span className="truncate text-soft">{name}</span>
        <span className="whitespace-nowrap tabular-nums">{write(now)}</span>
      </div>
      <svg
        role="img"
        aria-label={words}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className="mt-0.5 block h-6 w-full overflow-visible"
      >
        <line x1="0" x2={width} y1={height} y2={height} stroke="var(--color-line)" vectorEffect="non-scaling-stroke" />
        <path d={pathOf(values, most ?? 0)} fill="none" stroke="var(--color-plot-1)" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
      </svg>
    </div>
  );
}

/** The steps of an hour; those before the first one are empty. */
const steps = 90;

/** A line from zero up, with a hole where nothing was measured. A value that stands alone is a short dash. */
export function pathOf(values: Column, most: number): string {
  const shown = values.slice(-steps);
  const x = (i: number): number => ((steps - shown.length + i + 1) / steps) * width;
  const y = (value: number): number => (most === 0 ? height : height - (value / most) * height * fill);
  let path = "";
  for (const [i, value] of shown.entries()) {
    if (value === null) continue;
    const alone = (shown[i - 1] ?? null) === null;
    path += alone ? `M${round(x(i) - width / steps)} ${round(y(value))}H${round(x(i))}` : `L${round(x(i))} ${round(y(value))}`;
  }
  return path;
}

const round = (value: number): number => Math.round(value * 10) / 10;
