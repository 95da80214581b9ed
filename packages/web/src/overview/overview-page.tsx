import type { Overview, OverviewRange, OverviewSeries } from "@skep/protocol";
import { type ReactNode, useMemo } from "react";
import { sentenceOf, useOverview } from "../state/queries.ts";
import { useStored, writeStored } from "../state/stored.ts";
import { Loading } from "../ui/loading.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { since } from "../ui/time.tsx";
import { AlertList } from "./alert-list.tsx";
import { CapacityList } from "./capacity-list.tsx";
import { beginOf, count, duration, megabytes, nothing, percent, perSecond, ranges } from "./figures.ts";
import { type Line, Plot } from "./plot.tsx";

const rangeName = "skep.overview-range";

/** What the program does, at a glance: what needs somebody, the present figures, how they came to be, what is left. */
export default function OverviewPage(): ReactNode {
  const stored = useStored(rangeName);
  const chosen = ranges.find(({ range }) => range === stored) ?? ranges[0];
  const { data, error, isPlaceholderData } = useOverview(chosen?.range ?? "15m");
  if (!data) {
    if (!error) return <Loading title="Overview" />;
    return (
      <>
        <PageHeader title="Overview" subtitle="" />
        <p role="alert" className="p-8 text-center text-bad">
          The figures could not be read: {sentenceOf(error)} Open this page again in a moment.
        </p>
      </>
    );
  }
  return (
    <>
      <PageHeader title="Overview" subtitle={`Skep runs for ${since(Date.parse(data.startedAt))}; figures begin with its start`}>
        <RangeSwitch range={chosen?.range ?? "15m"} />
      </PageHeader>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div id="figures" data-range={data.range} aria-busy={isPlaceholderData} className="mx-auto max-w-6xl space-y-5 p-4 side:p-8">
          {error ? (
            <p role="alert" className="text-sm text-bad">
              These figures are not the newest: {sentenceOf(error)} They come again by themselves.
            </p>
          ) : null}
          <AlertList alerts={data.alerts} />
          <Tiles now={data.now} />
          <Plots overview={data} />
          <CapacityList capacity={data.capacity} />
        </div>
      </div>
    </>
  );
}

function RangeSwitch({ range: current }: { range: OverviewRange }): ReactNode {
  return (
    <div role="group" aria-label="Range" className="flex rounded-lg border border-line p-0.5">
      {ranges.map(({ range, label }) => (
        <button
          key={range}
          type="button"
          aria-pressed={range === current}
          onClick={() => writeStored(rangeName, range)}
          className="h-7 rounded-md px-2.5 text-sm text-soft hover:text-ink aria-pressed:bg-raised aria-pressed:text-ink aria-pressed:shadow-sm pointer-coarse:h-9"
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function Tiles({ now }: { now: Overview["now"] }): ReactNode {
  const { answerMs, storedMs, turns, memoryMb } = now;
  const failed = turns.ended === 0 ? null : turns.failed / turns.ended;
  const tiles: { name: string; figure: string; more: string }[] = [
    { name: "Messages", figure: perSecond(now.messagesPerSecond), more: "in the last minute" },
    { name: "Answer time", figure: duration(answerMs.p50), more: `p95 ${duration(answerMs.p95)} · p99 ${duration(answerMs.p99)}` },
    { name: "Storing", figure: duration(storedMs.p50), more: `p95 ${duration(storedMs.p95)} · p99 ${duration(storedMs.p99)}` },
    {
      name: "Failed answers",
      figure: percent(failed),
      more: turns.ended === 0 ? "none ended in 5 min" : `${turns.failed} of ${count(turns.ended)} in 5 min`,
    },
    { name: "Waiting", figure: count(now.queued), more: `${count(now.running)} being answered` },
    {
      name: "Memory",
      figure: megabytes(memoryMb.controller + memoryMb.bots),
      more: `Skep ${megabytes(memoryMb.controller)} · bots ${megabytes(memoryMb.bots)}`,
    },
    { name: "Event-loop delay", figure: duration(now.loopDelayMs), more: "p99 of 5 s" },
    { name: "Connections", figure: count(now.connections), more: "open WebSockets" },
  ];
  return (
    <dl id="tiles" aria-label="Now" className="grid grid-cols-2 gap-3 side:grid-cols-4">
      {tiles.map(({ name, figure, more }) => (
        <div key={name} className="min-w-0 rounded-2xl border border-line bg-raised px-4 py-3">
          <dt className="text-xs text-soft">{name}</dt>
          <dd className={`text-2xl font-semibold tracking-tight tabular-nums ${figure === nothing ? "text-soft" : ""}`}>{figure}</dd>
          <dd className="text-xs text-soft tabular-nums">{more}</dd>
        </div>
      ))}
    </dl>
  );
}

type Name = Exclude<keyof OverviewSeries, "at">;
interface Drawn {
  title: string;
  about: string;
  lines: readonly [Name, string][];
  write: (value: number | null | undefined) => string;
  least: number;
}

const drawn: readonly Drawn[] = [
  { title: "Messages", about: "accepted, a second", lines: [["messagesPerSecond", "messages"]], write: perSecond, least: 1 },
  {
    title: "Answer time",
    about: "from message to answer, the model's own time in it",
    lines: [
      ["answerP50", "p50"],
      ["answerP95", "p95"],
      ["answerP99", "p99"],
    ],
    write: duration,
    least: 10,
  },
  {
    title: "Storing",
    about: "until a message or an answer is on the disk: what Skep adds",
    lines: [
      ["storedP50", "p50"],
      ["storedP95", "p95"],
      ["storedP99", "p99"],
    ],
    write: duration,
    least: 5,
  },
  {
    title: "Waiting and answering",
    about: "messages that wait, conversations that bots work on",
    lines: [
      ["queued", "waiting"],
      ["running", "answering"],
    ],
    write: count,
    least: 5,
  },
  { title: "Failed answers", about: "after all attempts, in each step", lines: [["failed", "failed"]], write: count, least: 5 },
  {
    title: "Memory",
    about: "Skep itself, and all its bots",
    lines: [
      ["controllerMb", "Skep"],
      ["botsMb", "bots"],
    ],
    write: megabytes,
    least: 50,
  },
  { title: "Event-loop delay", about: "how late Skep itself is, p99", lines: [["loopDelayMs", "delay"]], write: duration, least: 20 },
  { title: "Connections", about: "open WebSockets", lines: [["connections", "connections"]], write: count, least: 5 },
];

function Plots({ overview: { at, range, startedAt, stepMs, series } }: { overview: Overview }): ReactNode {
  const rangeMs = ranges.find((one) => one.range === range)?.ms ?? 0;
  const until = Date.parse(at);
  const from = beginOf(until, rangeMs, Date.parse(startedAt));
  const columns = useMemo(
    () => drawn.map(({ lines }): Line[] => lines.map(([name, label]) => ({ label, values: series[name] }))),
    [series],
  );
  return (
    <div id="plots" className="grid gap-4 lg:grid-cols-2">
      {drawn.map(({ title, about, write, least }, i) => (
        <Plot
          key={title}
          title={title}
          about={about}
          at={series.at}
          lines={columns[i] ?? []}
          stepMs={stepMs}
          until={until}
          from={from}
          write={write}
          least={least}
        />
      ))}
    </div>
  );
}
