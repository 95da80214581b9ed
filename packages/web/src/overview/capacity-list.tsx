import type { CapacityUse } from "@skep/protocol";
import type { ReactNode } from "react";
import { addressOf } from "../state/route.ts";
import { bytes, count, megabytes, percent } from "./figures.ts";

const most = 8;
const share = ({ used, limit }: CapacityUse): number => (limit > 0 ? used / limit : 0);

/** How much of which limit is in use, the fullest bots first. */
export function CapacityList({ capacity }: { capacity: readonly CapacityUse[] }): ReactNode {
  const whole = capacity.filter(({ bot }) => bot === undefined);
  const bots = Map.groupBy(
    capacity.filter(({ bot }) => bot !== undefined),
    ({ bot = "" }) => bot,
  );
  const fullest = [...bots].toSorted(([, one], [, other]) => Math.max(...other.map(share)) - Math.max(...one.map(share)));
  return (
    <section aria-labelledby="capacity-title" id="capacity" className="rounded-2xl border border-line bg-raised p-4">
      <h2 id="capacity-title" className="font-semibold">
        Capacity
      </h2>
      <div className="mt-3 grid gap-x-8 gap-y-3 side:grid-cols-3">
        {whole.map((use) => (
          <Use key={use.what} use={use} />
        ))}
      </div>
      <ul className="mt-4 divide-y divide-line border-t border-line">
        {fullest.slice(0, most).map(([bot, uses]) => (
          <li key={bot} className="grid gap-x-8 gap-y-2 py-3 side:grid-cols-[10rem_1fr_1fr]">
            <a className="truncate text-sm font-medium hover:underline" href={addressOf({ page: "bot", name: bot })}>
              {bot}
            </a>
            {uses.map((use) => (
              <Use key={use.what} use={use} />
            ))}
          </li>
        ))}
      </ul>
      {fullest.length > most ? (
        <p className="mt-2 text-xs text-soft">
          {fullest.length - most} more {fullest.length === most + 1 ? "bot has" : "bots have"} more room than these.
        </p>
      ) : null}
    </section>
  );
}

const words: Record<CapacityUse["what"], { name: string; write: (value: number) => string; left: boolean }> = {
  memory: { name: "Memory of Skep and its bots", write: megabytes, left: false },
  disk: { name: "Disk of the data folder", write: bytes, left: true },
  "store-queue": { name: "Waiting for the disk", write: count, left: false },
  places: { name: "Conversations it works on", write: count, left: false },
  queue: { name: "Messages that wait for it", write: count, left: false },
};

/** As the alerts see it: disk by what is left, all else by its share. */
function colorOf(use: CapacityUse): string {
  const part = use.what === "disk" ? Math.min(1, 1.4e9 / Math.max(1, use.limit - use.used)) : share(use);
  return part > 0.9 ? "bg-bad" : part > (use.what === "memory" ? 0.8 : 0.7) ? "bg-wait" : "bg-good";
}

function Use({ use }: { use: CapacityUse }): ReactNode {
  const { name, write, left } = words[use.what];
  const part = share(use);
  const label = use.bot === undefined ? name : `${name}, ${use.bot}`;
  const said =
    use.what === "places" && use.limit === 0
      ? "no worker runs"
      : left
        ? `${write(use.limit - use.used)} of ${write(use.limit)} left`
        : `${write(use.used)} of ${write(use.limit)}`;
  const color = colorOf(use);
  return (
    <div className="min-w-0 text-sm">
      <div className="flex flex-wrap justify-between gap-x-3">
        <span className="text-soft">{name}</span>
        <span className="tabular-nums">
          {said} {use.limit > 0 ? <span className="text-soft">({percent(part)})</span> : null}
        </span>
      </div>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={use.limit}
        aria-valuenow={use.used}
        aria-valuetext={said}
        className="mt-1 h-1.5 overflow-hidden rounded-full bg-line"
      >
        <div className={`h-full rounded-full ${color}`} style={{ width: `${Math.min(100, part * 100)}%` }} />
      </div>
    </div>
  );
}
