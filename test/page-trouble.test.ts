/** The page in a real browser, against the real program: what a person sees when something breaks (the table in docs/delivery.md). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CuttableLine } from "./support/cuttable-line.ts";
import { noBrowser, OpenedPage, pieces } from "./support/opened-page.ts";

/** How long the line is dead in that test. With 60 it is the minute that somebody spends in a tunnel, and longer than a silent connection is believed (C1). */
const offlineSeconds = Number(process.env["SKEP_OFFLINE_SECONDS"] ?? 0);
const silentSeconds = 45;

describe.skipIf(noBrowser)("a page behind a line that dies", () => {
  let o: OpenedPage;
  let line: CuttableLine;

  beforeAll(async () => {
    line = await CuttableLine.open();
    // People open the page by the line's address.
    o = await OpenedPage.open(undefined, {}, { SKEP_ALLOWED_HOSTS: new URL(line.url).host });
    line.leadTo(o.url);
  });
  afterAll(async () => {
    await o.end();
    await line.close();
  });

  test(
    `[C1] [C2] [K2] [O3] the line swallows everything for ${offlineSeconds} s, without a goodbye; three sends meanwhile are kept, and arrive once, in order`,
    {
      timeout: offlineSeconds * 1000 + 60_000,
    },
    async () => {
      const page = await o.context.newPage();
      await page.goto(`${line.url}/${new URL(o.signInLink).hash}`);
      await page.locator("#choose-bot").waitFor();
      await o.say("before", page);
      await o.reads(["before", "before"], page);

      line.toServer = line.toClient = "swallow";
      const began = Date.now();
      const until = (seconds: number): Promise<void> => page.waitForTimeout(Math.max(0, began + seconds * 1000 - Date.now()));
      const sends = ["in the tunnel", "still in it", "nearly out"];
      for (const [place, text] of sends.entries()) {
        await until((offlineSeconds * place) / sends.length);
        await o.say(text, page);
        await page.locator("[data-pending]", { hasText: text }).waitFor();
      }
      await until(offlineSeconds);
      expect(await page.locator("[data-pending]").count()).toBe(3);
      if (offlineSeconds > silentSeconds) await page.locator("#connection", { hasText: "Connection lost, retrying…" }).waitFor();
      // What the dead line lost does not come back on it.
      line.cut();
      line.toServer = line.toClient = "pass";

      await expect
        .poll(() => page.locator("#log li > article [data-role=person].said").allTextContents(), { timeout: 20_000 })
        .toEqual(["before", ...sends]);
      await expect.poll(async () => (await o.texts(page)).length).toBe(8);
      expect(await page.locator("[data-pending]").count()).toBe(0);
      await page.locator("#connection").waitFor({ state: "detached" });
    },
  );
});

