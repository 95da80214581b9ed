import { visibleText } from "@skep/client";
import type { Permission } from "@skep/protocol";
import { button, make } from "./element.ts";

export type Decide = (permission: Permission, option: string) => Promise<void>;

/** Requests for permission of one turn: a card with buttons for each that waits, a line for each that is settled. */
export class PermissionsView {
  readonly element = make("div", { className: "permissions" });
  readonly #decide: Decide;
  readonly #shown = new Map<string, { permission: Permission; card: HTMLElement }>();

  constructor(decide: Decide) {
    this.#decide = decide;
    this.element.hidden = true;
  }

  show(permissions: readonly Permission[], online: boolean): void {
    this.element.hidden = permissions.length === 0;
    const wanted = new Set(permissions.map(({ id }) => id));
    for (const [id, { card }] of this.#shown) {
      if (wanted.has(id)) continue;
      card.remove();
      this.#shown.delete(id);
    }
    for (const permission of permissions) {
      const shown = this.#shown.get(permission.id);
      if (shown?.permission !== permission) {
        const card = permission.state === "pending" ? this.#card(permission) : settled(permission);
        if (shown) shown.card.replaceWith(card);
        else this.element.append(card);
        this.#shown.set(permission.id, { permission, card });
      }
    }
    for (const one of this.element.querySelectorAll("button")) if (one.dataset["sent"] === undefined) one.disabled = !online;
  }

  #card(permission: Permission): HTMLElement {
    const { id, bot, title, detail, options } = permission;
    const heading = make("p", { className: "question" }, make("span", { text: `${bot} asks: ` }), own("strong", title));
    heading.id = `permission-${id}`;
    const buttons = options.map((option) => {
      const made = button(visibleText(option.label), () => press(option.id), option.effect);
      if (option.always) made.title = "Also for later requests of this kind";
      return made;
    });
    const press = (option: string): void => {
      for (const one of buttons) {
        one.disabled = true;
        one.dataset["sent"] = "";
      }
      void this.#decide(permission, option).finally(() => {
        for (const one of buttons) {
          one.disabled = false;
          delete one.dataset["sent"];
        }
      });
    };
    const card = make("section", { className: "permission" }, heading);
    card.setAttribute("aria-labelledby", heading.id);
    if (detail !== "") card.append(own("pre", detail));
    card.append(make("div", { className: "choices" }, ...buttons));
    return card;
  }
}

function settled({ title, state, options, option, decidedBy }: Permission): HTMLElement {
  const chosen = options.find(({ id }) => id === option);
  const outcome = {
    pending: "",
    expired: "Nobody decided in time",
    withdrawn: "Withdrawn",
    decided: `${chosen?.effect === "allow" ? "Allowed" : "Rejected"}${decidedBy === undefined ? " by the bot's policy" : ` by ${decidedBy}`}`,
  }[state];
  return make("p", { className: `settled ${chosen?.effect ?? ""}` }, make("span", { text: `${outcome}: ` }), own("span", title));
}

/** A text of the bot's, with nothing in it that hides or turns around what stands beside it. */
function own<K extends "strong" | "span" | "pre">(tag: K, text: string): HTMLElementTagNameMap[K] {
  const element = make(tag, { text: visibleText(text) });
  element.dir = "auto";
  return element;
}
