/** The hooks in a real browser, with the real server behind a line that can be cut. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../packages/client/src/index.ts";
import { bundled } from "../../packages/client/check-package.ts";
import { CuttableLine } from "../support/cuttable-line.ts";
import { startedServer, type StartedServer } from "../support/started-server.ts";

const places = [process.env["SKEP_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place !== undefined && existsSync(place));

declare global {
  var show: (token: string, ids: string[]) => void;
  var choose: (id: string) => void;
  var trouble: string[];
}
declare const client: Client;

describe.skipIf(executablePath === undefined)("hooks", () => {
  let server: StartedServer;
  let line: CuttableLine;
  let browser: Browser;
  let page: Page;
  let long: string;
  let short: string;

  beforeAll(async () => {
    line = await CuttableLine.open();
    server = await startedServer({ allowedHosts: [`127.0.0.1:${line.port}`] });
    line.leadTo(server.url);
    [long, short] = (await Promise.all(
      [1, 2].map(async () => (await server.call("POST", "/api/conversations", { bot: "echo" })).body.id as string),
    )) as [string, string];
    for (let i = 1; i <= 30; i++) await server.call("POST", `/api/conversations/${long}/messages?wait=20`, { text: `question ${i}` });
    const program = await bundled(import.meta.dirname, "react-page");
    browser = await chromium.launch({ executablePath: executablePath as string, args: ["--no-sandbox", "--disable-gpu"] });
    const context = await browser.newContext({ bypassCSP: true });
    page = await context.newPage();
    await page.goto(`${line.url}/healthz`);
    await page.evaluate(program);
    await page.evaluate(([token, ...ids]) => show(token as string, ids), [server.token, long, short]);
  });
  afterAll(async () => {
    await browser.close();
    await line.close();
    await server.end();
  });

  /** What both views show. */
  const shows = (expected: { first: string; last: string; count: number }): Promise<unknown> =>
    page.waitForFunction(({ first, last, count }) => {
      const views = [...document.querySelectorAll("section")].map((section) =>
        [...section.querySelectorAll("li")].map((li) => li.textContent),
      );
      return views.length === 2 && views.every((texts) => texts.length === count && texts[0] === first && texts.at(-1) === last);
    }, expected);

  test("the newest messages are there, earlier ones come when they are asked for; the fleet and the connection are told", async () => {
    await shows({ first: "question 21", last: "question 30", count: 20 });
    for (const button of await page.getByText("earlier").all()) await button.click();
    await shows({ first: "question 11", last: "question 30", count: 40 });
    await page.waitForFunction(
      () => document.querySelector("b")?.textContent === "open" && document.querySelector("u")?.textContent === "echo",
    );
  });

  test("[T2] a send, its answer as it is written, and the message: never two of them at once, also across a cut", async () => {
    await page.evaluate((id) => void client.conversation(id).send("/stream 60 10"), long);
    await page.waitForFunction(() => (document.querySelector("output")?.textContent?.length ?? 0) > 150);
    line.cut();
    const text = Array.from({ length: 60 }, (_, i) => `piece ${i + 1} 🐝 `).join("");
    await shows({ first: "question 11", last: text, count: 42 });
    await page.waitForFunction(() => document.querySelector("output, i") === null);
    expect(await page.evaluate(() => trouble)).toEqual([]);
  });

  test("a connection that is lost is told, and sends wait", async () => {
    line.leadTo(null);
    line.cut();
    await page.evaluate((id) => void client.conversation(id).send("while away"), long);
    await page.waitForFunction(
      () => document.querySelector("b")?.textContent === "waiting" && document.querySelector("i")?.textContent === "waiting: while away",
    );
    line.leadTo(server.url);
    await shows({ first: "question 11", last: "while away", count: 44 });
  });

  test("another conversation takes the place of the first; one that is erased says so", async () => {
    await page.evaluate((id) => choose(id), short);
    await page.waitForFunction(
      () => document.querySelectorAll('section[data-state="ready"]').length === 2 && document.querySelector("li") === null,
    );
    await page.evaluate((id) => void client.conversation(id).send("the first"), short);
    await shows({ first: "the first", last: "the first", count: 2 });
    await server.call("DELETE", `/api/conversations/${short}`);
    await page.waitForFunction(() => document.querySelectorAll('section[data-state="failed"][data-reset="erased"]').length === 2);
    expect(await page.locator("li").count()).toBe(0);
    expect(await page.evaluate(() => trouble)).toEqual([]);
  });
});
