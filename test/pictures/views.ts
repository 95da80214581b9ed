/** What is photographed. A view is a line: its name, where it is, and what shows that it is drawn. */
import type { Page } from "playwright-core";

/** Ids of the conversations that `fill` has made. */
export interface Places {
  coding: string;
  plain: string;
  /** One question to two bots. */
  compared: readonly string[];
  /** With a picture and formulas. */
  measured: string;
}

export interface View {
  name: string;
  /** The address, from the # on. */
  at: (places: Places) => string;
  /** Is there when the view is drawn. */
  shows: string;
  /** What is done before the picture is taken. */
  before?: (page: Page) => Promise<unknown>;
  /** Also as it looks on a phone. */
  phone?: true;
  /** Before there are other bots than the first one. */
  early?: true;
  /** Without a session. */
  stranger?: true;
}

export const views: readonly View[] = [
  { name: "sign-in", at: () => "", shows: "#sign-in", stranger: true, phone: true },
  { name: "talk", at: ({ coding }) => `#c/${coding}`, shows: "#log .permission", phone: true },
  { name: "code", at: ({ coding }) => `#c/${coding}/2`, shows: "#log table" },
  { name: "first", at: () => "#new", shows: "#found li", early: true },
  { name: "new", at: () => "#new/coder", shows: "#choose-bot", phone: true },
  { name: "bots", at: () => "#bots", shows: "#fleet li", phone: true },
  { name: "bot", at: () => "#bots/shaky", shows: "#timeline li" },
  { name: "add-bot", at: () => "#add-bot", shows: "#found li", phone: true },
  {
    name: "add-ollama",
    at: () => "#add-bot",
    shows: "#kinds button",
    before: (page) => page.locator("#kinds button", { hasText: "Ollama" }).click(),
  },
  { name: "compare", at: ({ compared }) => `#compare/${compared.join("/")}`, shows: "#columns article", phone: true },
  { name: "compare-choose", at: () => "#compare", shows: "#choose-bots li" },
  { name: "files", at: ({ measured }) => `#c/${measured}`, shows: "#log math", phone: true },
  { name: "overview", at: () => "#overview", shows: "#plots canvas", phone: true },
  { name: "list", at: ({ plain }) => `#c/${plain}`, shows: "#log article", before: openList, phone: true },
  { name: "palette", at: ({ plain }) => `#c/${plain}`, shows: "#log article", before: (page) => page.keyboard.press("Control+k") },
  { name: "shortcuts", at: () => "#bots", shows: "#fleet li", before: (page) => page.keyboard.press("?") },
];

/** On a phone the list comes over the page; elsewhere it is there. */
async function openList(page: Page): Promise<void> {
  const button = page.getByRole("button", { name: "Conversations", exact: true });
  if (await button.isVisible()) await button.click();
}
