import type { Bot, Conversation } from "@skep/protocol";
import { button, byId, make } from "./element.ts";
import { botStateSentence } from "./sentences.ts";

export interface Sidebar {
  showBots(bots: ReadonlyMap<string, Bot>, chosen: string | null): void;
  /** @param more fetches older ones; null when these are all */
  showConversations(conversations: readonly Conversation[], open: string | null, more: (() => void) | null): void;
  close(): void;
}

/** A conversation that has no title is called by the time when it began. */
export const titleOf = ({ title, createdAt }: Conversation): string =>
  title || new Date(createdAt).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Bots, the chosen bot's conversations, and on a phone the drawer that they are in. */
export function sidebar(choose: (bot: string) => void, begin: () => void): Sidebar {
  const app = byId("app");
  const opener = byId("open-sidebar");
  const setOpen = (open: boolean): void => {
    app.classList.toggle("sidebar-open", open);
    opener.setAttribute("aria-expanded", String(open));
    if (open) byId("sidebar").querySelector<HTMLElement>("[aria-current=true], li > *")?.focus();
  };
  opener.addEventListener("click", () => setOpen(!app.classList.contains("sidebar-open")));
  byId("sidebar").addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !app.classList.contains("sidebar-open")) return;
    setOpen(false);
    opener.focus();
  });
  document.querySelector("main")?.addEventListener("pointerdown", (event) => {
    if (!opener.contains(event.target as Node)) setOpen(false);
  });
  byId("new-conversation").addEventListener("click", () => {
    setOpen(false);
    begin();
  });

  return {
    showBots: (bots, chosen) => {
      const list = byId("bots");
      const focused = document.activeElement instanceof HTMLElement && list.contains(document.activeElement);
      const rows = [...bots.values()].map((bot) => {
        const row = button("", () => choose(bot.name));
        const dot = make("span", { className: `dot ${bot.state}` });
        dot.setAttribute("role", "img");
        dot.setAttribute("aria-label", botStateSentence(bot));
        row.title = botStateSentence(bot);
        row.append(dot, make("span", { className: "name", text: bot.name }), make("span", { className: "detail", text: bot.kind }));
        if (bot.name === chosen) row.setAttribute("aria-current", "true");
        return make("li", {}, row);
      });
      list.replaceChildren(
        ...(rows.length > 0 ? rows : [make("li", { className: "none", text: "No bots yet: add one with `skep bot add`" })]),
      );
      if (focused) list.querySelector<HTMLElement>("[aria-current=true]")?.focus();
    },
    showConversations: (conversations, open, more) => {
      const rows = conversations.map((conversation) => {
        const link = make("a", {}, make("span", { className: "name", text: titleOf(conversation) }));
        link.href = `#c/${encodeURIComponent(conversation.id)}`;
        link.addEventListener("click", () => setOpen(false));
        if (conversation.id === open) link.setAttribute("aria-current", "true");
        return make("li", {}, link);
      });
      if (more) rows.push(make("li", {}, button("Show older", more, "quiet")));
      byId("conversations").replaceChildren(...(rows.length > 0 ? rows : [make("li", { className: "none", text: "None yet" })]));
    },
    close: () => setOpen(false),
  };
}
