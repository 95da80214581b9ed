import { ArrowDown } from "lucide-react";
import type { Message, MessageFile } from "@skep/protocol";
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useSyncExternalStore } from "react";
import { useBranch, useForks } from "../state/branches.ts";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import { sentenceOf } from "../state/queries.ts";
import { go } from "../state/route.ts";
import { useConnection } from "../state/skep.ts";
import { Late } from "../ui/late.tsx";
import { showNotice } from "../ui/notices.tsx";
import { isSameDay } from "../ui/time.tsx";
import { AnswerRow } from "./answer-row.tsx";
import { Announcer } from "./announcer.tsx";
import { DayMark, PersonRow } from "./message-row.tsx";
import { PendingRow } from "./pending-row.tsx";
import { useRowWindow } from "./use-row-window.ts";

interface Props {
  feed: ConversationFeed;
  bot: string;
  /** The message to begin at; 0 for the newest. */
  seq: number;
  /** Puts a text back to where it was written. */
  putBack: (text: string, files?: readonly MessageFile[]) => void;
  /** The message that is being said in another way; null for none. */
  editing?: number | null;
  /** Without it nothing is branched from here. */
  edit?: (seq: number | null) => void;
  /** Tells several lists on one page apart. */
  name?: string;
}

/** One conversation of any length: messages, then answers being written, then what is on its way. */
export function MessageList({ feed, bot, seq, putBack, editing = null, edit, name = "" }: Props): ReactNode {
  const view = useSyncExternalStore(feed.subscribe, () => feed.view);
  const { head, tail, phase, retries } = view;
  const online = useConnection().name === "open";
  const keyOf = useCallback(
    (row: number) => (row < feed.view.head ? feed.keyOf(row + 1) : (feed.view.tail[row - feed.view.head]?.key ?? "")),
    [feed],
  );
  const forks = useForks(edit ? feed.id : "");
  const { mutate: branch } = useBranch(feed.id);
  const askAgain = useCallback(
    (answer: Message) => {
      const question = feed.questionOf(answer);
      if (!question) return;
      branch(question, {
        onSuccess: (id) => go({ page: "conversation", id, seq: 0 }),
        onError: (error) => showNotice(`It was not asked again: ${sentenceOf(error)}`, { bad: true }),
      });
    },
    [feed, branch],
  );
  const window = useRowWindow(head + tail.length, keyOf, head);
  const { scroller, list, first, end, above, below, atBottom, toBottom, toRow } = window;

  // Also after every change of the feed: what did not come is asked for again.
  useEffect(() => feed.need(first + 1, end), [feed, first, end, view]);
  useEffect(() => {
    if (phase !== "ready") return;
    if (seq > 0) toRow(Math.min(seq, feed.view.head) - 1);
    else toBottom();
  }, [feed, seq, phase, toRow, toBottom]);
  useEffect(() => {
    if (editing !== null && !list.current?.querySelector(`[data-row="${editing - 1}"]`)) toRow(editing - 1);
  }, [editing, list, toRow]);
  // The browser would get there by many small steps, and stop where rows of other heights come in.
  const pressed = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || (event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    if (event.key === "Home") toRow(0);
    else toBottom();
  };

  const rows: ReactNode[] = [];
  for (let row = first; row < end; row++) {
    const key = keyOf(row);
    const tailRow = tail[row - head];
    rows.push(
      <li key={key} data-key={key} data-row={row} aria-setsize={head + tail.length} aria-posinset={row + 1}>
        {row < head ? (
          message(row + 1)
        ) : tailRow?.kind === "turn" ? (
          <Marked mark={null}>
            <AnswerRow feed={feed} bot={bot} online={online} message={null} row={tailRow} mayRetry={false} looked={false} askAgain={null} />
          </Marked>
        ) : tailRow ? (
          <PendingRow feed={feed} send={tailRow.send} online={online} edit={putBack} />
        ) : null}
      </li>,
    );
  }

  function message(number: number): ReactNode {
    const one = feed.message(number);
    if (!one) return <div className="my-3 h-16 animate-pulse rounded-xl bg-sunken" aria-hidden="true" />;
    const before = number > 1 ? feed.message(number - 1) : undefined;
    const mark = number === 1 || (before && !isSameDay(before.createdAt, one.createdAt));
    const mayRetry =
      one.turn !== undefined && retries.get(one.turn) === number && !tail.some((row) => row.kind === "turn" && row.turn === one.turn);
    const looked = number === seq;
    return (
      <Marked mark={mark ? one.createdAt : null}>
        {one.role === "person" ? (
          <PersonRow
            id={feed.id}
            message={one}
            looked={looked}
            fork={edit ? forks.get(number) : undefined}
            editing={number === editing}
            edit={edit ?? null}
          />
        ) : (
          <AnswerRow
            feed={feed}
            bot={bot}
            online={online}
            message={one}
            row={null}
            mayRetry={mayRetry}
            looked={looked}
            askAgain={edit && !mayRetry && feed.questionOf(one) ? askAgain : null}
          />
        )}
      </Marked>
    );
  }

  const nothing = phase === "ready" && head + tail.length === 0;
  return (
    <div className="relative min-h-0 flex-1">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it is scrolled by keyboard */}
      <div
        id={`scroll${name}`}
        onKeyDown={pressed}
        ref={scroller}
        tabIndex={0}
        role="region"
        aria-label={`Messages${name === "" ? "" : ` of ${bot}`}`}
        className="h-full overflow-y-auto overscroll-contain [overflow-anchor:none]"
      >
        <div className={`mx-auto max-w-3xl px-4 pt-4 pb-6 ${name === "" ? "side:px-8" : ""}`}>
          <div style={{ height: above }} />
          <ol id={`log${name}`} ref={list} aria-label={`Conversation${name === "" ? "" : ` with ${bot}`}`} aria-busy={phase === "loading"}>
            {rows}
          </ol>
          <div style={{ height: below }} />
          {phase === "loading" ? (
            <Late>
              <p role="status" className="pt-6 text-center text-sm text-soft">
                {online ? "Loading the conversation…" : "What was said before is shown when Skep answers again."}
              </p>
            </Late>
          ) : null}
          {nothing ? <p className="pt-[20dvh] text-center text-soft">Say something to {bot}.</p> : null}
        </div>
      </div>
      {atBottom ? null : (
        <button
          id={`newest${name}`}
          type="button"
          onClick={toBottom}
          className="absolute inset-x-0 bottom-3 mx-auto flex w-fit items-center gap-1.5 rounded-full border border-line bg-raised px-3.5 py-1.5 text-sm shadow-md hover:border-honey"
        >
          <ArrowDown size={15} /> Newest
        </button>
      )}
      <Announcer feed={feed} head={head} />
    </div>
  );
}

/** A row, and above it the day if another one begins there. */
const Marked = ({ mark, children }: { mark: string | null; children: ReactNode }): ReactNode => (
  <>
    {mark === null ? null : <DayMark at={mark} />}
    {children}
  </>
);
