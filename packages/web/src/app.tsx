import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useState } from "react";
import { AddBotPage } from "./fleet/add-bot-page.tsx";
import { BotPage, BotsPage } from "./fleet/bots-page.tsx";
import { CommandPalette } from "./palette/command-palette.tsx";
import { letterOf, lettersOff } from "./palette/shortcut-keys.ts";
import { ShortcutsDialog } from "./palette/shortcuts-dialog.tsx";
import { SignInPage } from "./sign-in-page.tsx";
import { type ConversationPage as Listed, useConversations } from "./state/queries.ts";
import { go, type Route, useRoute } from "./state/route.ts";
import { useConnection } from "./state/skep.ts";
import { readStored } from "./state/stored.ts";
import { onTold } from "./state/tabs.ts";
import { ConversationPage } from "./talk/conversation-page.tsx";
import { NewPage } from "./talk/new-page.tsx";
import { NoServer } from "./talk/no-server.tsx";
import { Sidebar } from "./talk/sidebar.tsx";
import { Button } from "./ui/button.tsx";
import { ConnectionLine } from "./ui/connection-line.tsx";
import { ErrorBoundary } from "./ui/error-boundary.tsx";
import { Loading } from "./ui/loading.tsx";
import { Notices } from "./ui/notices.tsx";
import { setSidebarOpen } from "./ui/sidebar-open.ts";

const ComparePage = lazy(async () => ({ default: (await import("./talk/compare-page.tsx")).ComparePage }));
/** With its plots it is a fifth as large as all else: fetched when it is first opened. */
const OverviewPage = lazy(() => import("./overview/overview-page.tsx"));

type Over = "palette" | "shortcuts" | null;

export function App(): ReactNode {
  const route = useRoute();
  const queries = useQueryClient();
  const connection = useConnection();
  const [over, setOver] = useState<Over>(null);
  const close = useCallback(() => setOver(null), []);
  const openShortcuts = useCallback(() => setOver("shortcuts"), []);

  useEffect(() => onTold(() => void queries.invalidateQueries()), [queries]);
  useEffect(() => {
    // What a list missed while nobody was connected.
    if (connection.name === "open") void queries.invalidateQueries();
  }, [connection.name, queries]);
  useEffect(() => setSidebarOpen(false), [route]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented) return;
      if (!handle(event, route, queries, setOver)) return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [route, queries]);

  if (connection.name === "refused" && connection.code === 4501) return <SignInPage reason="You were signed out." />;
  return (
    <div id="app" className="flex h-dvh">
      <a
        href="#text"
        className="sr-only z-50 rounded-lg bg-raised p-3 focus:not-sr-only focus:fixed focus:start-2 focus:top-2"
        onClick={skip}
      >
        Skip to the message field
      </a>
      <ErrorBoundary instead={null}>
        <Sidebar route={route} openPalette={() => setOver("palette")} openShortcuts={openShortcuts} />
      </ErrorBoundary>
      <main className="flex min-w-0 flex-1 flex-col">
        <ConnectionLine />
        <ErrorBoundary key={route.page === "conversation" ? route.id : route.page} instead={<Broken />}>
          <View route={route} />
        </ErrorBoundary>
      </main>
      <Notices />
      {over === "palette" ? <CommandPalette close={close} openShortcuts={openShortcuts} /> : null}
      {over === "shortcuts" ? <ShortcutsDialog close={close} /> : null}
    </div>
  );
}

const Broken = (): ReactNode => (
  <div role="alert" className="m-auto max-w-md p-8 text-center">
    <p className="font-semibold">This view could not be drawn.</p>
    <p className="mt-1 text-soft">That is a mistake of the page. Nothing that was sent is lost.</p>
    <Button className="mt-4" onClick={() => location.reload()}>
      Load the page again
    </Button>
  </div>
);

function skip(event: { preventDefault: () => void }): void {
  event.preventDefault();
  (document.getElementById("text") ?? document.querySelector("main"))?.focus();
}

function View({ route }: { route: Route }): ReactNode {
  switch (route.page) {
    case "home":
      return <Home />;
    case "new":
      return <NewPage bot={route.bot} />;
    case "conversation":
      return <ConversationPage key={route.id} id={route.id} seq={route.seq} />;
    case "compare":
      return (
        <Suspense fallback={null}>
          <ComparePage ids={route.ids} />
        </Suspense>
      );
    case "overview":
      return (
        <Suspense fallback={<Loading title="Overview" />}>
          <OverviewPage />
        </Suspense>
      );
    case "bots":
      return <BotsPage />;
    case "add-bot":
      return <AddBotPage />;
    case "bot":
      return <BotPage name={route.name} />;
  }
}

/** The conversation that was active last; the first one is begun where there is none. */
function Home(): ReactNode {
  const { data } = useConversations({ bot: "", query: "" });
  const newest = data?.pages[0]?.conversations[0];
  useEffect(() => {
    if (newest) go({ page: "conversation", id: newest.id, seq: 0 }, { replace: true });
    else if (data) go({ page: "new", bot: "" }, { replace: true });
  }, [newest, data]);
  return data ? null : <NoServer />;
}

/** @returns whether the key meant something */
function handle(event: KeyboardEvent, route: Route, queries: QueryClient, setOver: (over: Over) => void): boolean {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    setOver("palette");
    return true;
  }
  if (event.altKey && !event.ctrlKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    return toNeighbour(route, queries, event.key === "ArrowUp" ? -1 : 1);
  }
  const letter = letterOf(event);
  if (letter === null || readStored(lettersOff) !== null) return false;
  if (letter === "?") setOver("shortcuts");
  else if (letter === "n") go({ page: "new", bot: "" });
  else if (letter === "c") go({ page: "compare", ids: [] });
  else if (letter === "b") go({ page: "bots" });
  else if (letter === "o") go({ page: "overview" });
  else if (letter === "/") {
    setSidebarOpen(true);
    requestAnimationFrame(() => document.getElementById("search")?.focus());
  } else return false;
  return true;
}

/** The one above or below in the list. */
function toNeighbour(route: Route, queries: QueryClient, step: number): boolean {
  const [, data] = queries.getQueriesData<{ pages: Listed[] }>({ queryKey: ["conversations"], type: "active" })[0] ?? [];
  const all = (data?.pages ?? []).flatMap((page) => page.conversations);
  const at = route.page === "conversation" ? all.findIndex(({ id }) => id === route.id) : -1;
  const next = all[at === -1 ? 0 : at + step];
  if (next) go({ page: "conversation", id: next.id, seq: 0 });
  return true;
}
