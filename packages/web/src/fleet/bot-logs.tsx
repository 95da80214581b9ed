import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { sentenceOf, useLogs } from "../state/queries.ts";
import { visible } from "../text/visible.tsx";

const levels = { debug: "text-soft", info: "", warn: "text-wait", error: "text-bad" } as const;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const nearBottom = 40;

/** The newest lines, following while one looks at the end. */
export function BotLogs({ bot }: { bot: string }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const { data, error } = useLogs(bot, following);
  const lines = data?.lines ?? [];
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [following, data]);
  useEffect(() => setFollowing(true), [bot]);
  return (
    <section aria-label="Log" className="flex min-h-64 flex-1 flex-col overflow-hidden rounded-2xl border border-line bg-sunken">
      <header className="flex items-center justify-between border-b border-line px-4 py-2 text-sm">
        <h3 className="font-semibold">Log</h3>
        <label className="flex items-center gap-2 text-soft">
          <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.target.checked)} /> Follow
        </label>
      </header>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it is scrolled by keyboard */}
      <div
        ref={box}
        id="bot-log"
        tabIndex={0}
        role="region"
        aria-label="Lines of the log"
        className="min-h-0 flex-1 overflow-auto px-4 py-2 font-mono text-xs leading-relaxed"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setFollowing(scrollHeight - scrollTop - clientHeight < nearBottom)
        }
      >
        {error ? <p className="text-bad">{sentenceOf(error)}</p> : null}
        {data && lines.length === 0 ? <p className="text-soft">Nothing was logged yet.</p> : null}
        {lines.map(({ at, level, source, text, pid }, place) => (
          <div key={`${at} ${place}`} className={`whitespace-pre-wrap wrap-anywhere ${levels[level]}`}>
            <time className="text-soft" dateTime={at} title={new Date(at).toLocaleString()}>
              {clock.format(new Date(at))}
            </time>{" "}
            <span className="text-soft">
              {source}
              {pid === null ? "" : ` ${pid}`}
            </span>{" "}
            {visible(text)}
          </div>
        ))}
      </div>
    </section>
  );
}
