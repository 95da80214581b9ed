/** The page in a real browser: what an answer holds besides text, and what a bot asks for. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

describe.skipIf(noBrowser)("parts and permissions on the page", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  test("[T6] thoughts, tools and plans stand folded where they began, while they come and afterwards; a plan is open", async () => {
    await o.begin();
    await o.say("/tool Look <b>into</b> the hive");
    const tool = o.page.locator("#log .part.tool");
    await tool.locator(".state", { hasText: "done" }).waitFor();
    expect(await tool.locator(".title").textContent()).toBe("Look <b>into</b> the hive");
    expect((await o.texts()).at(-1)).toMatch(/^Before\..*After\.$/);
    expect(await tool.locator("pre").last().isVisible()).toBe(false);
    await tool.locator("summary").focus();
    await o.page.keyboard.press("Enter");
    await tool.locator("pre", { hasText: "3 bees" }).waitFor();
    await o.say("/thought one two three");
    const thought = o.page.locator("#log .part.thought");
    await thought.waitFor();
    await expect.poll(() => thought.locator("div div").textContent()).toBe("one two three ");
    await o.say("/plan 3");
    await o.page.locator("#log .part.plan li.completed").nth(2).waitFor();
    await o.page.reload();
    await o.page.locator("#log .part.plan li.completed").nth(2).waitFor();
    expect(await o.page.locator("#log .part").count()).toBe(3);
  });

  test("[P1] [P2] a request for permission is a card, is decided on with the keyboard, and survives a reload", async () => {
    await o.begin();
    await o.say("/permission Empty \u202egpj.evih <script>");
    const card = o.page.locator("#log .permission");
    await card.waitFor();
    // What would turn the text around is shown by its name, not obeyed.
    expect(await card.locator(".question").textContent()).toBe("bee asks: Empty ‹RLO›gpj.evih <script>");
    await o.page.locator("#log .status", { hasText: "bee waits for your decision" }).waitFor();
    await o.page.reload();
    await card.waitFor();
    await card.getByRole("button", { name: "Reject" }).focus();
    await o.page.keyboard.press("Enter");
    await o.page.locator("#log .said", { hasText: ": no" }).waitFor();
    expect(await card.count()).toBe(0);
    expect(await o.page.locator("#log .part.tool .state").textContent()).toBe("failed");
  });

  test("[P2] what another tab has decided takes the card away here", async () => {
    await o.begin();
    await o.say("/permission Open the hive");
    const card = o.page.locator("#log .permission");
    await card.waitFor();
    const other = await o.newTab();
    await other.goto(o.page.url());
    await other.locator("#log .permission").getByRole("button", { name: "Allow", exact: true }).click();
    await o.page.locator("#log .said", { hasText: ": once" }).waitFor();
    expect(await card.count()).toBe(0);
    await other.close();
  });

  test("[P1] a conversation in which a bot waits for a decision is marked in the list, until it is decided", async () => {
    await o.begin();
    await o.say("/permission Feed the bees");
    await o.page.locator("#log .permission").waitFor();
    const place = o.page.url().slice(o.page.url().indexOf("#"));
    await o.begin();
    const row = o.page.locator(`#conversations a[href="${place}"]`);
    await row.locator(".asks", { hasText: "waits for your decision" }).waitFor();
    await row.click();
    await o.page.getByRole("button", { name: "Allow", exact: true }).click();
    await o.page.locator("#log .said", { hasText: ": once" }).waitFor();
    await o.begin();
    await row.locator(".asks").waitFor({ state: "detached" });
  });
});
