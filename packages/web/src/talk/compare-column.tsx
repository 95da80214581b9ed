import { ArrowUpRight } from "lucide-react";
import { type ReactNode, useEffect, useReducer, useSyncExternalStore } from "react";
import { BotDot } from "../fleet/bot-state.tsx";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import { useConversation } from "../state/queries.ts";
import { addressOf } from "../state/route.ts";
import { markSeen } from "../state/seen.ts";
import { useBots } from "../state/skep.ts";
import { BotTrouble } from "./bot-trouble.tsx";
import { MessageList } from "./message-list.tsx";

interface Props {
  feed: ConversationFeed;
  /** Does it get what is written next? */
  ticked: boolean;
  tick: (ticked: boolean) => void;
  putBack: (text: string) => void;
}

/** One of the conversations that stand side by side. */
export function CompareColumn({ feed, ticked, tick, putBack }: Props): ReactNode {
  const { id } = feed;
  const { phase, head, reason } = useSyncExternalStore(feed.subscribe, () => feed.view);
  const { data: conversation } = useConversation(id);
  const name = conversation?.bot ?? "";
  const bot = useBots().get(name);
  const begins = conversation?.from?.seq ?? 1;
  useEffect(() => feed.begins(begins), [feed, begins]);
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === "visible" && phase === "ready") markSeen(id, head);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [id, head, phase]);
  if (phase === "gone") return <p className="gone m-auto flex-1 p-6 text-center text-soft">{reason}</p>;
  return (
    <section aria-label={name || "A bot"} className="column flex min-w-0 flex-1 flex-col" data-conversation={id}>
      <div className="flex min-h-11 items-center gap-2 border-b border-line bg-sunken px-3 text-sm">
        <label className="flex min-h-6 min-w-0 items-center gap-2 font-medium" title="Gets what you write next">
          <input type="checkbox" checked={ticked} onChange={(event) => tick(event.target.checked)} className="size-4 shrink-0" />
          <BotDot bot={bot} />
          <span className="truncate">
            <span className="sr-only">Ask </span>
            {name}
          </span>
        </label>
        <span className="took min-w-0 flex-1 text-end max-side:invisible text-xs text-soft tabular-nums">
          <Took feed={feed} />
        </span>
        <a
          href={addressOf({ page: "conversation", id, seq: 0 })}
          aria-label={`Go on with ${name} alone`}
          title={`Go on with ${name} alone`}
          className="flex size-8 shrink-0 items-center justify-center rounded-lg text-soft hover:bg-hover hover:text-ink pointer-coarse:size-10"
        >
          <ArrowUpRight size={17} />
        </a>
      </div>
      <MessageList feed={feed} bot={name || "the bot"} seq={0} putBack={putBack} name={`-${id}`} />
      <BotTrouble name={name} />
    </section>
  );
}

const tickMs = 200;

const duration = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

/** How long the answer to the newest question took; while it is awaited, how long that is so far. */
export function Took({ feed }: { feed: ConversationFeed }): ReactNode {
  useSyncExternalStore(feed.subscribe, () => feed.view);
  const [, again] = useReducer((n: number) => n + 1, 0);
  const question = feed.message(feed.newestOwn);
  const answer = question && feed.answerTo(question);
  const waits = question !== undefined && !answer && feed.busy;
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(again, tickMs);
    return () => clearInterval(timer);
  }, [waits]);
  if (!question) return null;
  const asked = Date.parse(question.createdAt);
  if (!answer) return waits ? `${duration(Date.now() - asked)}…` : null;
  const took = duration(Date.parse(answer.createdAt) - asked);
  if (answer.outcome === "completed") return took;
  return answer.outcome === "cancelled" ? `stopped after ${took}` : `no answer after ${took}`;
}
