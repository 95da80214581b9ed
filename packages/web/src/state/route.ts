/** Where in the page somebody is: the part of the address after the #, so that it can be kept, sent and gone back from. */
import { useSyncExternalStore } from "react";

export type Route =
  | { page: "home" }
  | { page: "new"; bot: string }
  /** `seq`: the message to look at; 0 for the newest. */
  | { page: "conversation"; id: string; seq: number }
  /** One question to several bots: their conversations; none before it is asked. */
  | { page: "compare"; ids: readonly string[] }
  | { page: "overview" }
  | { page: "bots" }
  | { page: "bot"; name: string }
  | { page: "add-bot" };

export const mostCompared = 4;

export function routeFrom(hash: string): Route {
  const [first = "", second = "", third = "", ...more] = hash.replace(/^#/, "").split("/").map(decoded);
  if (first === "c" && second !== "") return { page: "conversation", id: second, seq: Math.max(0, Number.parseInt(third, 10) || 0) };
  if (first === "new") return { page: "new", bot: second };
  if (first === "compare") {
    const ids = [second, third, ...more].filter((id) => id !== "");
    return { page: "compare", ids: [...new Set(ids)].slice(0, mostCompared) };
  }
  if (first === "overview") return { page: "overview" };
  if (first === "bots") return second === "" ? { page: "bots" } : { page: "bot", name: second };
  if (first === "add-bot") return { page: "add-bot" };
  return { page: "home" };
}

export function addressOf(route: Route): string {
  switch (route.page) {
    case "home":
      return "#";
    case "new":
      return route.bot === "" ? "#new" : `#new/${encodeURIComponent(route.bot)}`;
    case "conversation":
      return `#c/${encodeURIComponent(route.id)}${route.seq > 0 ? `/${route.seq}` : ""}`;
    case "compare":
      return ["#compare", ...route.ids.map(encodeURIComponent)].join("/");
    case "overview":
      return "#overview";
    case "bots":
      return "#bots";
    case "add-bot":
      return "#add-bot";
    case "bot":
      return `#bots/${encodeURIComponent(route.name)}`;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param replace the place before is not gone back to */
export function go(route: Route, { replace = false }: { replace?: boolean } = {}): void {
  history[replace ? "replaceState" : "pushState"](null, "", addressOf(route));
  dispatchEvent(new Event("skep-moved"));
}

let known: { hash: string; route: Route } | null = null;

/** The same object for as long as the address is the same. */
function current(): Route {
  if (known?.hash !== location.hash || !known) known = { hash: location.hash, route: routeFrom(location.hash) };
  return known.route;
}

const events = ["hashchange", "popstate", "skep-moved"];

export const useRoute = (): Route =>
  useSyncExternalStore((changed) => {
    for (const name of events) addEventListener(name, changed);
    return () => {
      for (const name of events) removeEventListener(name, changed);
    };
  }, current);
