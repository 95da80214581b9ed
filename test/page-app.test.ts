/** The page as an app in a real browser: what a browser needs to install it, how it opens without its server, and how a new build takes over. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openDoor } from "../packages/server/src/door-under-test.ts";
import { webFolder } from "../packages/server/src/http/assets.ts";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

/** Waits until the page would open without its server. */
const kept = (page: Page): Promise<unknown> =>
  page.waitForFunction(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === "activated");

describe.skipIf(noBrowser)("the page as an app", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  test("the browser reads the manifest without an error, and every icon is there, as large as it says", async () => {
    const session = await o.context.newCDPSession(o.page);
    const { url, data = "", errors } = await session.send("Page.getAppManifest");
    expect({ url, errors }).toEqual({ url: `${o.url}/manifest.webmanifest`, errors: [] });
    const manifest = JSON.parse(data) as { icons: { src: string; sizes: string; type: string; purpose: string }[]; display: string };
    expect(manifest).toMatchObject({ id: "/", start_url: "/", scope: "/", display: "standalone" });
    expect(manifest.icons.map(({ purpose }) => purpose)).toContain("maskable");
    for (const { src, sizes, type } of manifest.icons) {
      const response = await o.context.request.get(o.url + src);
      expect({ src, status: response.status(), type: response.headers()["content-type"] }).toEqual({ src, status: 200, type });
      const body = await response.body();
      if (type === "image/png") expect(`${body.readUInt32BE(16)}x${body.readUInt32BE(20)}`).toBe(sizes);
    }
  });

  test("what may change is asked for anew each time; the worker may fetch from its own server and nothing else", async () => {
    for (const path of ["/", "/service-worker.js", "/manifest.webmanifest", "/icons/skep-192.png"]) {
      const first = await o.context.request.get(o.url + path);
      const { "cache-control": cache, etag } = first.headers();
      expect({ path, cache }).toEqual({ path, cache: "no-cache" });
      const again = await o.context.request.get(o.url + path, { headers: { "if-none-match": String(etag) } });
      expect({ path, status: again.status() }).toEqual({ path, status: 304 });
    }
    const worker = await o.context.request.get(`${o.url}/service-worker.js`);
    expect(worker.headers()["content-security-policy"]).toBe("default-src 'none'; connect-src 'self'");
    const page = await o.context.request.get(o.url);
    expect(page.headers()["content-security-policy"]).toMatch(/manifest-src 'self'; worker-src 'self';.*trusted-types skep-worker$/);
  });

  test("no script can make another worker, or anything else, of the one type that the policy allows", async () => {
    await kept(o.page);
    const refused = await o.page.evaluate(() => {
      const { trustedTypes } = globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } };
      return ["skep-worker", "other", "default"].map((name) => {
        try {
          trustedTypes.createPolicy(name, { createScriptURL: (url: string) => url, createHTML: (html: string) => html });
          return "made";
        } catch {
          return "refused";
        }
      });
    });
    expect(refused).toEqual(["refused", "refused", "refused"]);
    expect(o.trouble.splice(0).every((line) => /trusted/i.test(line))).toBe(true);
  });

  test("[K2] [C2] the server is gone and the page is opened: it says so, shows what waits to be sent, takes more, and all of it arrives, once, in order", async () => {
    await o.begin();
    await o.say("before");
    await o.reads(["before", "before"]);
    const address = o.page.url();
    await kept(o.page);
    await o.killServer();
    await o.say("while it is away");
    await o.page.locator("[data-pending]").waitFor();
    await o.page.reload();
    await o.page.locator("#connection", { hasText: "retrying…" }).waitFor();
    await o.page.locator("[data-pending]", { hasText: "while it is away" }).waitFor();
    await o.page.getByText("What was said before is shown when Skep answers again.").waitFor();
    await o.say("after the reload");
    await o.page.locator("[data-pending]", { hasText: "after the reload" }).waitFor();

    await o.page.goto(`${o.url}/`);
    await o.page.getByRole("heading", { name: "Skep does not answer" }).waitFor();
    await o.page.locator("#unsent a", { hasText: "while it is away" }).getByText("2 messages").click();
    await o.page.locator("[data-pending]").nth(1).waitFor();
    expect(o.page.url()).toBe(address);

    await o.startServer();
    const said = ["before", "while it is away", "after the reload"];
    await expect
      .poll(() => o.page.locator("#log li > article [data-role=person].said").allTextContents(), { timeout: 15_000 })
      .toEqual(said);
    await expect.poll(async () => (await o.texts()).length).toBe(6);
    expect(await o.page.locator("[data-pending]").count()).toBe(0);
  });

  test("what the server says is never kept: nothing of /api, no message, only files of the page", async () => {
    const paths = await o.page.evaluate(async () => {
      const names = await caches.keys();
      const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return all.flat().map(({ url }) => new URL(url).pathname);
    });
    expect(paths).toContain("/");
    expect(paths.filter((path) => !/^\/(assets\/.+|icons\/.+\.png|skep\.svg|theme\.js|manifest\.webmanifest)?$/.test(path))).toEqual([]);
  });
});

describe.skipIf(noBrowser)("another build of the page", () => {
  /** Gives the page in a folder another build's name and title. */
  function rebuild(folder: string, build: string): void {
    for (const name of ["index.html", "service-worker.js"]) {
      const text = readFileSync(join(folder, name), "utf8");
      const changed = text
        .replace(/(<meta name="build" content=")\w+/, `$1${build}`)
        .replace(/^const build = "\w+"/, `const build = "${build}"`);
      expect(changed).toContain(build);
      writeFileSync(join(folder, name), changed);
    }
  }

  test("it is there at the next load, also without the server afterwards; a page that is still open asks to be loaded again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skep-web-"));
    cpSync(webFolder(), folder, { recursive: true });
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) if (name.endsWith(".gz")) rmSync(join(folder, name));
    rebuild(folder, "first");
    const door = await openDoor(folder);
    await door.http.app.listen({ host: "127.0.0.1", port: 0 });
    const url = door.http.url();
    const { browser, ...opened } = await OpenedPage.browser();
    try {
      const context = await browser.newContext();
      context.setDefaultTimeout(15_000);
      const link = (await (
        await context.request.post(`${url}/api/session/links`, { headers: { authorization: `Bearer ${door.token}` } })
      ).json()) as { url: string };
      const old = await context.newPage();
      await old.goto(link.url);
      await kept(old);
      const page = await context.newPage();
      await page.goto(url);
      const buildOf = (one: Page): Promise<string | null> => one.locator('meta[name="build"]').getAttribute("content");
      expect(await buildOf(page)).toBe("first");

      rebuild(folder, "second");
      await page.reload();
      expect(await buildOf(page)).toBe("second");
      await old.getByText("There is a new version of this page.").waitFor();
      // Who has it already is not asked.
      expect(await page.getByText("There is a new version of this page.").count()).toBe(0);

      await expect.poll(() => page.evaluate(() => caches.keys())).toContain("skep-second");
      await door.http.app.close();
      await page.reload();
      expect(await buildOf(page)).toBe("second");
      await page.locator("#app").waitFor();
      await old.getByRole("button", { name: "Reload" }).click();
      await expect.poll(() => buildOf(old)).toBe("second");
    } finally {
      await opened.end();
      await door.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
