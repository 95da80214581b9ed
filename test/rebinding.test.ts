/** Attacks by pages, in a real browser whose person is signed in: nothing may be done, and nothing read. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

let o: OpenedPage;
let attacker: Server;
let attackerPort: number;
let victim: URL;

const html = "<!doctype html><title>harmless</title><p>harmless";

describe.skipIf(noBrowser)("a page of somebody else", () => {
  beforeAll(async () => {
    attacker = createServer((_, response) => void response.setHeader("content-type", "text/html").end(html));
    await new Promise<void>((resolve) => void attacker.listen(0, "127.0.0.1", resolve));
    attackerPort = (attacker.address() as AddressInfo).port;
    // Every name of the attacker's is this machine, as after rebinding.
    o = await OpenedPage.open(async () => {}, {}, {}, ["--host-resolver-rules=MAP *.example 127.0.0.1"]);
    await o.signIn();
    victim = new URL(o.url);
  });
  afterAll(async () => {
    await o?.end();
    attacker?.close();
  });

  /** Everything that an attack could have changed. */
  async function state(): Promise<unknown> {
    const bots = await o.call("GET", "/api/bots");
    const others = await Promise.all(["/api/conversations", "/api/tokens", "/api/session"].map((path) => o.call("GET", path)));
    const { bots: list } = bots.body as { bots: { name: string; processes: { pid: number }[] }[] };
    return [list.map(({ name, processes }) => [name, processes.map(({ pid }) => pid)]), others];
  }

  /** What the victim's server answered to the page, and what the page could find out. */
  async function attack(page: Page, target: string): Promise<{ statuses: string[]; read: string[]; opened: string[]; tried: number }> {
    const statuses: string[] = [];
    page.on("response", (response) => {
      if (new URL(response.url()).port === victim.port && response.status() < 400) statuses.push(`${response.url()} ${response.status()}`);
    });
    const found = await page.evaluate(async (target) => {
      const read: string[] = [];
      const opened: string[] = [];
      let tried = 0;
      const json = JSON.stringify({ name: "evil", kind: "echo", bot: "bee", token: "x", text: "evil" });
      const calls: [string, string, unknown?][] = [
        ...["/api/bots", "/api/conversations", "/api/session", "/api/tokens", "/api/status", "/metrics", "/openapi.json", "/healthz"].map(
          (path): [string, string] => ["GET", path],
        ),
        ...["/api/bots", "/api/conversations", "/api/tokens", "/api/session/links", "/api/bots/bee/stop", "/api/bots/bee/restart"].map(
          (path): [string, string, unknown] => ["POST", path, json],
        ),
        ["PATCH", "/api/bots/bee", "{}"],
        ["DELETE", "/api/bots/bee"],
        ["DELETE", "/api/session"],
      ];
      const ways: RequestInit[] = [
        { credentials: "include", mode: "cors", headers: { "content-type": "application/json", "skep-request": "1" } },
        { credentials: "include", mode: "cors" },
        { credentials: "include", mode: "no-cors", headers: { "content-type": "text/plain" } },
      ];
      for (const [method, path, body] of calls) {
        for (const way of ways) {
          if (way.mode === "no-cors" && method !== "GET" && method !== "POST") continue;
          tried++;
          try {
            const response = await fetch(target + path, { method, ...way, ...(body === undefined ? {} : { body: body as string }) });
            if (response.ok) read.push(`${method} ${path} ${response.status}`);
          } catch {
            // The browser or the server would not.
          }
        }
      }
      for (const path of ["/ws", "/bots"]) {
        tried++;
        await new Promise<void>((resolve) => {
          const socket = new WebSocket(target.replace("http", "ws") + path);
          socket.addEventListener("open", () => opened.push(path));
          socket.addEventListener("open", () => resolve());
          socket.addEventListener("error", () => resolve());
        });
      }
      // Forms that send themselves, each into a frame of its own; also one that asks by GET.
      for (const [method, path] of [
        ...calls.filter(([method]) => method === "POST"),
        ["GET", "/?text=evil&send=1"],
        ["GET", "/api/bots"],
      ] as const) {
        for (const enctype of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
          tried++;
          const frame = document.createElement("iframe");
          frame.name = `frame${tried}`;
          document.body.append(frame);
          const form = document.createElement("form");
          Object.assign(form, { method, action: target + path, enctype, target: frame.name });
          const field = document.createElement("input");
          Object.assign(field, { name: '{"name":"evil","kind":"echo","x":"', value: '"}' });
          form.append(field);
          document.body.append(form);
          const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
          form.submit();
          await loaded;
        }
      }
      for (const tag of ["img", "script", "link"] as const) {
        tried++;
        await new Promise<void>((resolve) => {
          const element = document.createElement(tag);
          element.addEventListener("load", () => read.push(tag));
          element.addEventListener("load", () => resolve());
          element.addEventListener("error", () => resolve());
          Object.assign(element, { src: `${target}/theme.js`, href: `${target}/api/bots`, rel: "stylesheet" });
          document.head.append(element);
        });
      }
      return { read, opened, tried };
    }, target);
    return { statuses, ...found };
  }

  test.each([
    // The page came from the attacker; then its name was made to point here, and all that it asks for comes here, as its own origin.
    [
      "whose name points to this machine now (DNS rebinding)",
      "rebound",
      (port: string) => [`http://rebound.example:${port}`, `http://rebound.example:${port}`],
    ],
    ["on another site", "other", (port: string) => [`http://other.example:${attackerPort}`, `http://127.0.0.1:${port}`]],
    // The same site for a browser, which sends the cookie.
    ["on another port of this machine", "port", (port: string) => [`http://127.0.0.1:${attackerPort}`, `http://127.0.0.1:${port}`]],
    [
      "on another site, by the name localhost",
      "localhost",
      (port: string) => [`http://other.example:${attackerPort}`, `http://localhost:${port}`],
    ],
  ])("%s: 0 of its requests are accepted, nothing is read, nothing is done", async (_, name, places) => {
    const [from, target] = places(victim.port) as [string, string];
    const before = await state();
    const page = await o.context.newPage();
    if (name === "rebound") await page.route(`${from}/`, (route) => route.fulfill({ contentType: "text/html", body: html }), { times: 1 });
    await page.goto(`${from}/`);
    expect(await page.title()).toBe("harmless");
    const { statuses, read, opened, tried } = await attack(page, target);
    await page.close();
    expect({ statuses, read, opened }).toEqual({ statuses: [], read: [], opened: [] });
    expect(tried).toBeGreaterThan(60);
    expect(await state()).toEqual(before);
  });

  test("a sandboxed frame, without an origin, gets nothing either; a link to the page does open it", async () => {
    const before = await state();
    const page = await o.context.newPage();
    await page.goto(`http://127.0.0.1:${attackerPort}/`);
    const heard = await page.evaluate(async (target) => {
      const frame = document.createElement("iframe");
      frame.setAttribute("sandbox", "allow-scripts");
      frame.srcdoc = `<script>
        const say = (what) => parent.postMessage(what, "*");
        fetch("${target}/api/bots", { method: "POST", mode: "no-cors", credentials: "include", body: "{}" }).catch(() => {}).finally(() => {
          const socket = new WebSocket("${target.replace("http", "ws")}/ws");
          socket.onopen = () => say("opened");
          socket.onerror = () => say("refused");
        });
      </script>`;
      const message = new Promise<unknown>((resolve) => window.addEventListener("message", ({ data }) => resolve(data)));
      document.body.append(frame);
      return message;
    }, o.url);
    expect(heard).toBe("refused");
    expect(await state()).toEqual(before);
    await page.evaluate((target) => {
      const link = document.createElement("a");
      link.href = target;
      link.textContent = "Skep";
      document.body.append(link);
    }, o.url);
    await page.getByText("Skep").click();
    await page.locator("#choose-bot button, #log").first().waitFor();
    await page.close();
  });
});
