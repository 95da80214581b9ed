/** The page in a real browser: an earlier message said in another way, and one question to several bots side by side. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage, pieces } from "./support/opened-page.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe.skipIf(noBrowser)("branches and comparisons", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  /** Of those that keep somebody out. */
  const findings = async (page: Page): Promise<string[]> => {
    // What fades in is not measured on its way.
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
    await page.evaluate(axe);
    return page.evaluate(async () => {
      const run = Reflect.get(globalThis, "axe") as {
        run: (options: unknown) => Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
      const { violations } = await run.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
    });
  };
  const talked = async (...texts: string[]): Promise<string> => {
    await o.begin();
    for (const [i, text] of texts.entries()) {
      await o.say(text);
      await o.reads(texts.slice(0, i + 1).flatMap((one) => [one, one]));
    }
    return o.page.url();
  };
  const editor = (page = o.page) => page.getByRole("form", { name: "Edit your message" });
  const versions = (page = o.page) => page.locator("#log .versions");

  test("[O4] an earlier message is edited in place: what comes is a branch, the old conversation stays, and arrows lead from one to the other", async () => {
    const address = await talked("one", "two", "three");
    const other = await o.newTab();
    await other.goto(address);
    await o.reads(["one", "one", "two", "two", "three", "three"], other);
    const second = o.page.locator("#log li", { hasText: "two" }).first();
    await second.hover();
    await second.getByRole("button", { name: "Rewrite in a branch" }).click();
    await editor().getByRole("textbox").fill("two, but better");
    await editor().getByRole("button", { name: "Send as a new branch" }).click();
    await o.reads(["one", "one", "two, but better", "two, but better"]);
    expect(o.page.url()).not.toBe(address);
    await o.page.locator("#subtitle .branch-of", { hasText: "branch of “one”" }).waitFor();
    await o.page.locator("#conversations [aria-current] .branch").waitFor();
    await versions().getByText("2 of 2").waitFor();
    // The other tab is told, and does not have to ask.
    await versions(other).getByText("1 of 2").waitFor({ timeout: 5000 });
    await other.close();
    await versions().getByRole("button", { name: "The version before" }).click();
    await o.reads(["one", "one", "two", "two", "three", "three"]);
    await versions().getByText("1 of 2").waitFor();
    // The focus goes with the arrow: where there is no further way, to the other one.
    await o.page
      .locator(":focus", { has: o.page.locator("svg") })
      .and(versions().getByRole("button", { name: "The next version" }))
      .waitFor();
    await o.page.keyboard.press("Enter");
    await o.reads(["one", "one", "two, but better", "two, but better"]);
    await o.page.reload();
    await versions().getByText("2 of 2").waitFor();
    await o.page.locator("#subtitle a").click();
    await o.reads(["one", "one", "two", "two", "three", "three"]);
    expect(o.page.url().replace(/\/3$/, "")).toBe(address);
  });

  test("[R-G] by keyboard alone: arrow up edits the last message, Enter sends the branch, Esc gives up, and what was written survives a reload", async () => {
    const address = await talked("question");
    await o.page.locator("#text").press("ArrowUp");
    await o.page.keyboard.type(" in other words");
    await o.page.reload();
    await o.page.locator("#log li").first().waitFor();
    await o.page.locator("#text").press("ArrowUp");
    expect(await editor().getByRole("textbox").inputValue()).toBe("question in other words");
    await o.page.keyboard.press("Escape");
    await editor().waitFor({ state: "detached" });
    await o.page.keyboard.press("ArrowUp");
    expect(await editor().getByRole("textbox").inputValue()).toBe("question");
    await o.page.keyboard.press("Shift+Enter");
    await o.page.keyboard.type("and more");
    await o.page.keyboard.press("Enter");
    await o.reads(["question and more", "question and more"]);
    expect(o.page.url()).not.toBe(address);
    expect(await findings(o.page)).toEqual([]);
  });

  test("[O4] an answer is asked for again: a branch with the same words, third of three", async () => {
    await talked("dice");
    for (const place of ["2 of 2", "3 of 3"]) {
      const answer = o.page.locator("#log li").last();
      await answer.hover();
      await answer.getByRole("button", { name: "Ask again" }).click();
      await versions().getByText(place).waitFor();
      await o.reads(["dice", "dice"]);
    }
  });

  test("[K2] [K3] a branch that is sent while the server is away is not begun, says so, and is begun once when it is back", async () => {
    await talked("before");
    await o.page.locator("#text").press("ArrowUp");
    await o.page.keyboard.type(" and after");
    await o.killServer();
    await o.page.keyboard.press("Enter");
    await editor().getByRole("alert").filter({ hasText: "No branch was begun: The server did not answer." }).waitFor();
    await o.startServer();
    await o.page.locator("#connection[data-back=true]").waitFor();
    await editor().getByRole("button", { name: "Send as a new branch" }).click();
    await o.reads(["before and after", "before and after"]);
    await versions().getByText("2 of 2").waitFor();
  });

  test("[B1] what nobody has answered before the branch is no work of the branch, and a failed answer there is asked for again in a branch", async () => {
    await o.begin();
    await o.say("/refuse not this");
    await o.page.getByRole("button", { name: "Try again" }).waitFor();
    await o.say("/stall");
    await o.page.locator("#log .working").waitFor();
    await o.say("behind");
    await o.page.locator("#log li", { hasText: "behind" }).first().waitFor();
    await o.page.locator("#text").press("ArrowUp");
    await o.page.keyboard.press("Control+a");
    await o.page.keyboard.type("in front");
    await o.page.keyboard.press("Enter");
    await o.page.locator("#log li", { hasText: "in front" }).nth(1).waitFor();
    await o.page.locator("#log .working").waitFor({ state: "detached" });
    expect(await o.page.getByRole("button", { name: "Try again" }).count()).toBe(0);
    expect(await o.page.getByRole("button", { name: "Ask again" }).count()).toBe(2);
  });

  test("[O4] on a phone the pencil and the arrows are there without a pointer to rest, and nothing is wider than the screen", async () => {
    const context = await o.newContext({
      viewport: { width: 390, height: 800 },
      hasTouch: true,
      isMobile: true,
      storageState: await o.context.storageState(),
    });
    const address = await talked("small", "screens");
    const page = await o.newTab(context);
    await page.goto(address);
    await o.reads(["small", "small", "screens", "screens"], page);
    await page.getByRole("button", { name: "Rewrite in a branch" }).last().tap();
    await editor(page).getByRole("textbox").fill("small screens, too");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    expect(await findings(page)).toEqual([]);
    await editor(page).getByRole("button", { name: "Send as a new branch" }).tap();
    await versions(page).getByText("2 of 2").waitFor();
    expect(await findings(page)).toEqual([]);
    await context.close();
  });

  const column = (bot: string, page = o.page) =>
    page.locator("#columns .column", { has: page.getByRole("checkbox", { name: `Ask ${bot}` }) });
  /** Those that were chosen the last time are chosen. */
  const choose = async (page = o.page): Promise<void> => {
    await page.locator("#choose-bots button", { hasText: "wasp" }).waitFor();
    for (const name of ["bee", "wasp"]) {
      const button = page.locator("#choose-bots button", { hasText: name });
      if ((await button.getAttribute("aria-pressed")) === "false") await button.click();
    }
    await page.locator("#title", { hasText: /Compare (bee and wasp|wasp and bee)/ }).waitFor();
  };

  test("one question to two bots: both answers are written side by side, each with its time, and a reload keeps the view", async () => {
    await o.call("POST", "/api/bots", { name: "wasp", kind: "echo" });
    await o.page.goto(`${o.url}/#new/bee`);
    await o.page.getByRole("button", { name: "Compare bots (C)" }).click();
    await choose();
    await o.say("/stream 300 20");
    for (const bot of ["bee", "wasp"]) await column(bot).locator("[data-draft]", { hasText: "piece 5" }).waitFor();
    expect(await column("bee").locator(".took").textContent()).toMatch(/^\d+(\.\d)? s…$/);
    const address = o.page.url();
    await o.page.reload();
    for (const bot of ["bee", "wasp"]) {
      await column(bot)
        .locator(".took", { hasText: /^\d+(\.\d)? s$/ })
        .waitFor({ timeout: 30_000 });
      const written = await column(bot).locator("article[aria-label] .said").last().textContent();
      expect(written?.replaceAll(/\s+/g, " ").trim()).toBe(pieces(300).trim());
    }
    expect(o.page.url()).toBe(address);
    expect(await findings(o.page)).toEqual([]);
  });

  test("it goes on with both, with one of them, or with one alone in its own conversation", async () => {
    await o.page.goto(`${o.url}/#compare`);
    await choose();
    await o.say("first");
    for (const bot of ["bee", "wasp"]) await column(bot).locator("li", { hasText: "first" }).nth(1).waitFor();
    await o.say("to both");
    for (const bot of ["bee", "wasp"]) await column(bot).locator("li", { hasText: "to both" }).nth(1).waitFor();
    await column("wasp").getByRole("checkbox").uncheck();
    await o.page.getByLabel("Message to bee", { exact: true }).waitFor();
    await o.say("to bee");
    await column("bee").locator("li", { hasText: "to bee" }).nth(1).waitFor();
    expect(await column("wasp").locator("li", { hasText: "to bee" }).count()).toBe(0);
    await column("wasp").getByRole("link", { name: "Go on with wasp alone" }).click();
    await o.reads(["first", "first", "to both", "to both"]);
    // Erased elsewhere: the other one goes on.
    await o.page.goBack();
    const id = await column("wasp").getAttribute("data-conversation");
    await o.call("DELETE", `/api/conversations/${id}`);
    await o.page.locator("#columns .gone", { hasText: "This conversation was erased." }).waitFor();
    await o.say("still here");
    await column("bee").locator("li", { hasText: "still here" }).nth(1).waitFor();
  });

  test("[R-G] by keyboard alone: C, the bots, the question, Esc stops both; and the palette leads there too", async () => {
    await o.page.goto(`${o.url}/#bots`);
    await o.page.locator("#fleet li").first().waitFor();
    await o.page.keyboard.press("c");
    await o.page.locator("#choose-bots").waitFor();
    for (const name of ["bee", "wasp"]) {
      const button = o.page.locator("#choose-bots button", { hasText: name });
      await button.focus();
      if ((await button.getAttribute("aria-pressed")) === "false") await o.page.keyboard.press("Enter");
    }
    expect(await findings(o.page)).toEqual([]);
    await o.page.locator("#text").focus();
    await o.page.keyboard.type("/stream 3000 20");
    await o.page.keyboard.press("Enter");
    for (const bot of ["bee", "wasp"]) await column(bot).locator("[data-draft]", { hasText: "piece 3" }).waitFor();
    await o.page.keyboard.press("Escape");
    for (const bot of ["bee", "wasp"]) await column(bot).locator(".took", { hasText: "stopped after" }).waitFor();
    await o.page.keyboard.press("Control+k");
    await o.page.keyboard.type("compare");
    await o.page.keyboard.press("Enter");
    await o.page.locator("#choose-bots").waitFor();
    expect(o.page.url()).toBe(`${o.url}/#compare`);
  });

  test("on a phone one answer is seen at a time, under tabs that tell how the others stand", async () => {
    const storageState = await o.context.storageState();
    const context = await o.newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, storageState });
    const page = await o.newTab(context);
    await page.goto(`${o.url}/#compare`);
    await choose(page);
    expect(await findings(page)).toEqual([]);
    await o.say("narrow", page);
    await column("bee", page).locator("li", { hasText: "narrow" }).nth(1).waitFor();
    await page.getByRole("tab", { name: /wasp \d/ }).tap();
    await column("wasp", page).locator("li", { hasText: "narrow" }).nth(1).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    expect(await findings(page)).toEqual([]);
    await context.close();
  });
});
