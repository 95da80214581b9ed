/**
 * Whatever a model says, it stays text: no script of it runs, nothing that it names is fetched, nobody is led away, and the page works afterwards (R-B9).
 * The host that the texts name is this test's own listener, so that even a connection without a request would be seen.
 */
import { createServer, type AddressInfo, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hostileTexts } from "./support/hostile/index.ts";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

const elements =
  "a, article, aside, blockquote, br, button, circle, code, dd, del, details, div, dl, dt, ellipse, em, h1, h2, h3, h4, h5, h6, header, hr, input, label, li, line, " +
  "math, menclose, mfrac, mi, mn, mo, mover, mpadded, mphantom, mroot, mrow, mspace, msqrt, mstyle, msub, msubsup, msup, mtable, mtd, mtext, mtr, munder, " +
  "munderover, ol, ul, p, path, polygon, polyline, pre, rect, section, span, strong, summary, svg, table, tbody, td, th, thead, time, tr";
const attributes =
  "class|dir|id|style|href|target|rel|title|start|scope|role|tabindex|type|datetime|xmlns|width|height|viewBox|fill|stroke|stroke-(width|linecap|linejoin)|" +
  "d|x|y|x1|x2|y1|y2|cx|cy|r|rx|ry|points|open|checked|disabled|popover|popovertarget|placeholder|value|autocomplete|spellcheck|for|name|aria-[a-z]+|data-[a-z-]+|" +
  "display|displaystyle|scriptlevel|mathvariant|stretchy|fence|form|separator|symmetric|largeop|movablelimits|accent|accentunder|lspace|rspace|minsize|" +
  "maxsize|depth|voffset|linethickness|column(align|spacing|span)|row(spacing|span)|notation";
/** What only the small plots on the page of a bot have: there, and as they have it. */
const ofPlots: Readonly<Record<string, string>> = {
  preserveAspectRatio: "main .grid > div > svg[role=img][preserveAspectRatio=none]",
  "vector-effect": "main .grid > div > svg[role=img] > :is(line, path)[vector-effect=non-scaling-stroke]",
};
/** No text may hold the page up for longer, on a machine as busy as this may be. */
const heldUpMs = 5000;
/** Pixels: a tall window draws many rows at once. */
const windowHeight = 3000;

interface Seen {
  /** Rows that were drawn, by their numbers. */
  drawn: number[];
  /** What should not be there, as it stands there. */
  odd: string[];
  slowest: number;
}

