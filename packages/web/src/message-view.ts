import type { Draft, PendingSend, TurnView } from "@skep/client";
import type { Message, Permission } from "@skep/protocol";
import { button, make } from "./element.ts";
import { showText } from "./message-text.ts";
import { PartsView } from "./parts-view.ts";
import { type Decide, PermissionsView } from "./permission-view.ts";
import { pendingSentence, turnSentence } from "./sentences.ts";

/** One entry of the conversation. Its parts are kept, so that a change touches only what has changed. */
export interface Entry {
  readonly element: HTMLLIElement;
  readonly text: HTMLElement;
  readonly status: HTMLElement;
}

function entry(className: string, author: string): Entry {
  const text = make("div", { className: "text" });
  text.dir = "auto";
  const status = make("div", { className: "status" });
  status.hidden = true;
  const element = make("li", { className: `message ${className}` }, make("span", { className: "author", text: author }), text, status);
  return { element, text, status };
}

function setStatus({ status }: Entry, sentence: string, buttons: readonly HTMLButtonElement[] = [], className = "status"): void {
  status.hidden = sentence === "" && buttons.length === 0;
  status.className = className;
  status.replaceChildren(make("span", { text: sentence }), ...buttons);
}

const endings = { completed: "", cancelled: "Stopped", failed: "No answer" } as const;

export function messageEntry(message: Message, retry: (turn: string) => void): Entry {
  const made = entry(`${message.role} ${message.outcome ?? ""}`, message.role === "person" ? "You" : message.author);
  made.element.dataset["seq"] = String(message.seq);
  made.element.title = new Date(message.createdAt).toLocaleString();
  showText(made.text, message.text);
  if (message.parts) {
    made.text.before(new PartsView(message.parts).element);
    made.text.hidden = message.text === "";
  }
  const { turn, outcome } = message;
  if (turn !== undefined && outcome !== undefined && outcome !== "completed") {
    made.text.hidden = message.text === "";
    setStatus(made, endings[outcome], [button("Try again", () => retry(turn))]);
  }
  return made;
}

/** The turn goes on, or another message ended it: what this one offered is past. */
export const withoutRetry = ({ status }: Entry): void => {
  for (const offered of status.querySelectorAll("button")) offered.remove();
};

/** An answer while it is written. */
export interface TurnEntry {
  readonly element: HTMLLIElement;
  show(draft: Draft | undefined, turn: TurnView | undefined, permissions: readonly Permission[], online: boolean): void;
}

export function turnEntry(bot: string, cancel: () => void, decide: Decide): TurnEntry {
  const made = entry("bot", bot);
  const parts = new PartsView();
  const asked = new PermissionsView(decide);
  made.text.before(parts.element);
  made.text.after(asked.element);
  made.status.role = "status";
  const stop = button("Stop", cancel);
  let shown = "";
  return {
    element: made.element,
    show: (draft, turn, permissions, online) => {
      parts.show(draft?.parts ?? []);
      asked.show(permissions, online);
      const text = draft?.text ?? "";
      if (text !== shown) {
        if (text.startsWith(shown) && !text.includes("```") && made.text.firstChild instanceof Text)
          made.text.firstChild.appendData(text.slice(shown.length));
        else showText(made.text, text);
        shown = text;
      }
      made.text.hidden = text === "";
      made.element.classList.toggle("interrupted", draft?.outcome === "interrupted");
      const again = online && draft?.outcome === "interrupted" && turn?.state !== "retrying";
      const sentence = again ? "Interrupted, trying again…" : turnSentence(turn, bot, online);
      if (made.status.firstChild?.textContent !== sentence) setStatus(made, sentence, online ? [stop] : [], "status working");
    },
  };
}

/** A message of ours on its way. */
export interface PendingEntry {
  readonly element: HTMLLIElement;
  show(pending: PendingSend, online: boolean): void;
}

export function pendingEntry(text: string, { edit, dismiss }: { edit: () => void; dismiss: () => void }): PendingEntry {
  const made = entry("person", "You");
  showText(made.text, text);
  return {
    element: made.element,
    show: (pending, online) => {
      made.element.className = `message person ${pending.state}`;
      const sentence = pendingSentence(pending, online);
      if (made.status.firstChild?.textContent === sentence) return;
      setStatus(made, sentence, pending.state === "failed" ? [button("Edit", edit), button("Dismiss", dismiss)] : []);
    },
  };
}
