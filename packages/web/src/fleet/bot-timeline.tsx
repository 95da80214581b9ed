import type { BotEvent, BotEventKind } from "@skep/protocol";
import type { ReactNode } from "react";
import { sentenceOf, useTimeline } from "../state/queries.ts";
import { addressOf } from "../state/route.ts";
import { visible } from "../text/visible.tsx";

const words: Record<BotEventKind, string> = {
  start: "Started by a person",
  stop: "Stopped by a person",
  restart: "Restarted by a person",
  "skep-started": "Skep started",
  launched: "Process started",
  ready: "Ready",
  "login-needed": "Sign-in needed",
  "signed-in": "Signed in",
  stuck: "Stuck",
  replaced: "Replaced",
  ended: "Ended",
};
const colors: Partial<Record<BotEventKind, string>> = {
  ready: "bg-good",
  "signed-in": "bg-good",
  "login-needed": "bg-wait",
  stuck: "bg-bad",
  replaced: "bg-wait",
  ended: "bg-bad",
};
const decisions: Record<BotEvent["decision"] & {}, string> = {
  restart: "it is started again",
  "stays-stopped": "it stays stopped",
  failed: "it is marked failed",
  stopped: "it was asked to stop",
};
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

/** What happened to a bot and what was decided, the newest first: the answer to "why did it stop". */
export function BotTimeline({ bot }: { bot: string }): ReactNode {
  const { data, error } = useTimeline(bot);
  const entries = (data?.entries ?? []).toReversed();
  return (
    <section aria-label="What happened">
      <h3 className="mb-2 text-sm font-semibold">What happened</h3>
      {error ? <p className="text-sm text-bad">{sentenceOf(error)}</p> : null}
      {data && entries.length === 0 ? <p className="text-sm text-soft">Nothing yet.</p> : null}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it is scrolled by keyboard */}
      <ol id="timeline" tabIndex={0} className="max-h-80 space-y-2 overflow-y-auto rounded-xl border border-line p-3 text-sm">
        {entries.map((entry) => (
          <li key={entry.number} className="flex gap-3">
            <span className={`mt-2 size-2 shrink-0 rounded-full ${colors[entry.what] ?? "bg-edge"}`} aria-hidden="true" />
            <Entry entry={entry} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Entry({ entry }: { entry: BotEvent }): ReactNode {
  const { what, reason, at, pid, decision, restartInMs, uptimeMs, memoryMb, attempts = [], output = [] } = entry;
  const details = [
    pid === null ? "" : `process ${pid}`,
    uptimeMs === undefined ? "" : `after ${seconds(uptimeMs)}`,
    memoryMb === undefined ? "" : `${Math.round(memoryMb)} MB`,
    decision === undefined ? "" : `${decisions[decision]}${restartInMs === undefined ? "" : ` in ${seconds(restartInMs)}`}`,
  ].filter((text) => text !== "");
  return (
    <div className="min-w-0 flex-1">
      <p className="wrap-anywhere">
        <span className="font-medium">{words[what]}</span>
        {reason === "" ? null : <span> · {visible(reason)}</span>}
      </p>
      <p className="text-xs text-soft">
        <time dateTime={at}>{time.format(new Date(at))}</time>
        {details.length > 0 ? ` · ${details.join(" · ")}` : ""}
        {attempts.map(({ conversation, attempt }) => (
          <a key={attempt} className="ms-2 text-honey underline" href={addressOf({ page: "conversation", id: conversation, seq: 0 })}>
            its conversation
          </a>
        ))}
      </p>
      {output.length > 0 ? (
        <details className="mt-1 text-xs">
          <summary className="w-fit text-soft hover:text-ink">Its last words</summary>
          <pre className="mt-1 rounded-lg bg-sunken p-2 font-mono whitespace-pre-wrap wrap-anywhere">{visible(output.join("\n"))}</pre>
        </details>
      ) : null}
    </div>
  );
}

const seconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);
