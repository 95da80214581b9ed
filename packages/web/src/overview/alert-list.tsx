import type { Alert } from "@skep/protocol";
import { CircleCheck, OctagonAlert, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { addressOf } from "../state/route.ts";
import { visible } from "../text/visible.tsx";
import { since } from "../ui/time.tsx";

/** What needs somebody, the worst first, each with what to do. */
export function AlertList({ alerts }: { alerts: readonly Alert[] }): ReactNode {
  return (
    <section id="alerts" aria-label="Alerts" role="status">
      {alerts.length === 0 ? (
        <p className="flex items-center gap-2 text-sm text-soft">
          <CircleCheck size={17} className="text-good" /> Nothing needs you.
        </p>
      ) : (
        <ul className="space-y-2">
          {alerts.map((alert) => (
            <AlertRow key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** Commands stand in backticks. */
const withCode = (text: string): ReactNode =>
  text.split("`").map((piece, i) =>
    i % 2 === 1 ? (
      // oxlint-disable-next-line react/no-array-index-key -- pieces of one sentence have nothing else
      <code key={i} className="rounded bg-paper px-1 font-mono text-[0.92em]">
        {visible(piece)}
      </code>
    ) : (
      visible(piece)
    ),
  );

function AlertRow({ alert: { severity, title, advice, bot, since: from } }: { alert: Alert }): ReactNode {
  const critical = severity === "critical";
  const Icon = critical ? OctagonAlert : TriangleAlert;
  return (
    <li
      data-severity={severity}
      className={`flex gap-3 rounded-2xl border px-4 py-3 ${critical ? "border-bad/40 bg-bad-back" : "border-wait/40 bg-wait-back"}`}
    >
      <Icon size={19} className={`mt-0.5 shrink-0 ${critical ? "text-bad" : "text-wait"}`} aria-label={critical ? "Critical" : "Warning"} />
      <div className="min-w-0 flex-1 text-sm">
        <p className="font-medium wrap-anywhere">{visible(title)}</p>
        <p className="mt-0.5 wrap-anywhere">{withCode(advice)}</p>
        <p className="mt-1 flex gap-3 text-xs">
          <time dateTime={from} title={new Date(from).toLocaleString()}>
            for {since(Date.parse(from))}
          </time>
          {bot === undefined ? null : (
            <a className="font-medium text-honey underline" href={addressOf({ page: "bot", name: bot })}>
              Open {bot}
            </a>
          )}
        </p>
      </div>
    </li>
  );
}
