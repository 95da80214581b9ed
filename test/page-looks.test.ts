/** The page in a real browser: how it is used without a mouse, on a phone, in both themes, by those who do not see it; and how much it weighs. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const answer = [
  "# Plan",
  "Some **strong** and *soft* words, `code`, and a [link](https://example.com/a).",
  "1. one\n2. two\n   - inner",
  "| a | b |\n|---|--:|\n| 1 | 2 |",
  "```ts\nconst x: number = 1; // why\n```",
  "> a quote\n\n- [x] done\n- [ ] to do",
].join("\n\n");

describe.skipIf(noBrowser)("the page for everybody", () => {
  let o: OpenedPage;
  let conversation: string;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
    await o.begin();
    await o.say(answer);
    await o.page.locator("#log table").waitFor();
    await o.say("/tool Count the bees");
    await o.page.locator("#log .part.tool .state", { hasText: "done" }).waitFor();
    await o.say("/crash");
    await o.page.getByRole("button", { name: "Try again" }).waitFor({ timeout: 30_000 });
    await o.say("/permission Open the hive");
    await o.page.locator("#log .permission").waitFor();
    conversation = o.page.url();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  /** Findings that keep somebody out. Evaluated by the driver, which the page's policy does not bind. */
  const findings = async (page: Page): Promise<string[]> => {
    if (!(await page.evaluate(() => Reflect.has(globalThis, "axe")))) await page.evaluate(axe);
    return page.evaluate(async () => {
      const run = Reflect.get(globalThis, "axe") as {
        run: (
          options: unknown,
        ) => Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
      const { violations } = await run.run({
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        resultTypes: ["violations"],
      });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`),
        );
    });
  };

  test.each(["light", "dark"] as const)(
    "[R-G] %s: no serious finding of axe in any view, on a desk and on a phone",
    async (colorScheme) => {
      const page = await o.newTab();
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const views: [string, () => Promise<unknown>][] = [
        [conversation, () => page.locator("#log .permission").waitFor()],
        [`${o.url}/#new/bee`, () => page.locator("#choose-bot").waitFor()],
        [`${o.url}/#bots`, () => page.locator("#fleet li").nth(1).waitFor()],
        [`${o.url}/#add-bot`, () => page.locator("#found[aria-busy=false]").waitFor()],
        [`${o.url}/#add-bot`, () => page.locator("#kinds button").first().click()],
        [`${o.url}/#bots/bee`, () => page.locator("#bot-log div").first().waitFor()],
      ];
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 800 });
        for (const [address, shown] of views) {
          await page.goto(address);
          await shown();
          expect({ view: `${address} at ${width}`, findings: await findings(page) }).toEqual({
            view: `${address} at ${width}`,
            findings: [],
          });
        }
      }
      await page.getByRole("button", { name: "Conversations" }).click();
      await page.locator("#search").waitFor();
      expect({ view: "the list on a phone", findings: await findings(page) }).toEqual({ view: "the list on a phone", findings: [] });
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.keyboard.press("Control+k");
      await page.locator("#palette-list [role=option]").first().waitFor();
      expect({ view: "commands", findings: await findings(page) }).toEqual({ view: "commands", findings: [] });
      await page.close();
    },
  );

  test("the theme follows the system, and a choice counts in every tab, also before the page is drawn", async () => {
    const page = await o.newTab();
    const background = (of: Page): Promise<string> => of.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(o.url);
    await page.locator("#app").waitFor();
    const dark = await background(page);
    await page.emulateMedia({ colorScheme: "light" });
    const light = await background(page);
    expect(light).not.toBe(dark);
    await page.getByRole("button", { name: "Dark", exact: true }).click();
    expect(await background(page)).toBe(dark);
    await expect.poll(() => background(o.page)).toBe(dark);
    await page.reload({ waitUntil: "commit" });
    await page.waitForFunction(() => document.documentElement.dataset["theme"] === "dark");
    await page.locator("#app").waitFor();
    await page.getByRole("button", { name: "As the system" }).click();
    expect(await background(page)).toBe(light);
    await page.close();
  });

  test("on a phone nothing is wider than the screen, and the list comes and goes by its button", async () => {
    const phone = await o.newTab();
    await phone.setViewportSize({ width: 360, height: 640 });
    // One that has much to say about why it does not run.
    await o.call("POST", "/api/bots", { name: "broken", kind: "command", options: { command: "false" }, restart: { maxRestarts: 0 } });
    await o.page.locator("#sidebar", { hasText: "1 failed" }).waitFor();
    for (const address of [conversation, `${o.url}/#new/bee`, `${o.url}/#bots`, `${o.url}/#bots/broken`, `${o.url}/#add-bot`]) {
      await phone.goto(address);
      await phone.locator("#title").waitFor();
      expect({ address, width: await phone.evaluate(() => document.documentElement.scrollWidth) }).toEqual({ address, width: 360 });
      // Neither is what scrolls inside.
      const beyond = await phone.evaluate(() =>
        [...document.querySelectorAll("main :is(a, button, h1, h2, h3, input, p, textarea)")]
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth)
          .map((one) => one.textContent),
      );
      expect({ address, beyond }).toEqual({ address, beyond: [] });
    }
    await phone.goto(conversation);
    await phone.locator("#log .permission").waitFor();
    expect(await phone.evaluate(() => (document.getElementById("scroll") as HTMLElement).scrollWidth)).toBeLessThanOrEqual(360);
    expect(await phone.locator("#sidebar").isVisible()).toBe(false);
    await phone.getByRole("button", { name: "Conversations" }).click();
    await phone.locator("#conversations a").first().click();
    await phone.locator("#sidebar").waitFor({ state: "hidden" });
    await phone.close();
    await o.call("DELETE", "/api/bots/broken");
  });

  test("everything is done by keyboard: begin, send, stop, find, go through the list, shortcuts on and off", async () => {
    const page = await o.newTab();
    await page.goto(conversation);
    await page.locator("#log .permission").waitFor();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.id ?? "");
    // The field of the message has the focus: letters are text there.
    await expect.poll(focused).toBe("text");
    await page.keyboard.type("n?");
    expect(await page.inputValue("#text")).toBe("n?");
    await page.fill("#text", "");
    await page.locator("#scroll").focus();
    await page.keyboard.press("n");
    await page.locator("#title", { hasText: "New conversation" }).waitFor();
    await expect.poll(focused).toBe("text");
    await page.keyboard.type("/stream 300 20");
    await page.keyboard.press("Enter");
    await page.locator("[data-draft]", { hasText: "piece 3" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#log .status", { hasText: "Stopped" }).waitFor();
    await page.keyboard.press("Alt+ArrowDown");
    await expect.poll(() => page.url()).toBe(conversation);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("bots");
    await page.keyboard.press("Enter");
    await page.locator("#fleet").waitFor();
    await page.locator("h1").click();
    await page.keyboard.press("?");
    await page.getByLabel("Single letters are commands").uncheck();
    await page.keyboard.press("Escape");
    await page.locator("#shortcuts").waitFor({ state: "detached" });
    await page.keyboard.press("n");
    await page.keyboard.press("?");
    expect(await page.locator("#shortcuts").count()).toBe(0);
    expect(await page.locator("#fleet").count()).toBe(1);
    await page.evaluate(() => localStorage.removeItem("skep.letters-off"));
    await page.close();
  });

  test("the first load is under 200 kB, compressed, and nothing of it comes from elsewhere or inline", async () => {
    const context = await o.newContext();
    const page = await o.newTab(context);
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => void (bytes += encodedDataLength));
    await page.goto(o.url, { waitUntil: "networkidle" });
    await page.locator("#sign-in").waitFor();
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(200_000);
    const html = await page.request.get(o.url);
    expect(html.headers()["content-security-policy"]).toContain("require-trusted-types-for 'script'");
    expect(await html.text()).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:/);
    // The browser itself holds to it.
    const refused = await page.evaluate(() => {
      try {
        document.body.insertAdjacentHTML("beforeend", "<b>markup</b>");
        return "";
      } catch (error) {
        return String(error);
      }
    });
    expect(refused).toMatch(/TrustedHTML/);
    expect(o.trouble.splice(0).every((line) => /trusted|TrustedHTML/i.test(line))).toBe(true);
    await context.close();
  });
});