describe.skipIf(noBrowser)("hostile texts on the page", () => {
  let o: OpenedPage;
  let evil: Server;
  let connections = 0;

  beforeAll(async () => {
    evil = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const { port } = evil.address() as AddressInfo;
    o = await OpenedPage.open(undefined, {}, {}, [`--host-resolver-rules=MAP evil.example:* 127.0.0.1:${port}`]);
    await o.context.addInitScript(() => {
      const seen = { violations: [] as string[], longest: 0 };
      Object.assign(globalThis, { seen, owned: 0 });
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        seen.violations.push(`${violatedDirective} ${blockedURI}`),
      );
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
      }).observe({ type: "longtask" });
    });
    await o.signIn();
    o.page.on("dialog", (dialog) => {
      o.trouble.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    o.page.on("framenavigated", (frame) => {
      if (!frame.url().startsWith(o.url)) o.trouble.push(`navigated to ${frame.url()}`);
    });
    o.page.on("download", (download) => o.trouble.push(`download: ${download.url()}`));
    o.context.on("page", (page) => o.trouble.push(`another page: ${page.url()}`));
    const bot = fileURLToPath(new URL("./support/hostile-bot.ts", import.meta.url));
    await o.call("POST", "/api/bots", { name: "evil", kind: "command", options: { command: process.execPath, args: [bot] } });
  });
  afterAll(async () => {
    await o.end();
    evil.close();
  });
  afterEach(async () => {
    const { owned, violations } = await o.page.evaluate(() => {
      const { owned, seen } = globalThis as unknown as { owned: number; seen: { violations: string[] } };
      return { owned, violations: seen.violations };
    });
    expect(owned).toBe(0);
    expect(violations).toEqual([]);
    expect(o.trouble.splice(0)).toEqual([]);
    expect(connections).toBe(0);
    expect(o.context.pages().length).toBe(1);
    expect(o.page.frames().length).toBe(1);
  });

  const count = 2 * hostileTexts.length;
  /** The conversation with all of them. */
  let id = "";
  const begun = async (title = ""): Promise<string> => {
    const { body } = await o.call("POST", "/api/conversations", title === "" ? { bot: "evil" } : { bot: "evil", title });
    return (body as { id: string }).id;
  };
  const post = (id: string, text: string, wait = ""): ReturnType<OpenedPage["call"]> =>
    o.call("POST", `/api/conversations/${id}/messages${wait}`, { text });
  const longest = (): Promise<number> => o.page.evaluate(() => (Reflect.get(globalThis, "seen") as { longest: number }).longest);

  /** What of the page is no known element or attribute, or a link that leads elsewhere than it says. */
  const oddIn = (place: string): Promise<string[]> =>
    o.page.evaluate(
      ([where, known, names, plots]) => {
        const odd: string[] = [];
        const nameOf = new RegExp(`^(${names})$`);
        for (const one of document.querySelectorAll(`${where} *`)) {
          if (!one.matches(known)) odd.push(one.outerHTML.slice(0, 200));
          for (const name of one.getAttributeNames()) {
            const ofPlot = plots[name];
            if (!nameOf.test(name) && !(ofPlot && one.matches(ofPlot))) odd.push(`${name}: ${one.outerHTML.slice(0, 200)}`);
          }
        }
        return odd;
      },
      [place, elements, attributes, ofPlots] as const,
    );

  test(`[R-B9] ${hostileTexts.length} hostile answers, streamed: thoughts, tools, plans and text`, { timeout: 240_000 }, async () => {
    expect(new Set(hostileTexts).size).toBe(hostileTexts.length);
    expect(hostileTexts.length).toBeGreaterThanOrEqual(500);
    id = await begun("Hostile");
    await o.page.setViewportSize({ width: 1280, height: 800 });
    await o.page.goto(`${o.url}/#c/${id}`);
    await o.page.locator("#composer, #text").first().waitFor();
    for (let n = 0; n < hostileTexts.length; n += 25) {
      const some = hostileTexts.slice(n, n + 25).map((_, i) => n + i);
      await Promise.all(some.map((one) => post(id, `answer ${one}`, some.at(-1) === one ? "?wait=60" : "")));
    }
    await o.page.locator(`#log li[aria-posinset="${count}"] article .said`).waitFor({ timeout: 120_000 });
    const streamed = await longest();
    expect(streamed).toBeLessThan(heldUpMs);
    expect(await o.page.locator("#log [data-draft]").count()).toBe(0);
    console.log(`${hostileTexts.length} texts streamed: longest task ${streamed.toFixed(0)} ms`);
  });

  test("[R-B9] the same answers, whole, and each drawn", { timeout: 240_000 }, async () => {
    expect(id, "the answers of the test before").not.toBe("");
    await o.page.setViewportSize({ width: 1280, height: windowHeight });
    await o.page.reload();
    await o.page.locator(`#log li[aria-posinset="${count}"] article`).waitFor();
    const { drawn, odd, slowest } = await o.page.evaluate(
      async ([conversation, total, known, names]) => {
        const drawn = new Set<number>();
        const odd: string[] = [];
        const nameOf = new RegExp(`^(${names})$`);
        let slowest = 0;
        for (let seq = total; seq >= 1; seq--) {
          if (drawn.has(seq)) continue;
          const began = performance.now();
          location.hash = `#c/${conversation}/${seq}`;
          while (!document.querySelector(`#log li[data-row="${seq - 1}"] article`)) {
            await new Promise((resolve) => requestAnimationFrame(resolve));
            if (performance.now() - began > 20_000) throw new Error(`row ${seq} is not drawn at ${location.hash}`);
          }
          slowest = Math.max(slowest, performance.now() - began);
          for (const row of document.querySelectorAll<HTMLElement>("#log > li:has(article)")) {
            const number = Number(row.dataset["row"]) + 1;
            if (drawn.has(number)) continue;
            drawn.add(number);
            for (const one of row.querySelectorAll("*")) {
              if (!one.matches(known)) odd.push(one.outerHTML.slice(0, 200));
              for (const name of one.getAttributeNames()) if (!nameOf.test(name)) odd.push(`${name}: ${one.outerHTML.slice(0, 200)}`);
            }
            for (const { href, rel, target, parentElement } of row.querySelectorAll("a")) {
              // Wherever it leads, that is to be read beside it.
              const url = new URL(href);
              const beside = parentElement?.textContent ?? "";
              const said = url.protocol === "mailto:" ? beside.includes("evil.example") : beside.includes(url.host);
              const alone = target === "_blank" && rel.includes("noopener") && rel.includes("noreferrer");
              if (!said || !alone || !/^(https?|mailto):$/.test(url.protocol)) odd.push(`${href}: ${beside.slice(0, 200)}`);
            }
          }
        }
        return { drawn: [...drawn], odd, slowest } satisfies Seen;
      },
      [id, count, elements, attributes] as const,
    );
    expect(odd).toEqual([]);
    expect(drawn.length).toBe(count);
    expect(await longest()).toBeLessThan(heldUpMs);
    console.log(`whole: longest task ${(await longest()).toFixed(0)} ms, slowest place ${slowest.toFixed(0)} ms`);
    // The page works afterwards.
    await o.page.setViewportSize({ width: 1280, height: 800 });
    await o.begin();
    await o.say("still here");
    await o.reads(["still here", "still here"]);
  });

  test("[R-B9] [P1] hostile requests for permission are cards of text, and can be decided", async () => {
    const id = await begun();
    await o.page.goto(`${o.url}/#c/${id}`);
    await post(id, "ask 0 40");
    const cards = o.page.locator("#log section.permission");
    await expect.poll(() => cards.count(), { timeout: 20_000 }).toBe(40);
    expect(await oddIn("#log")).toEqual([]);
    await cards.first().getByRole("button", { name: "No" }).click();
    await expect.poll(() => cards.count()).toBe(39);
    await o.page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect.poll(() => cards.count()).toBe(0);
  });

  test("[R-B9] hostile titles of conversations, in the list, above the conversation and in the palette", async () => {
    const titles = hostileTexts.filter((_, i) => i % 8 === 0).map((text) => text.slice(0, 150).toWellFormed().trim() || "x");
    for (const title of titles) {
      const { status } = await o.call("POST", "/api/conversations", { bot: "evil", title });
      expect([201, 400]).toContain(status);
    }
    await o.page.goto(`${o.url}/#new/evil`);
    await o.page.reload();
    await o.page.locator("#conversations li").nth(20).waitFor();
    expect(await oddIn("#conversations")).toEqual([]);
    await o.page.locator("#conversations li a").first().click();
    await o.page.locator("#title").waitFor();
    await o.page.keyboard.press("Control+k");
    await o.page.locator("dialog[open] input").fill("script");
    await o.page.locator("dialog[open] [role=option]").first().waitFor();
    expect(await oddIn("dialog[open]")).toEqual([]);
    await o.page.keyboard.press("Escape");
  });

  test("[R-B3] [R-B9] hostile names of bots are refused", async () => {
    for (const text of hostileTexts.filter((_, i) => i % 6 === 0)) {
      const { status, body } = await o.call("POST", "/api/bots", { name: text.toWellFormed(), kind: "echo" });
      expect(status).toBe(400);
      expect((body as { code: string }).code).toBe("name_invalid");
    }
  });

  test("[R-B9] hostile lines of the log, reasons and last words are text", async () => {
    const id = await begun();
    await post(id, "log", "?wait=50");
    const failed = hostileTexts.indexOf(hostileTexts.find((text) => text.includes("\u202e")) ?? "");
    await post(id, `fail ${failed}`, "?wait=30");
    await o.page.goto(`${o.url}/#bots/evil`);
    await o.page.locator("#bot-log div").nth(50).waitFor({ timeout: 40_000 });
    expect(await oddIn("#bot-log")).toEqual([]);
    await post(id, "die");
    await o.page.locator("#timeline pre").first().waitFor({ state: "attached", timeout: 20_000 });
    await o.page.locator("#timeline summary").first().click();
    expect(await o.page.locator("#timeline pre").first().textContent()).toContain("<script>globalThis.owned=1</script>");
    expect(await oddIn("main")).toEqual([]);
    await o.page.goto(`${o.url}/#c/${id}`);
    // One that the bot refused, and one of which it died.
    const failures = o.page.locator("#log .status", { hasText: "No answer" });
    await expect.poll(() => failures.count(), { timeout: 20_000 }).toBe(2);
    expect(await o.page.locator("#log").textContent()).toContain("‹RLO›");
    expect(await oddIn("#log")).toEqual([]);
  });

  test("[R-B4] [R-B9] what steers a terminal or turns a text around is shown, and copied as it was written", async () => {
    await o.begin();
    const text = "a\u202eb\u202c \u001b[31mred\u001b[0m שלום👩‍👩‍👧‍👦 e\u0301";
    const shown = "a‹RLO›b‹PDF› ‹ESC›[31mred‹ESC›[0m שלום👩‍👩‍👧‍👦 e\u0301";
    await o.say(text);
    await o.reads([shown, shown]);
    expect(await o.copied()).toBe(text);
  });
});