describe.skipIf(noBrowser)("the page in trouble", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  const own = (): Promise<string[]> => o.page.locator("#log li > article [data-role=person].said").allTextContents();

  test("[B1] [C2] [K2] the server is killed in the middle of an answer: the page says so, keeps what is sent meanwhile, and goes on", async () => {
    await o.begin();
    await o.say("/stream 300 20");
    await o.page.locator("[data-draft]", { hasText: "piece 3" }).waitFor();
    const address = o.page.url();
    await o.killServer();
    await o.page.locator("#connection", { hasText: "Connection lost, retrying…" }).waitFor();
    await o.say("while you were away");
    await o.page.locator("[data-pending] .status", { hasText: "Waiting for a connection" }).waitFor();
    // The page is closed while the server is away: what was not sent is the next one's.
    await o.page.goto("about:blank");
    await o.startServer();
    await o.page.goto(address);
    await o.reads(["/stream 300 20", "while you were away", pieces(300), "while you were away"]);
    expect(await o.page.locator("[data-pending]").count()).toBe(0);
  });

  test("[C2] [R-A5] [O3] three sends while the server is away: it comes back under the open page, and everything is there, once, in order", async () => {
    await o.begin();
    await o.say("one");
    await o.reads(["one", "one"]);
    await o.killServer();
    for (const text of ["two", "three", "four"]) await o.say(text);
    await o.page.locator("[data-pending] .status", { hasText: "Waiting for a connection" }).nth(2).waitFor();
    await o.startServer();
    await o.page.locator("#connection[data-back=true]", { hasText: "Connected again" }).waitFor();
    await expect.poll(async () => (await o.texts()).length, { timeout: 15_000 }).toBe(8);
    expect(await own()).toEqual(["one", "two", "three", "four"]);
    await o.page.locator("#connection").waitFor({ state: "detached" });
  });

  test("[C2] [K2] the browser itself is offline for three sends, and back", async () => {
    await o.begin();
    await o.say("before");
    await o.reads(["before", "before"]);
    await o.context.setOffline(true);
    // What is open may live on; the next connection cannot be made.
    await o.killServer();
    for (const text of ["a", "b", "c"]) await o.say(text);
    await o.page.locator("[data-pending]").nth(2).waitFor();
    await o.startServer();
    await o.context.setOffline(false);
    await expect.poll(async () => (await o.texts()).length, { timeout: 15_000 }).toBe(8);
    expect(await own()).toEqual(["before", "a", "b", "c"]);
  });

  test("[O2] two tabs are in step, and each keeps the order of its own", async () => {
    await o.begin();
    await o.say("from the first");
    await o.reads(["from the first", "from the first"]);
    const other = await o.newTab();
    await other.goto(o.page.url());
    await o.reads(["from the first", "from the first"], other);
    await o.say("from the second", other);
    await o.reads(["from the first", "from the first", "from the second", "from the second"]);
    await o.say("from the first again");
    const all = ["from the first", "from the second", "from the first again"].flatMap((text) => [text, text]);
    await o.reads(all);
    await o.reads(all, other);
    // What one does to the list, the other shows: it is told, and does not have to ask.
    await other.getByRole("button", { name: "More", exact: true }).click();
    await other.getByRole("menuitem", { name: "Rename…" }).click();
    await other.getByLabel("Title").fill("Two of us");
    await other.getByRole("button", { name: "Rename", exact: true }).click();
    await o.page.locator("#title", { hasText: "Two of us" }).waitFor({ timeout: 5000 });
    await other.close();
  });

  test("[K2] what a closed tab has left unsent is sent by another one", async () => {
    await o.begin();
    await o.say("here");
    await o.reads(["here", "here"]);
    const other = await o.newTab();
    await other.goto(o.page.url());
    await o.reads(["here", "here"], other);
    await o.killServer();
    for (const text of ["left one", "left two"]) await o.say(text, other);
    await other.locator("[data-pending]").nth(1).waitFor();
    await other.close();
    await o.page.locator("[data-pending]", { hasText: "left two" }).waitFor();
    await o.startServer();
    await expect.poll(async () => (await o.texts()).length, { timeout: 15_000 }).toBe(6);
    expect(await own()).toEqual(["here", "left one", "left two"]);
  });

  test("[B1] [T4] the bot dies in the middle of an answer: the page says that it is tried again, then the answer stands there, once", async () => {
    await o.begin();
    await o.say("/crash-after 5 1");
    await o.reads(["/crash-after 5 1", pieces(5)]);
    expect(await o.copied()).toBe(pieces(5));
    await o.say("/crash");
    await o.page.locator("#log .status", { hasText: /trying again/ }).waitFor();
    await o.page.locator("#log .status", { hasText: "No answer" }).waitFor({ timeout: 20_000 });
    await o.page.getByRole("button", { name: "Try again" }).waitFor();
  });

  test("[B6] a bot that fails again and again: it is marked failed with the reason and a button, what is sent is accepted, and why is to be read", async () => {
    await o.call("POST", "/api/bots", { name: "broken", kind: "command", options: { command: "false" }, restart: { maxRestarts: 1 } });
    await o.page.goto(`${o.url}/#new/broken`);
    await o.page.locator("#sidebar", { hasText: "1 failed" }).waitFor();
    await o.say("are you there?");
    await o.page.locator("#bot-trouble", { hasText: "broken has failed: exited with code 1" }).waitFor();
    await o.page.getByRole("button", { name: "Start it" }).waitFor();
    await o.page.locator("#log .status", { hasText: "Waiting for broken" }).waitFor();
    expect(await o.page.locator("[data-pending]").count()).toBe(0);
    await o.page.getByRole("link", { name: "Why" }).click();
    await o.page.locator("#timeline", { hasText: "it is marked failed" }).waitFor();
    await o.call("DELETE", "/api/bots/broken");
  });

  test("[D5] a conversation that is erased elsewhere says so, and offers another one", async () => {
    await o.begin();
    await o.say("soon gone");
    await o.reads(["soon gone", "soon gone"]);
    const id = /#c\/(\w+)/.exec(o.page.url())?.[1];
    await o.call("DELETE", `/api/conversations/${id}`);
    await o.page.locator("#gone", { hasText: "This conversation was erased." }).waitFor();
    await o.page.getByRole("link", { name: "Begin a new conversation" }).click();
    await o.page.locator("#choose-bot").waitFor();
  });
});
