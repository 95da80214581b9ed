import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { alone, type Column, highest, newest, roundTop, withHoles } from "./figures.ts";

export interface Line {
  label: string;
  values: Column;
}

interface Props {
  title: string;
  /** What it means, in a few words. */
  about: string;
  /** Milliseconds; the end of each step. */
  at: readonly number[];
  lines: readonly Line[];
  stepMs: number;
  /** What is shown: up to this moment, from that one. */
  until: number;
  from: number;
  write: (value: number | null | undefined) => string;
  /** The plot is at least so high, in its own unit. */
  least: number;
}

const height = 128;
const dashes = [[], [6, 3], [2, 3]];
const dashArrays = ["none", "6 3", "2 3"];
export const lineColors = ["var(--color-plot-1)", "var(--color-plot-2)", "var(--color-plot-3)"];

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });

/** Plots that show the same moment. */
const group = "overview";

/** @param seconds since the Unix epoch; null: the newest */
function chooseInAll(seconds: number | null): void {
  for (const one of UPlot.sync(group).plots) {
    one.setCursor(seconds === null ? { left: -10, top: -10 } : { left: one.valToPos(seconds, "x"), top: 0 });
  }
}

/** A colour of the theme as it is now; a canvas does not know variables. */
function colorOf(element: Element, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = name;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Calls when the theme has changed, by the system or by hand. */
function onTheme(changed: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  system.addEventListener("change", changed);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", changed);
    observer.disconnect();
  };
}

/**
 * Some lines over time. The pointer, or the arrow keys, choose a moment, in all plots at once; what was then stands above the lines. The same
 * as a table for those who do not see it.
 */
export function Plot({ title, about, at, lines, stepMs, until, from, write, least }: Props): ReactNode {
  const id = useId();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const data = useMemo(
    () =>
      withHoles(
        at,
        lines.map(({ values }) => values),
        stepMs,
      ),
    [at, lines, stepMs],
  );
  const shown = useRef({ until, from, least, write });
  shown.current = { until, from, least, write };
  const labels = lines.map(({ label }) => label).join("\n");

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const names = labels.split("\n");
    const color = (name: string) => (): string => colorOf(element, name);
    const grid = { stroke: color("var(--color-line)"), width: 1 };
    const made = new UPlot(
      {
        width: Math.max(element.clientWidth, 100),
        height,
        padding: [6, 24, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: group }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
        scales: {
          x: { range: () => [shown.current.from / 1000, shown.current.until / 1000] },
          y: { range: (_, __, most) => [0, roundTop(most ?? 0, shown.current.least)] },
        },
        axes: [
          {
            stroke: color("var(--color-soft)"),
            font: "11px system-ui",
            size: 24,
            gap: 4,
            space: 64,
            ticks: { show: false },
            grid: { show: false },
            values: (_, moments) => moments.map((moment) => clock.format(moment * 1000)),
          },
          {
            stroke: color("var(--color-soft)"),
            font: "11px system-ui",
            size: 58,
            gap: 6,
            space: 30,
            ticks: { show: false },
            grid,
            values: (_, values) => values.map((value) => shown.current.write(value)),
          },
        ],
        series: [
          {},
          ...names.map((label, i) => ({
            label,
            stroke: color(lineColors[i] ?? "currentColor"),
            width: 1.5,
            dash: dashes[i] ?? [],
            points: { show: () => false, size: 4, filter: (self: UPlot, place: number) => alone(self.data[place] ?? []) },
          })),
        ],
        hooks: { setCursor: [(self) => setChosen(self.cursor.idx ?? null)] },
      },
      [[], ...names.map(() => [])],
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(element.clientWidth, 100), height }));
    observer.observe(element);
    const endTheme = onTheme(() => made.redraw(false, true));
    return () => {
      observer.disconnect();
      endTheme();
      made.destroy();
      plot.current = null;
    };
  }, [labels]);

  useEffect(() => {
    plot.current?.setData([data.at.map((moment) => moment / 1000), ...data.columns]);
  }, [data, until, from, labels]);

  const moment = chosen === null ? undefined : data.at[chosen];
  const value = (i: number): string => write(moment === undefined ? newest(lines[i]?.values ?? []) : data.columns[i]?.[chosen ?? 0]);
  const last = data.at.length - 1;

  const move = (event: KeyboardEvent): void => {
    if (last < 0) return;
    const from = chosen ?? last;
    const steps: Record<string, number> = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last };
    if (event.key === "Escape" && chosen !== null) chooseInAll(null);
    else {
      const next = steps[event.key];
      if (next === undefined) return;
      const to = Math.max(0, Math.min(last, next));
      chooseInAll((data.at[to] ?? 0) / 1000);
    }
    event.preventDefault();
  };

  const spoken = lines.map(({ label }, i) => `${label} ${value(i)}`).join(", ");
  return (
    <figure className="plot min-w-0 rounded-2xl border border-line bg-raised p-4" aria-labelledby={id}>
      <figcaption>
        <h3 id={id} className="font-medium">
          {title}
        </h3>
        <p className="text-xs text-soft">{about}</p>
      </figcaption>
      <div className="mt-2 flex min-h-5 flex-wrap items-center gap-x-4 gap-y-0.5 text-xs tabular-nums">
        {lines.map(({ label }, i) => (
          <span key={label} className="flex items-center gap-1.5">
            <svg width="18" height="6" aria-hidden="true">
              <line x1="0" x2="18" y1="3" y2="3" stroke={lineColors[i]} strokeWidth="2" strokeDasharray={dashArrays[i]} />
            </svg>
            <span className="text-soft">{label}</span>
            <span className="min-w-12">{value(i)}</span>
          </span>
        ))}
        <span className="ms-auto text-soft">{moment === undefined ? "" : exact.format(moment)}</span>
      </div>
      <div
        ref={place}
        role="slider"
        tabIndex={0}
        aria-label={`${title}: a moment`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={chosen ?? Math.max(0, last)}
        aria-valuetext={`${moment === undefined ? "The newest" : exact.format(moment)}: ${spoken}`}
        onKeyDown={move}
        onBlur={() => chooseInAll(null)}
        className="mt-1 rounded-lg"
        style={{ minHeight: height }}
      />
      <PlotTable title={title} at={at} lines={lines} write={write} />
    </figure>
  );
}

function PlotTable({ title, at, lines, write }: Pick<Props, "title" | "at" | "lines" | "write">): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details className="mt-1 text-xs" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit rounded text-soft hover:text-ink">
        As a table<span className="sr-only">: {title}</span>
      </summary>
      {open ? (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a long table is scrolled by keyboard
        <div className="relative mt-1 max-h-60 overflow-auto" role="region" aria-label={`${title}, as a table`} tabIndex={0}>
          <table className="w-full tabular-nums [&_td]:py-0.5 [&_td]:pe-3 [&_th]:pe-3 [&_th]:text-start [&_th]:font-normal">
            <thead className="sticky top-0 bg-raised text-soft">
              <tr>
                <th scope="col">Time</th>
                {lines.map(({ label, values }) => (
                  <th key={label} scope="col">
                    {label} <span className="sr-only">(highest {write(highest(values))})</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {at
                .map((moment, i) => (
                  <tr key={moment} className="border-t border-line">
                    <th scope="row">{exact.format(moment)}</th>
                    {lines.map(({ label, values }) => (
                      <td key={label}>{write(values[i])}</td>
                    ))}
                  </tr>
                ))
                .toReversed()}
            </tbody>
          </table>
        </div>
      ) : null}
    </details>
  );
}
