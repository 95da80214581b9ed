/** The overview and the fleet's figures on the page, in a real browser: real messages make the figures, the keyboard reads them, weights are set. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Bot, Overview } from "@skep/protocol";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Samples are taken every 5 s, and the page asks every 5 s. */
const aFewSamples = { timeout: 30_000 };

describe.skipIf(noBrowser)("the overview", () => {
  let o: OpenedPage;
  let page: Page;

  const bot = async (name: string): Promise<Bot> => (await o.call("GET", `/api/bots/${name}`)).body as Bot;
  const tile = (name: string): Promise<string> =>
    page
      .locator("#tiles > div", { has: page.locator("dt", { hasText: name }) })
      .locator("dd")
      .first()
      .innerText();
  const plot = (title: string) => page.locator("figure.plot", { has: page.locator("h3", { hasText: title }) });
  /** Has something been drawn in the line's colour? */
  const drawn = (title: string): Promise<boolean> =>
    plot(title).evaluate((figure) => {
      const line = figure.querySelector("svg line");
      const [r = 0, g = 0, b = 0] = (getComputedStyle(line as Element).stroke.match(/\d+/g) ?? []).map(Number);
      const canvas = figure.querySelector("canvas") as HTMLCanvasElement;
      const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4) {
        // The edge of a line lets the ground through; its colour stays, but for what is lost in rounding.
        const [red = 0, green = 0, blue = 0, opaque = 0] = data.subarray(i, i + 4);
        if (opaque > 100 && Math.max(Math.abs(red - r), Math.abs(green - g), Math.abs(blue - b)) <= 4) return true;
      }
      return false;
    });
  const findings = async (): Promise<string[]> => {
    await page.evaluate(axe);
    return page.evaluate(async () => {
      const run = Reflect.get(globalThis, "axe") as {
        run: (
          options: unknown,
        ) => Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
      const { violations } = await run.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`),
        );
    });
  };

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
    page = o.page;
    const workers = [50, 30, 20].map((weight, i) => ({ name: ["attic", "cellar", "desk"][i], weight, options: {} }));
    await o.call("POST", "/api/bots", { name: "hosts", kind: "echo", balance: "weighted", workers });
    const { id } = (await o.call("POST", "/api/conversations", { bot: "bee" })).body as { id: string };
    for (let i = 0; i < 12; i++) await o.call("POST", `/api/conversations/${id}/messages?wait=10`, { text: "/wait 40" });
    await o.call("POST", `/api/conversations/${id}/messages?wait=10`, { text: "/refuse" });
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  test("[R-G1] one key opens it: the present figures, plots with lines in them, the alert with what to do, capacity; nothing of it was in the first load", async () => {
    await expect
      .poll(async () => ((await o.call("GET", "/api/overview")).body as Overview).now.turns, aFewSamples)
      .toEqual({ ended: 13, failed: 1 });
    await page.goto(`${o.url}/#bots`);
    await page.locator("#fleet").waitFor();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    const fetched = (): boolean => asked.some((url) => url.includes("/assets/overview-page"));
    await page.reload();
    await page.locator("#fleet").waitFor();
    expect(asked.some((url) => url.includes("/assets/"))).toBe(true);
    expect(fetched()).toBe(false);
    await page.locator("h1").click();
    await page.keyboard.press("o");
    await page.locator("#figures").waitFor();
    expect(fetched()).toBe(true);
    expect(await page.title()).toBe("Overview · Skep");
    expect(await page.locator("#sidebar a[aria-current=page]").innerText()).toBe("Overview");
    expect(await tile("Messages")).toMatch(/^[0-9.]+\/s$/);
    expect(await tile("Answer time")).toMatch(/^[0-9.]+ m?s$/);
    expect(await tile("Failed answers")).toBe("7.7 %");
    for (const title of ["Messages", "Answer time", "Storing", "Failed answers", "Memory", "Event-loop delay", "Connections"]) {
      await expect.poll(() => drawn(title), { ...aFewSamples, message: title }).toBe(true);
    }
    const alert = page.locator("#alerts li", { hasText: "1 of 13 answers failed" });
    expect(await alert.innerText()).toContain("The failed message in its conversation says why");
    expect(
      await page.locator("#capacity").getByRole("meter", { name: "Conversations it works on, hosts" }).getAttribute("aria-valuetext"),
    ).toBe("0 of 48");
  });

  test("[R-G1] it is live: what happens while somebody looks comes by itself, and the ranges are kept", async () => {
    await page.goto(`${o.url}/#overview`);
    await page.getByRole("button", { name: "1 h", exact: true }).click();
    await page.locator("#figures[data-range='1h'][aria-busy=false]").waitFor();
    const { id } = (await o.call("POST", "/api/conversations", { bot: "bee" })).body as { id: string };
    await o.call("POST", `/api/conversations/${id}/messages`, { text: "/stall" });
    await expect.poll(() => page.locator("#tiles").innerText(), aFewSamples).toContain("1 being answered");
    await page.reload();
    await page.locator("#figures[data-range='1h']").waitFor();
    await page.getByRole("button", { name: "15 min" }).click();
    await page.locator("#figures[data-range='15m']").waitFor();
  });

  test("by keyboard: a moment is chosen in all plots at once and read out, and every plot is a table too", async () => {
    await page.goto(`${o.url}/#overview`);
    const time = page.getByRole("slider", { name: "Answer time: a moment" });
    await time.focus();
    expect(await time.getAttribute("aria-valuetext")).toMatch(/^The newest: p50 .+, p95 .+, p99 .+/);
    await page.keyboard.press("End");
    const last = Number(await time.getAttribute("aria-valuenow"));
    await page.keyboard.press("ArrowLeft");
    await expect.poll(async () => Number(await time.getAttribute("aria-valuenow")), aFewSamples).toBeLessThan(last);
    expect(await time.getAttribute("aria-valuetext")).toMatch(/^\d+:\d+:\d+/);
    await expect
      .poll(() => page.getByRole("slider", { name: "Memory: a moment" }).getAttribute("aria-valuetext"), aFewSamples)
      .toMatch(/^\d+:\d+:\d+/);
    await page.keyboard.press("Escape");
    await expect.poll(() => time.getAttribute("aria-valuetext"), aFewSamples).toMatch(/^The newest/);

    await plot("Failed answers").locator("summary").focus();
    await page.keyboard.press("Enter");
    const table = page.getByRole("region", { name: "Failed answers, as a table" });
    await table.waitFor();
    const failed = (await table.locator("td").allInnerTexts()).map(Number);
    expect(failed.reduce((sum, one) => sum + one, 0)).toBe(1);
  });

  test.each(["light", "dark"] as const)(
    "[R-G] %s: no serious finding of axe, on a desk and on a phone, and nothing is wider than the screen",
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 800 });
        for (const [address, shown] of [
          ["#overview", "#capacity"],
          ["#bots", "#fleet svg[role=img]"],
          ["#bots/hosts", ".weights"],
        ] as const) {
          await page.goto(`${o.url}/${address}`);
          await page.locator(shown).first().waitFor();
          expect({ address, width, findings: await findings() }).toEqual({ address, width, findings: [] });
          expect({ address, width: await page.evaluate(() => document.documentElement.scrollWidth) }).toEqual({ address, width });
          // The address is no anchor in the page: its head stays in sight.
          expect(
            await page
              .locator("h1")
              .boundingBox()
              .then((box) => (box?.y ?? -1) >= 0),
          ).toBe(true);
        }
      }
      await page.setViewportSize({ width: 1280, height: 800 });
    },
  );

  test("the theme changes, and the plots are drawn in its colours", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(`${o.url}/#overview`);
    await page.locator("#figures").waitFor();
    await expect.poll(() => drawn("Memory"), aFewSamples).toBe(true);
    const color = (): Promise<string> =>
      plot("Memory")
        .locator("svg line")
        .first()
        .evaluate((line) => getComputedStyle(line).stroke);
    const light = await color();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(color, aFewSamples).not.toBe(light);
    await expect.poll(() => drawn("Memory"), aFewSamples).toBe(true);
    await page.emulateMedia({ colorScheme: null });
  });

  test("every bot shows its memory and its answer times of the hour", async () => {
    await page.goto(`${o.url}/#bots`);
    const card = page.locator("#fleet li", { has: page.getByRole("link", { name: "bee" }) });
    await card.getByRole("img", { name: /^Answers, p95: \d.* at most .* in the last hour$/ }).waitFor(aFewSamples);
    await card.getByRole("img", { name: /^Memory: \d+ MB, at most \d+ MB in the last hour$/ }).waitFor(aFewSamples);
    expect(await card.locator("svg[role=img] path").first().getAttribute("d")).toMatch(/^M/);
  });

  test("[R-D2] weights by keyboard: set, saved with a word, taken back by Undo; the workers go on as they are", async () => {
    const pids = async (): Promise<(number | null)[]> => (await bot("hosts")).processes.map(({ pid }) => pid);
    const weights = async (): Promise<number[]> => (await bot("hosts")).processes.map(({ weight }) => weight);
    const before = await pids();
    expect(before.every((pid) => pid !== null)).toBe(true);
    await page.goto(`${o.url}/#bots/hosts`);
    const attic = page.getByRole("slider", { name: "attic" });
    expect(await attic.getAttribute("aria-valuetext")).toBe("weight 50, 50 % of the messages");
    await attic.focus();
    await page.keyboard.press("Home");
    for (let i = 0; i < 9; i++) await page.keyboard.press("ArrowRight");
    expect(await attic.getAttribute("aria-valuetext")).toBe("weight 10, 17 % of the messages");
    expect(await weights()).toEqual([50, 30, 20]);
    await page.locator(".weights").getByRole("button", { name: "Save" }).press("Enter");
    await page.locator("#notices", { hasText: "Saved: hosts shares its messages anew" }).waitFor();
    await expect.poll(weights, aFewSamples).toEqual([10, 30, 20]);
    expect(await pids()).toEqual(before);
    await page.locator("#notices").getByRole("button", { name: "Undo" }).press("Enter");
    await page.locator("#notices", { hasText: "as it did before" }).waitFor();
    expect(await weights()).toEqual([50, 30, 20]);
    await expect.poll(() => attic.inputValue(), aFewSamples).toBe("50");
    expect(await pids()).toEqual(before);
  });

  test("weights that cannot be saved are kept on the page, with a word about why", async () => {
    await page.goto(`${o.url}/#bots/hosts`);
    const desk = page.getByRole("slider", { name: "desk" });
    await desk.fill("99");
    await page.route("**/api/bots/hosts", (route) => route.abort());
    await page.locator(".weights").getByRole("button", { name: "Save" }).click();
    await page.locator("#notices", { hasText: "The weights of hosts were not saved: The server did not answer." }).waitFor();
    expect(await desk.inputValue()).toBe("99");
    await page.unroute("**/api/bots/hosts");
    await page.locator(".weights").getByRole("button", { name: "Discard" }).click();
    expect(await desk.inputValue()).toBe("20");
  });
});
