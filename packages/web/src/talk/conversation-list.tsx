import type { Conversation } from "@skep/protocol";
import { GitBranch, MoreHorizontal, Pencil, ShieldQuestion, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { sentenceOf, useAsking, type useConversations } from "../state/queries.ts";
import { addressOf, go } from "../state/route.ts";
import { visible, visibleText } from "../text/visible.tsx";
import { useConnection } from "../state/skep.ts";
import { Button } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { setSidebarOpen } from "../ui/sidebar-open.ts";
import { Late } from "../ui/late.tsx";
import { period, ShortTime } from "../ui/time.tsx";
import { EraseDialog, RenameDialog } from "./conversation-dialogs.tsx";
import { titleOf } from "./title.ts";

interface Props {
  list: ReturnType<typeof useConversations>;
  conversations: readonly Conversation[];
  /** The one that is open; "" for none. */
  current: string;
  unread: (conversation: Conversation) => number;
  /** What is looked for; "" when nothing is. */
  searching: string;
}

export function ConversationList({ list, conversations, current, unread, searching }: Props): ReactNode {
  const asking = useAsking();
  const online = useConnection().name === "open";
  const [asked, setAsked] = useState<{ what: "rename" | "erase"; conversation: Conversation } | null>(null);
  const close = (): void => setAsked(null);
  const groups = Map.groupBy(conversations, ({ activeAt }) => period(activeAt));
  return (
    <div id="conversations" className="min-h-0 flex-1 overflow-y-auto px-3 pt-2 pb-4" aria-busy={list.isPending}>
      {list.isPending ? (
        <Late>
          <p role="status" className="px-2.5 py-3 text-sm text-soft">
            {online ? "Loading…" : "Conversations are listed when Skep answers again."}
          </p>
        </Late>
      ) : null}
      {list.isError && conversations.length === 0 ? <p className="px-2.5 py-3 text-sm text-bad">{sentenceOf(list.error)}</p> : null}
      {list.isSuccess && conversations.length === 0 ? (
        <p className="px-2.5 py-3 text-sm text-soft">
          {searching === "" ? "No conversations yet. Say something, and it stands here." : `Nothing found for “${searching}”.`}
        </p>
      ) : null}
      {[...groups].map(([name, those]) => (
        <section key={name} aria-label={name}>
          <h2 className="px-2.5 pt-3 pb-1 text-xs font-medium text-soft">{name}</h2>
          <ul className="rows">
            {those.map((conversation) => (
              <Row
                key={conversation.id}
                conversation={conversation}
                isCurrent={conversation.id === current}
                unread={unread(conversation)}
                asks={asking.has(conversation.id)}
                ask={(what) => setAsked({ what, conversation })}
              />
            ))}
          </ul>
        </section>
      ))}
      {list.hasNextPage ? (
        <Button look="quiet" className="mt-2 w-full" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show older
        </Button>
      ) : null}
      {asked?.what === "rename" ? <RenameDialog conversation={asked.conversation} close={close} /> : null}
      {asked?.what === "erase" ? (
        <EraseDialog
          conversation={asked.conversation}
          close={close}
          erased={() => {
            if (asked.conversation.id === current) go({ page: "home" }, { replace: true });
          }}
        />
      ) : null}
    </div>
  );
}

function Row({
  conversation,
  isCurrent,
  unread,
  asks,
  ask,
}: {
  conversation: Conversation;
  isCurrent: boolean;
  unread: number;
  /** A bot waits in it for a decision. */
  asks: boolean;
  ask: (what: "rename" | "erase") => void;
}): ReactNode {
  return (
    <li className={`group relative rounded-lg hover:bg-hover ${isCurrent ? "bg-hover" : ""}`}>
      <a
        href={addressOf({ page: "conversation", id: conversation.id, seq: 0 })}
        aria-current={isCurrent ? "page" : undefined}
        onClick={() => setSidebarOpen(false)}
        className="block rounded-lg py-1.5 ps-2.5 pe-9"
      >
        <span className="flex items-center gap-2">
          <span className={`name min-w-0 flex-1 truncate text-sm ${unread > 0 || isCurrent ? "font-medium" : ""}`} dir="auto">
            {visible(titleOf(conversation))}
          </span>
          {asks && !isCurrent ? (
            <span className="asks text-wait" title="Waits for your decision">
              <ShieldQuestion size={16} aria-hidden="true" />
              <span className="sr-only">waits for your decision</span>
            </span>
          ) : null}
          {unread > 0 && !isCurrent ? (
            <span className="unread rounded-full bg-honey px-1.5 text-xs font-medium text-on-honey tabular-nums">
              {unread > 99 ? "99+" : unread}
              <span className="sr-only"> unread</span>
            </span>
          ) : null}
        </span>
        <span className="block truncate text-xs text-soft">
          {conversation.from ? (
            <span className="branch me-1 inline-flex align-[-1px]" title="A branch of another conversation">
              <GitBranch size={12} aria-hidden="true" />
              <span className="sr-only">branch, </span>
            </span>
          ) : null}
          {conversation.bot} · <ShortTime at={conversation.activeAt} />
        </span>
      </a>
      <div className="absolute end-1 top-2 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
        <Menu
          label={`More for ${visibleText(titleOf(conversation))}`}
          icon={<MoreHorizontal size={16} />}
          items={[
            { label: "Rename…", icon: <Pencil size={16} />, run: () => ask("rename") },
            { label: "Erase…", icon: <Trash2 size={16} />, run: () => ask("erase"), danger: true },
          ]}
        />
      </div>
    </li>
  );
}
