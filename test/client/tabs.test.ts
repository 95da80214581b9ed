/** The outbox in a real browser: tabs that are closed, crash, are reloaded, and a browser that is killed, with sends that the server has not heard of. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type * as Skep from "../../packages/client/src/index.ts";
import { build } from "../../packages/client/build.ts";
import { bundled } from "../../packages/client/check-package.ts";
import { CuttableLine } from "../support/cuttable-line.ts";
import { startedServer, type StartedServer } from "../support/started-server.ts";

const places = [process.env["SKEP_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place !== undefined && existsSync(place));

declare global {
  // What the test's page has.
  var skep: typeof Skep;
  var client: Skep.Client;
}

/** Resolves to this machine in the test's browser; what is reached by a name like this, without TLS, gets no locks. */
const insecure = "skep.test";

/** Not by frames: a tab behind another one draws none. */
const polling = { polling: 25 };

describe.skipIf(executablePath === undefined)("tabs", () => {
  let server: StartedServer;
  let line: CuttableLine;
  let folder: string;
  let program: string;
  let browser: KillableBrowser;
  let id: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "skep-tabs-"));
    const built = join(folder, "package");
    build(built);
    writeFileSync(join(built, "tab.js"), `import * as skep from "./index.js"; globalThis.skep = skep;`);
    program = await bundled(built, "tab");
    line = await CuttableLine.open();
    server = await startedServer({ allowedHosts: [`127.0.0.1:${line.port}`, `${insecure}:${line.port}`] });
    browser = await KillableBrowser.start(join(folder, "profile"));
  });
  afterAll(async () => {
    await browser?.kill();
    await line?.close();
    await server?.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  beforeEach(async () => {
    line.leadTo(server.url);
    line.toServer = "pass";
    line.toClient = "pass";
    id = (await server.call("POST", "/api/conversations", { bot: "echo" })).body.id;
  });

  /** A tab with the client in it. */
  async function openTab(host = "127.0.0.1"): Promise<Page> {
    const page = await browser.context.newPage();
    const session = await browser.context.newCDPSession(page);
    // What answers at this address allows no scripts.
    await session.send("Page.setBypassCSP", { enabled: true });
    await load(page, host);
    return page;
  }

  /** On a page of the server's own: one of another origin, or one that the browser was handed, gets no connection. */
  async function load(page: Page, host = "127.0.0.1"): Promise<void> {
    await page.goto(`http://${host}:${line.port}/healthz`);
    await page.evaluate(program);
    await page.evaluate((token) => {
      globalThis.client = skep.connect({ url: location.origin, token, storage: skep.browserStorage() });
    }, server.token);
    await page.waitForFunction(() => client.connection.name !== "idle", null, polling);
  }

  /** Gives a text to the tab's outbox, and waits until it is in the database. */
  async function give(page: Page, ...texts: string[]): Promise<void> {
    await page.evaluate(
      ([conversation, ...all]) => {
        for (const text of all)
          client
            .conversation(conversation as string)
            .send(text)
            .catch(() => {});
      },
      [id, ...texts],
    );
    await page.waitForFunction(
      async (last) => {
        const request = indexedDB.open("skep.outbox");
        const database = await new Promise<IDBDatabase>((resolve) => (request.onsuccess = () => resolve(request.result)));
        const all = database.transaction("outboxes").objectStore("outboxes").getAll();
        await new Promise((resolve) => (all.onsuccess = resolve));
        database.close();
        return JSON.stringify(all.result).includes(JSON.stringify(last));
      },
      texts.at(-1) as string,
      polling,
    );
  }

  const outboxes = (page: Page): Promise<number> =>
    page.evaluate(async () => {
      const request = indexedDB.open("skep.outbox");
      const database = await new Promise<IDBDatabase>((resolve) => (request.onsuccess = () => resolve(request.result)));
      const count = database.transaction("outboxes").objectStore("outboxes").count();
      await new Promise((resolve) => (count.onsuccess = resolve));
      database.close();
      return count.result;
    });

  const personsTexts = async (): Promise<string[]> => {
    const { messages } = (await server.call("GET", `/api/conversations/${id}/messages?after=0&limit=500`)).body;
    return messages.filter(({ role }: { role: string }) => role === "person").map(({ text }: { text: string }) => text);
  };
  const stands = async (count: number): Promise<string[]> => {
    for (let tries = 0; tries < 600; tries++) {
      const texts = await personsTexts();
      if (texts.length >= count) return texts;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`waited for ${count} messages: ${(await personsTexts()).join(" | ")}`);
  };
  const goAway = (): void => {
    line.leadTo(null);
    line.cut();
  };

  test("[K3] [O3] two tabs send side by side, each in its own order", async () => {
    const [one, two] = [await openTab(), await openTab()];
    const send = (page: Page, name: string): Promise<boolean[]> =>
      page.evaluate(
        async ([conversation, from]) => {
          const all = Array.from({ length: 30 }, (_, i) => client.conversation(conversation as string).send(`${from} ${i}`));
          return (await Promise.all(all)).map(({ duplicate }) => duplicate);
        },
        [id, name],
      );
    const duplicates = await Promise.all([send(one, "one"), send(two, "two")]);
    expect(duplicates.flat()).not.toContain(true);
    const texts = await stands(60);
    for (const name of ["one", "two"]) {
      expect(texts.filter((text) => text.startsWith(name))).toEqual(Array.from({ length: 30 }, (_, i) => `${name} ${i}`));
    }
    await Promise.all([one.close(), two.close()]);
  });

  test("[K2] what a tab had not sent when it was closed is sent by the other one, once, after its own", async () => {
    const [one, two] = [await openTab(), await openTab()];
    goAway();
    await give(two, "mine");
    await give(one, "left 1", "left 2");
    await one.close();
    await two.waitForFunction((conversation) => client.conversation(conversation).pending.length === 3, id, polling);
    line.leadTo(server.url);
    expect(await stands(3)).toEqual(["mine", "left 1", "left 2"]);
    await two.waitForFunction(() => client.unsent.length === 0, null, polling);
    expect(await outboxes(two)).toBe(1);
    await two.close();
  });

  test("[K2] a tab that crashes leaves its sends to the other one; what had been accepted before is not there twice", async () => {
    const [one, two] = [await openTab(), await openTab()];
    await one.waitForFunction(() => client.connection.name === "open", null, polling);
    // The server hears of it, and the tab never hears of that.
    line.toClient = "swallow";
    await give(one, "heard of");
    await stands(1);
    goAway();
    await give(one, "not heard of");
    await one.goto("chrome://crash").catch(() => {});
    await two.waitForFunction((conversation) => client.conversation(conversation).pending.length === 2, id, polling);
    line.toClient = "pass";
    line.leadTo(server.url);
    expect(await stands(2)).toEqual(["heard of", "not heard of"]);
    await two.waitForFunction(() => client.unsent.length === 0, null, polling);
    expect(await personsTexts()).toEqual(["heard of", "not heard of"]);
    await Promise.all([one.close(), two.close()]);
  });

  test("[K2] what was not sent survives a reload", async () => {
    const page = await openTab();
    goAway();
    await give(page, "before the reload");
    line.leadTo(server.url);
    await load(page);
    expect(await stands(1)).toEqual(["before the reload"]);
    await page.close();
  });

  test("[K2] [K3] without locks (an address that is not secure) what was not sent survives a reload, and a copied tab doubles nothing", async () => {
    const page = await openTab(insecure);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    await page.waitForFunction(() => client.connection.name === "open", null, polling);
    goAway();
    await page.evaluate((conversation) => {
      for (const text of ["one", "two"])
        client
          .conversation(conversation)
          .send(text)
          .catch(() => {});
    }, id);
    const kept = await page.waitForFunction(
      () => {
        const text = sessionStorage.getItem("skep.outbox") ?? "";
        return text.includes('"two"') && text;
      },
      null,
      polling,
    );
    const record = (await kept.jsonValue()) as string;
    // A tab that is duplicated begins with the session storage of the first.
    const copy = await browser.context.newPage();
    await copy.addInitScript((text) => sessionStorage.setItem("skep.outbox", text), record);
    const session = await browser.context.newCDPSession(copy);
    await session.send("Page.setBypassCSP", { enabled: true });
    line.leadTo(server.url);
    await Promise.all([load(page, insecure), load(copy, insecure)]);
    for (const tab of [page, copy])
      await tab.waitForFunction(() => client.connection.name === "open" && client.unsent.length === 0, null, polling);
    expect(await personsTexts()).toEqual(["one", "two"]);
    const send = (tab: Page, name: string): Promise<void> =>
      tab.evaluate(
        async ([conversation, from]) => {
          const sent: Promise<unknown>[] = [];
          for (let i = 0; i < 100; i++) {
            sent.push(client.conversation(conversation as string).send(`${from} ${i}`));
            // Four at a time are under way.
            if (i >= 4) await sent[i - 4];
          }
          await Promise.all(sent);
        },
        [id, name],
      );
    await Promise.all([send(page, "first"), send(copy, "copy")]);
    const texts = await personsTexts();
    for (const name of ["first", "copy"]) {
      expect(texts.filter((text) => text.startsWith(name))).toEqual(Array.from({ length: 100 }, (_, i) => `${name} ${i}`));
    }
    await Promise.all([page.close(), copy.close()]);
  });

  test("[K2] a browser that is killed sends when it is opened again what it had not sent", async () => {
    const page = await openTab();
    goAway();
    await give(page, "before the kill 1", "before the kill 2");
    await browser.kill();
    line.leadTo(server.url);
    browser = await KillableBrowser.start(join(folder, "profile"));
    const again = await openTab();
    expect(await stands(2)).toEqual(["before the kill 1", "before the kill 2"]);
    await again.waitForFunction(() => client.unsent.length === 0, null, polling);
    expect(await outboxes(again)).toBe(1);
    await again.close();
  });
});

/** Chromium with a profile that outlives it. */
class KillableBrowser {
  readonly context: BrowserContext;
  readonly #process: ChildProcess;

  private constructor(context: BrowserContext, process: ChildProcess) {
    this.context = context;
    this.#process = process;
  }

  static async start(profile: string): Promise<KillableBrowser> {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
    ];
    // A tab behind another one draws no frames and has slow timers; not here.
    const awake = ["--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"];
    const options = [
      ...awake,
      `--host-resolver-rules=MAP ${insecure} 127.0.0.1`,
      "--disable-sync",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ];
    // A group of its own: its helpers end with it.
    const child = spawn(executablePath as string, [...flags, ...options], { stdio: ["ignore", "ignore", "pipe"], detached: true });
    const address = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stderr }).on("line", (said) => {
        const at = /^DevTools listening on (ws:\S+)/.exec(said)?.[1];
        if (at !== undefined) resolve(at);
      });
      child.once("exit", (code) => reject(new Error(`the browser ended (${code})`)));
    });
    const browser: Browser = await chromium.connectOverCDP(address);
    return new KillableBrowser(browser.contexts()[0] as BrowserContext, child);
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    process.kill(-(this.#process.pid as number), "SIGKILL");
    await ended;
  }
}
