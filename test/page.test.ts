/** The page in a real browser, against the real program: what a person sees when all goes well, and when it does not. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const places = [process.env["SKEP_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place !== undefined && existsSync(place));
if (executablePath === undefined)
  console.warn("The page is not tested: install chromium (apt-get install chromium) or name one in SKEP_CHROMIUM.");

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const program = fileURLToPath(new URL("../packages/server/bin/skep.js", import.meta.url));

interface Server {
  url: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function startServer(data: string, port: number): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [program, "start", "--port", String(port), "--data", data, "--log", "off"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const ready = /^ready (http:\S+)/.exec(line)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    child.once("exit", (code) => reject(new Error(`the server ended before it was ready (${code})`)));
  });
  return {
    url,
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** What "/stream N" is answered with. */
const pieces = (count: number): string => Array.from({ length: count }, (_, i) => `piece ${i + 1} 🐝 `).join("");

describe.skipIf(executablePath === undefined)("the page", () => {
  let browser: Browser;
  let data: string;
  let server: Server;
  let context: BrowserContext;
  let page: Page;
  let signInLink: string;
  const trouble: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: flags });
    data = mkdtempSync(join(tmpdir(), "skep-page-"));
    server = await startServer(data, 0);
    signInLink = readFileSync(join(data, "signin-link"), "utf8").trim();
    context = await browser.newContext();
  });
  afterAll(async () => {
    await browser.close();
    await server.kill("SIGTERM");
    rmSync(data, { recursive: true, force: true });
  });

  beforeEach(async () => {
    trouble.length = 0;
    page = await context.newPage();
    page.on("pageerror", (error) => trouble.push(error.message));
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) trouble.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url.replace(/^http/, "")) && !request.url().startsWith(server.url)) trouble.push(request.url());
    });
  });
  afterEach(async () => {
    await page.close();
    expect(trouble).toEqual([]);
  });

  const say = async (text: string): Promise<void> => {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  };
  const texts = (): Promise<string[]> =>
    page.locator("#log .text").evaluateAll((found) => found.map((element) => element.textContent ?? ""));
  /** Waits until the log reads like this, from the top to the bottom. */
  const reads = (expected: readonly string[]): Promise<unknown> =>
    page.waitForFunction(
      (wanted) => JSON.stringify([...document.querySelectorAll("#log .text")].map((element) => element.textContent)) === wanted,
      JSON.stringify(expected),
    );
  const begin = async (): Promise<void> => {
    await page.goto(server.url);
    await page.locator("#bots button", { hasText: "bee" }).click();
    await page.click("#new-conversation");
    await page.waitForFunction(() => document.querySelector("#title")?.textContent === "New conversation with bee");
  };

  test("[R-B9] who is not signed in is told what to do, and the link signs in and leaves the address", async () => {
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    await other.goto(server.url);
    await other.getByText("skep signin").waitFor();
    expect(await other.locator("#app").isVisible()).toBe(false);
    await stranger.close();

    await page.goto(signInLink);
    await page.locator("#bots button").first().waitFor();
    expect(page.url()).not.toContain("signin");
    const status = await page.evaluate(async () => {
      const body = JSON.stringify({ name: "bee", kind: "echo" });
      return (await fetch("/api/bots", { method: "POST", headers: { "content-type": "application/json" }, body })).status;
    });
    expect(status).toBe(201);
    await page.locator("#bots button", { hasText: "bee" }).waitFor();
    await page.locator("#bots .dot.ready").first().waitFor();
  });

  test("[O2] [T2] what is sent stands in the log, and its answer is shown while it is written", async () => {
    await begin();
    await say("hello");
    await reads(["hello", "hello"]);
    await say("/stream 40 20");
    await page.locator("#turns .text", { hasText: "piece 2" }).waitFor();
    await reads(["hello", "hello", "/stream 40 20", pieces(40)]);
    expect(await page.locator("#turns li").count()).toBe(0);
    expect(await page.locator("#pending li").count()).toBe(0);
  });

  test("[T2] [T3] a reload in the middle of an answer goes on where it was", async () => {
    await begin();
    await say("/stream 100 20");
    await page.locator("#turns .text", { hasText: "piece 5" }).waitFor();
    await page.fill("#text", "half a thought");
    await page.reload();
    await page.locator("#turns .text", { hasText: "piece 8" }).waitFor();
    expect(await page.locator("#turns .text").textContent()).toMatch(/^piece 1 /);
    expect(await page.inputValue("#text")).toBe("half a thought");
    await reads(["/stream 100 20", pieces(100)]);
  });

  test("[B1] [C2] [K2] the server is killed in the middle of an answer: the page says so, keeps what is sent meanwhile, and goes on", async () => {
    await begin();
    await say("/stream 100 20");
    await page.locator("#turns .text", { hasText: "piece 3" }).waitFor();
    const address = page.url();
    const port = Number(new URL(server.url).port);
    await server.kill("SIGKILL");
    await page.locator("#connection", { hasText: "Connection lost, retrying…" }).waitFor();
    await say("while you were away");
    await page.locator("#pending .status", { hasText: "Waiting for a connection" }).waitFor();
    // The page is closed while the server is away: what was not sent is the next one's.
    await page.goto("about:blank");
    server = await startServer(data, port);
    await page.goto(address);
    await page.locator("#log .text", { hasText: "while you were away" }).first().waitFor();
    await reads(["/stream 100 20", "while you were away", pieces(100), "while you were away"]);
    expect(await page.locator("#pending li").count()).toBe(0);
  });

  test("[C2] [R-A5] the server comes back under an open page: everything is there, once, without a reload", async () => {
    await begin();
    await say("one");
    await reads(["one", "one"]);
    const port = Number(new URL(server.url).port);
    await server.kill("SIGKILL");
    await say("two");
    await say("three");
    await page.locator("#pending .status", { hasText: "Waiting for a connection" }).last().waitFor();
    server = await startServer(data, port);
    await page.waitForFunction(() => document.querySelectorAll("#log .text").length === 6);
    const shown = await texts();
    expect(shown.filter((_, i) => i < 2)).toEqual(["one", "one"]);
    const own = await page.locator("#log .person .text").evaluateAll((found) => found.map((element) => element.textContent));
    expect(own).toEqual(["one", "two", "three"]);
    expect(await page.locator("#connection").isVisible()).toBe(false);
  });

  test("[R-B9] [R-B4] script and any Unicode in a message are shown as text", async () => {
    await begin();
    const nasty = `<script>document.title="owned"</script><img src="http://127.0.0.1:1/x" onerror="document.title='owned'"> ‮שלום👩‍👩‍👧‍👦 e\u0301`;
    await say(nasty);
    await reads([nasty, nasty]);
    expect(await page.locator("#log script, #log img").count()).toBe(0);
    expect(await page.title()).not.toBe("owned");
  });

  test("[T6] thoughts, tools and plans are folded, while they come and afterwards; a plan is open", async () => {
    await begin();
    await say("/tool Look <b>into</b> the hive");
    const tool = page.locator("#log .part.tool");
    await tool.locator(".state", { hasText: "done" }).waitFor();
    expect(await tool.locator("summary span").first().textContent()).toBe("Look <b>into</b> the hive");
    expect(await tool.locator("pre").last().isVisible()).toBe(false);
    await tool.locator("summary").focus();
    await page.keyboard.press("Enter");
    await tool.locator("pre", { hasText: "3 bees" }).waitFor();
    await say("/thought one two three");
    await page.locator("#log .part.thought").waitFor();
    expect(await page.locator("#log .part.thought div").textContent()).toBe("one two three ");
    await say("/plan 3");
    await page.locator("#log .part.plan li.completed").nth(2).waitFor();
    await page.reload();
    await page.locator("#log .part.plan li.completed").nth(2).waitFor();
    expect(await page.locator("#log .part").count()).toBe(3);
  });

  test("[P1] [P2] a request for permission is a card, is decided on with the keyboard, and survives a reload", async () => {
    await begin();
    await say("/permission Empty \u202egpj.evih <script>");
    const card = page.locator("#turns .permission");
    await card.waitFor();
    // What would turn the text around is shown by its number, not obeyed.
    expect(await card.locator(".question").textContent()).toBe("bee asks: Empty ‹U+202E›gpj.evih <script>");
    await page.locator("#turns .status", { hasText: "bee waits for your decision" }).waitFor();
    await page.reload();
    await card.waitFor();
    await card.getByRole("button", { name: "Reject" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#log .text", { hasText: ": no" }).waitFor();
    expect(await page.locator("#turns .permission").count()).toBe(0);
    expect(await page.locator("#log .part.tool .state").textContent()).toBe("failed");
  });

  test("[P2] what another tab has decided takes the card away here", async () => {
    await begin();
    await say("/permission Open the hive");
    await page.locator("#turns .permission").waitFor();
    const other = await context.newPage();
    await other.goto(page.url());
    await other.locator("#turns .permission").getByRole("button", { name: "Allow", exact: true }).click();
    await page.locator("#log .text", { hasText: ": once" }).waitFor();
    expect(await page.locator("#turns .permission").count()).toBe(0);
    await other.close();
  });

  test("[T3] [B5] an answer is stopped with Esc and tried again with a button", async () => {
    await begin();
    await say("/stream 300 20");
    await page.locator("#turns .text", { hasText: "piece 3" }).waitFor();
    await page.press("#text", "Escape");
    await page.locator("#log .status", { hasText: "Stopped" }).waitFor();
    expect((await texts()).at(-1)).toMatch(/^piece 1 🐝 piece 2/);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("#turns .text", { hasText: "piece 2" }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.waitForFunction(() => document.querySelectorAll("#log .status:not([hidden]) button").length === 1);
  });

  test("[R-B2] a message that is refused stays, with the reason, to be edited", async () => {
    await begin();
    await say("first");
    await reads(["first", "first"]);
    const long = "x".repeat(11_000);
    await say(long);
    await page.locator("#pending .status", { hasText: "the limit is 10240" }).waitFor();
    await say("after it");
    await reads(["first", "first", "after it", "after it"]);
    await page.getByRole("button", { name: "Edit" }).click();
    expect(await page.inputValue("#text")).toBe(long);
    // The list is drawn once per frame, so it is empty with the next one.
    await page.locator("#pending li").waitFor({ state: "detached" });
  });

  test("[O2] two tabs are in step, and each keeps the order of its own", async () => {
    await begin();
    await say("from the first");
    await reads(["from the first", "from the first"]);
    const other = await context.newPage();
    await other.goto(page.url());
    await other.locator("#log .text", { hasText: "from the first" }).first().waitFor();
    await other.fill("#text", "from the second");
    await other.press("#text", "Enter");
    await reads(["from the first", "from the first", "from the second", "from the second"]);
    await say("from the first again");
    await other.locator("#log .text", { hasText: "from the first again" }).nth(1).waitFor();
    expect(await other.locator("#log .text").allTextContents()).toEqual(await texts());
    await other.close();
  });

  test("[K2] what a closed tab has left unsent is sent by another one", async () => {
    await begin();
    await say("here");
    await reads(["here", "here"]);
    const other = await context.newPage();
    await other.goto(page.url());
    await other.locator("#log .text", { hasText: "here" }).first().waitFor();
    const port = Number(new URL(server.url).port);
    await server.kill("SIGKILL");
    for (const text of ["left one", "left two"]) {
      await other.fill("#text", text);
      await other.press("#text", "Enter");
    }
    await other.locator("#pending li").nth(1).waitFor();
    await other.close();
    await page.locator("#pending .text", { hasText: "left two" }).waitFor();
    server = await startServer(data, port);
    await page.waitForFunction(() => document.querySelectorAll("#log .text").length === 6);
    const own = await page.locator("#log .person .text").evaluateAll((found) => found.map((element) => element.textContent));
    expect(own).toEqual(["here", "left one", "left two"]);
  });
});
