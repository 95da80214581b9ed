/** The page in a real browser, against the real program in a process of its own, so that it can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const places = [process.env["SKEP_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place !== undefined && existsSync(place));
/** Nothing to test the page with; the tests say so by being skipped. */
export const noBrowser = executablePath === undefined;
if (noBrowser) console.warn("The page is not tested: install chromium (apt-get install chromium) or name one in SKEP_CHROMIUM.");

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
const program = fileURLToPath(new URL("../../packages/server/bin/skep.js", import.meta.url));

interface Server {
  url: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function startServer(data: string, port: number): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [program, "start", "--port", String(port), "--data", data, "--log", "off"], {
    stdio: ["ignore", "pipe", "ignore"],
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

/** What "/stream N" of the echo bot is answered with. */
export const pieces = (count: number): string => Array.from({ length: count }, (_, i) => `piece ${i + 1} 🐝 `).join("");

/** What stands in the log; not what is still being written. */
const said = "#log li > article [data-role] :is(.said):not([data-draft] .said), #log li > article .said[data-role]";

const squeezed = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** One server, one browser, and the people who look at it. */
export class OpenedPage {
  readonly browser: Browser;
  readonly data: string;
  /** Requests that left the page, errors in it, and what its policy stopped. */
  readonly trouble: string[] = [];
  page!: Page;
  context!: BrowserContext;
  #server: Server;

  private constructor(browser: Browser, data: string, server: Server) {
    this.browser = browser;
    this.data = data;
    this.#server = server;
  }

  /** @param prepare fills the data folder before the server starts @param flagsToo more flags of the browser */
  static async open(
    prepare: (data: string) => Promise<unknown> = async () => {},
    options: BrowserContextOptions = {},
    flagsToo: readonly string[] = [],
  ): Promise<OpenedPage> {
    const data = mkdtempSync(join(tmpdir(), "skep-page-"));
    await prepare(data);
    const [browser, server] = await Promise.all([
      chromium.launch({ executablePath: executablePath as string, args: [...flags, ...flagsToo] }),
      startServer(data, 0),
    ]);
    const opened = new OpenedPage(browser, data, server);
    opened.context = await opened.newContext(options);
    opened.context.setDefaultTimeout(15_000);
    return opened;
  }

  get url(): string {
    return this.#server.url;
  }

  get signInLink(): string {
    return readFileSync(join(this.data, "signin-link"), "utf8").trim();
  }

  newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    return this.browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...options });
  }

  /** A new tab, watched. */
  async newTab(context = this.context): Promise<Page> {
    const page = await context.newPage();
    page.on("pageerror", (error) => this.trouble.push(error.message));
    page.on("console", (message) => {
      if (/content security policy|trusted type/i.test(message.text())) this.trouble.push(message.text());
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.url) && !url.startsWith("blob:")) this.trouble.push(url);
    });
    return page;
  }

  /** Signs in, and adds a bot "bee" that echoes. */
  async signIn(): Promise<void> {
    this.page = await this.newTab();
    await this.page.goto(this.signInLink);
    await this.page.locator("#choose-bot button, #log").first().waitFor();
    await this.call("POST", "/api/bots", { name: "bee", kind: "echo" });
  }

  /** REST, as the person who is signed in. */
  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await this.context.request.fetch(this.url + path, {
      method,
      headers: { origin: this.url, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { data: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status(), body: text === "" ? null : JSON.parse(text) };
  }

  /** A conversation with the bee that does not exist yet. */
  async begin(page = this.page): Promise<void> {
    await page.goto(`${this.url}/#new/bee`);
    await page.locator("#title", { hasText: "New conversation with bee" }).waitFor();
  }

  async say(text: string, page = this.page): Promise<void> {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  }

  /** What stands in the log, from the top to the bottom; white space squeezed, since answers are set as Markdown. */
  async texts(page = this.page): Promise<string[]> {
    const found = await page.locator(said).evaluateAll((all) => all.map((element) => element.textContent ?? ""));
    return found.map(squeezed);
  }

  /** Waits until the log reads like this. */
  async reads(expected: readonly string[], page = this.page): Promise<void> {
    await page.waitForFunction(
      ([place, wanted]) => {
        const found = [...document.querySelectorAll(place as string)];
        return JSON.stringify(found.map((element) => (element.textContent ?? "").replaceAll(/\s+/g, " ").trim())) === wanted;
      },
      [said, JSON.stringify(expected.map(squeezed))],
    );
  }

  /** The newest message as it is copied: its text, byte for byte. */
  async copied(page = this.page): Promise<string> {
    const button = page.locator("#log li").last().getByRole("button", { name: "Copy message" });
    await button.hover();
    await button.click();
    await page.locator("#log li").last().getByRole("button", { name: "Copied" }).waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  }

  async killServer(): Promise<void> {
    await this.#server.kill("SIGKILL");
  }

  /** On the same port, so that it is the same place for the page. */
  async startServer(): Promise<void> {
    this.#server = await startServer(this.data, Number(new URL(this.url).port));
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.#server.kill("SIGTERM");
    rmSync(this.data, { recursive: true, force: true });
  }
}
