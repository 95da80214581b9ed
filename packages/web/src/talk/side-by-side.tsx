import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useConversation } from "../state/queries.ts";
import { useSkep } from "../state/skep.ts";
import { PageHeader } from "../ui/page-header.tsx";
import { listed } from "./choose-bots.tsx";
import { CompareColumn, Took } from "./compare-column.tsx";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { stopTurn } from "./turn-row.tsx";

const wide = matchMedia("(min-width: 52rem)");

/** Is there room for several columns? */
const useWide = (): boolean =>
  useSyncExternalStore(
    (changed) => {
      wide.addEventListener("change", changed);
      return () => wide.removeEventListener("change", changed);
    },
    () => wide.matches,
  );

/** Conversations side by side; where there is no room, one at a time. What is written goes to all that are ticked. */
export function SideBySide({ ids }: { ids: readonly string[] }): ReactNode {
  const { feeds: pool } = useSkep();
  const feeds = useMemo(() => ids.map((id) => pool.get(id)), [ids, pool]);
  const room = useWide();
  const [names, setNames] = useState<Readonly<Record<string, string>>>({});
  const [left, setLeft] = useState<readonly string[]>([]);
  const [shown, setShown] = useState(0);
  const composer = useRef<ComposerHandle>(null);
  const named = useCallback((id: string, name: string) => setNames((all) => (all[id] === name ? all : { ...all, [id]: name })), []);
  const subscribe = useCallback(
    (changed: () => void) => {
      const leave = feeds.map((feed) => feed.subscribe(changed));
      return () => leave.forEach((stop) => stop());
    },
    [feeds],
  );
  /** The turn that each works on, "" for none. As a text, so that it is the same while nothing changes. */
  const turns = useSyncExternalStore(subscribe, () =>
    feeds.map(({ view }) => view.tail.findLast((row) => row.kind === "turn")?.turn ?? "").join(" "),
  );
  const gone = useSyncExternalStore(subscribe, () => feeds.map(({ view }) => (view.phase === "gone" ? "x" : "")).join(" ")).split(" ");
  const asked = feeds.filter(({ id }, i) => !left.includes(id) && gone[i] === "");
  const all = listed(ids.map((id) => names[id] ?? "…"));
  const stop = useMemo(() => {
    const running = turns.split(" ");
    if (running.every((turn) => turn === "")) return null;
    return () => {
      for (const [i, feed] of feeds.entries()) if (running[i]) void stopTurn(feed, running[i]);
    };
  }, [feeds, turns]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !stop) return;
      if (!document.querySelector("dialog[open], [popover]:popover-open")) stop();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [stop]);

  const column = (i: number): ReactNode => {
    const feed = feeds[i];
    if (!feed) return null;
    return (
      <CompareColumn
        key={feed.id}
        feed={feed}
        ticked={!left.includes(feed.id)}
        tick={(ticked) => setLeft((those) => (ticked ? those.filter((id) => id !== feed.id) : [...those, feed.id]))}
        putBack={(text) => composer.current?.putBack(text)}
      />
    );
  };
  return (
    <>
      <PageHeader title={`Compare ${all}`} subtitle="One question, each in its own conversation" />
      {ids.map((id) => (
        <Name key={id} id={id} named={named} />
      ))}
      {room ? (
        <div id="columns" className="flex min-h-0 flex-1 divide-x divide-line">
          {feeds.map((_, i) => column(i))}
        </div>
      ) : (
        <>
          <div role="tablist" aria-label="Bots" className="flex border-b border-line">
            {feeds.map((feed, i) => (
              <button
                key={feed.id}
                id={`tab-${feed.id}`}
                type="button"
                role="tab"
                aria-selected={i === shown}
                aria-controls="columns"
                tabIndex={i === shown ? 0 : -1}
                onClick={() => setShown(i)}
                onKeyDown={(event) => {
                  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
                  if (step === 0) return;
                  const next = (i + step + feeds.length) % feeds.length;
                  setShown(next);
                  document.getElementById(`tab-${feeds[next]?.id}`)?.focus();
                }}
                className="min-w-0 flex-1 border-b-2 border-transparent px-2 py-2 text-sm text-soft aria-selected:border-honey aria-selected:text-ink"
              >
                <span className="block truncate font-medium">{names[feed.id] ?? "…"}</span>
                <span className="block text-xs tabular-nums">
                  <Took feed={feed} />
                </span>
              </button>
            ))}
          </div>
          <div id="columns" role="tabpanel" aria-labelledby={`tab-${feeds[shown]?.id}`} className="flex min-h-0 flex-1">
            {column(shown)}
          </div>
        </>
      )}
      <Composer
        ref={composer}
        place={`compare.${ids.join(".")}`}
        bot={listed(asked.map(({ id }) => names[id] ?? "…")) || "nobody: tick who is to be asked"}
        disabled={asked.length === 0}
        takesFiles={false}
        send={(text) => {
          // What becomes of it shows in the columns.
          for (const { conversation } of asked) conversation.send(text).catch(() => {});
          return true;
        }}
        stop={stop}
      />
    </>
  );
}

/** Tells the page what its conversation's bot is called. */
function Name({ id, named }: { id: string; named: (id: string, name: string) => void }): null {
  const { data } = useConversation(id);
  const name = data?.bot;
  useEffect(() => {
    if (name !== undefined) named(id, name);
  }, [id, name, named]);
  return null;
}
