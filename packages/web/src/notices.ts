import type { Client } from "@skep/client";
import { button, byId, make } from "./element.ts";
import { connectionSentence } from "./sentences.ts";

const shownMs = 10_000;
const untilWorthAWord = 300;

/** A line above the messages, for a while. The same line is not shown twice at a time. */
export function showNotice(text: string, kind: "wait" | "bad" = "wait"): void {
  const place = byId("notices");
  if ([...place.children].some((child) => child.firstChild?.textContent === text)) return;
  const line = make("div", { className: kind === "bad" ? "notice bad" : "notice" }, make("span", { text }));
  const remove = (): void => line.remove();
  line.append(button("Close", remove));
  place.append(line);
  setTimeout(remove, shownMs);
}

/** Says how the connection is, while it is not well. */
export function followConnection(client: Client): void {
  const place = byId("connection");
  let wasOpen = false;
  let said: string | null = null;
  let soon: ReturnType<typeof setTimeout> | undefined;
  const say = (): void => {
    place.replaceChildren(
      make("span", { text: said ?? "" }),
      button("Try now", () => client.connectNow()),
    );
    place.hidden = said === null;
  };
  const show = (): void => {
    const state = client.connection;
    if (state.name === "open") wasOpen = true;
    const sentence = connectionSentence(state, wasOpen);
    if (sentence === said) return;
    const atOnce = sentence === null || !place.hidden;
    said = sentence;
    clearTimeout(soon);
    // A connection that is back in a moment is not worth a word.
    if (atOnce) say();
    else soon = setTimeout(say, untilWorthAWord);
  };
  client.onConnection(show);
  show();
  const comeBack = (): void => {
    if (document.visibilityState === "visible") client.connectNow();
  };
  addEventListener("online", comeBack);
  document.addEventListener("visibilitychange", comeBack);
}
