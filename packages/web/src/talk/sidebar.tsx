import { Activity, Bot as BotIcon, Columns2, Command, Keyboard, LogOut, MonitorDown, MoreHorizontal, Plus, Search, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useState } from "react";
import { BotDot } from "../fleet/bot-state.tsx";
import { useInstall } from "../state/installed.ts";
import { useConversation, useConversations } from "../state/queries.ts";
import { addressOf, go, type Route } from "../state/route.ts";
import { signOut } from "../state/session.ts";
import { useUnread } from "../state/seen.ts";
import { useBots } from "../state/skep.ts";
import { visibleText } from "../text/visible.tsx";
import { IconButton } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { setSidebarOpen, useSidebarOpen } from "../ui/sidebar-open.ts";
import { ThemeSwitch } from "../ui/theme-switch.tsx";
import { ConversationList } from "./conversation-list.tsx";

const settleMs = 200;

/** What is typed, when the typing has stopped for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** Bots, conversations and the way to all else. On a phone it comes over the page. */
export function Sidebar({
  route,
  openPalette,
  openShortcuts,
}: {
  route: Route;
  openPalette: () => void;
  openShortcuts: () => void;
}): ReactNode {
  const open = useSidebarOpen();
  const bots = useBots();
  const [typed, setTyped] = useState("");
  const [bot, setBot] = useState("");
  const query = useSettled(typed);
  const list = useConversations({ bot: bots.has(bot) ? bot : "", query });
  const conversations = (list.data?.pages ?? []).flatMap((page) => page.conversations);
  const unread = useUnread();
  const unseen = conversations.reduce((sum, one) => sum + unread(one), 0);
  const current = route.page === "conversation" ? route.id : "";
  const { data: opened } = useConversation(current);
  const here = conversations.find(({ id }) => id === current) ?? opened;
  const install = useInstall();
  const failed = [...bots.values()].filter(({ state }) => state === "failed");

  useEffect(() => {
    const name =
      route.page === "overview"
        ? "Overview"
        : route.page === "bots" || route.page === "bot"
          ? "Bots"
          : route.page === "compare"
            ? "Compare"
            : visibleText(here?.title ?? "");
    document.title = `${unseen > 0 ? `(${unseen > 99 ? "99+" : unseen}) ` : ""}${name === "" ? "Skep" : `${name} · Skep`}`;
  }, [unseen, here?.title, route.page]);

  const close = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    setSidebarOpen(false);
    document.getElementById("open-sidebar")?.focus();
  };
  return (
    <>
      {open ? (
        <button
          type="button"
          aria-label="Close the list"
          className="fixed inset-0 z-20 bg-black/40 side:hidden"
          onClick={() => setSidebarOpen(false)}
        />
      ) : null}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Esc closes what came over the page */}
      <nav
        id="sidebar"
        aria-label="Bots and conversations"
        onKeyDown={close}
        className={`z-30 flex w-72 shrink-0 flex-col border-e border-line bg-sunken max-side:fixed max-side:inset-y-0 max-side:start-0 max-side:shadow-2xl ${open ? "" : "max-side:hidden"}`}
      >
        <div className="flex h-14 items-center gap-2 ps-4 pe-2">
          <img src="/skep.svg" alt="" className="size-6" />
          <span className="flex-1 font-semibold tracking-tight">Skep</span>
          <IconButton label="Commands (Ctrl K)" onClick={openPalette}>
            <Command size={17} />
          </IconButton>
          <IconButton label="Compare bots (C)" onClick={() => go({ page: "compare", ids: [] })}>
            <Columns2 size={17} />
          </IconButton>
          <IconButton id="new-conversation" label="New conversation (N)" onClick={() => go({ page: "new", bot })}>
            <Plus size={20} />
          </IconButton>
        </div>
        <div className="px-3">
          <a
            href={addressOf({ page: "overview" })}
            aria-current={route.page === "overview" ? "page" : undefined}
            className="flex min-h-9 items-center gap-2.5 rounded-lg px-2.5 text-sm hover:bg-hover aria-[current]:bg-hover aria-[current]:font-medium"
          >
            <Activity size={17} className="text-soft" />
            Overview
          </a>
          <a
            href={addressOf({ page: "bots" })}
            aria-current={route.page === "bots" || route.page === "bot" ? "page" : undefined}
            className="flex min-h-9 items-center gap-2.5 rounded-lg px-2.5 text-sm hover:bg-hover aria-[current]:bg-hover aria-[current]:font-medium"
          >
            <BotIcon size={17} className="text-soft" />
            <span className="flex-1">Bots</span>
            {failed.length > 0 ? (
              <span className="rounded-full bg-bad px-2 text-xs font-medium text-paper">{failed.length} failed</span>
            ) : (
              <span className="flex items-center gap-1">
                {[...bots.values()].slice(0, 8).map((one) => (
                  <BotDot key={one.name} bot={one} />
                ))}
                <span className="sr-only">{bots.size}</span>
              </span>
            )}
          </a>
          <div className="relative mt-2">
            <Search size={15} className="pointer-events-none absolute start-2.5 top-1/2 -translate-y-1/2 text-soft" />
            <input
              id="search"
              type="search"
              aria-label="Search conversations"
              placeholder="Search conversations"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Escape" || typed === "") return;
                event.stopPropagation();
                event.preventDefault();
                setTyped("");
              }}
              className="h-9 w-full rounded-lg border border-line bg-paper ps-8 pe-8 text-sm placeholder:text-soft [&::-webkit-search-cancel-button]:hidden"
            />
            {typed === "" ? null : (
              <button
                type="button"
                aria-label="Clear the search"
                className="absolute end-1 top-1 flex size-7 items-center justify-center rounded-md text-soft hover:bg-hover"
                onClick={() => setTyped("")}
              >
                <X size={14} />
              </button>
            )}
          </div>
          {bots.size > 1 ? (
            <select
              id="bot-filter"
              aria-label="Conversations with"
              value={bots.has(bot) ? bot : ""}
              onChange={(event) => setBot(event.target.value)}
              className="mt-1.5 h-8 w-full rounded-lg border border-transparent bg-sunken px-1.5 text-xs text-soft hover:bg-hover"
            >
              <option value="">All bots</option>
              {[...bots.keys()].map((name) => (
                <option key={name} value={name}>
                  With {name}
                </option>
              ))}
            </select>
          ) : null}
        </div>
        <ConversationList list={list} conversations={conversations} current={current} unread={unread} searching={query.trim()} />
        <div className="flex items-center justify-between border-t border-line px-3 py-1.5">
          <ThemeSwitch />
          <Menu
            label="Page"
            icon={<MoreHorizontal size={18} />}
            items={[
              { label: "Keyboard shortcuts", icon: <Keyboard size={16} />, run: openShortcuts },
              ...(install ? [{ label: "Install as an app", icon: <MonitorDown size={16} />, run: install }] : []),
              { label: "Sign out", icon: <LogOut size={16} />, run: () => void signOut() },
            ]}
          />
        </div>
      </nav>
    </>
  );
}
