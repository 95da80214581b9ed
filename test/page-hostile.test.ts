/** Whatever a model says, it stays text: no script of it runs, and nothing that it names is fetched (R-B9). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostileTexts } from "./support/hostile-texts.ts";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

const elements =
  "a, article, blockquote, br, button, code, del, div, em, h3, h4, h5, h6, hr, li, ol, ul, p, pre, path, rect, span, strong, svg, table, tbody, td, th, thead, time, tr";
const attributes =
  /^(class|dir|style|href|target|rel|title|start|scope|role|tabindex|type|datetime|xmlns|width|height|viewBox|fill|stroke|stroke-(width|linecap|linejoin)|d|x|y|rx|ry|aria-[a-z]+|data-[a-z-]+)$/;

describe.skipIf(noBrowser)("hostile texts on the page", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
  });
  afterAll(() => o.end());

  test(`[R-B9] ${hostileTexts.length} hostile texts: no script runs, no request leaves the page, and it is made of nothing but known elements`, async () => {
    expect(hostileTexts.length).toBeGreaterThan(100);
    const { body } = await o.call("POST", "/api/conversations", { bot: "bee", title: "Hostile" });
    const { id } = body as { id: string };
    for (const text of hostileTexts) await o.call("POST", `/api/conversations/${id}/messages`, { text: text.toWellFormed() });
    const count = 2 * hostileTexts.length;
    // A tall window draws many rows at once.
    await o.page.setViewportSize({ width: 1280, height: 6000 });
    await o.page.goto(`${o.url}/#c/${id}`);
    await o.page.locator(`#log li[aria-posinset="${count}"] article`).waitFor();

    const drawn = new Set<number>();
    for (let seq = count; seq >= 1; seq--) {
      if (drawn.has(seq)) continue;
      await o.page.evaluate((hash) => void (location.hash = hash), `#c/${id}/${seq}`);
      await o.page.locator(`#log li[data-row="${seq - 1}"] article`).waitFor();
      const found = await o.page.evaluate(
        ([known]) => {
          const rows = [...document.querySelectorAll("#log > li:has(article)")];
          const odd = rows.flatMap((row) =>
            [...row.querySelectorAll("*")].filter((one) => !one.matches(known as string)).map((one) => one.outerHTML.slice(0, 200)),
          );
          const names = new Set(rows.flatMap((row) => [...row.querySelectorAll("*")].flatMap((one) => one.getAttributeNames())));
          const targets = rows.flatMap((row) =>
            [...row.querySelectorAll("a")].map((one) => ({ href: one.href, rel: one.rel, beside: one.parentElement?.textContent ?? "" })),
          );
          return {
            odd,
            names: [...names],
            targets,
            drawn: rows.map((row) => Number((row as HTMLElement).dataset["row"]) + 1),
            title: document.title,
          };
        },
        [elements],
      );
      expect(found.title).not.toBe("owned");
      expect(found.odd).toEqual([]);
      expect(found.names.filter((name) => !attributes.test(name))).toEqual([]);
      for (const { href, rel, beside } of found.targets) {
        expect(href).toMatch(/^(https?|mailto):/);
        expect(rel).toContain("noreferrer");
        // Wherever it leads, that is to be read beside it.
        const url = new URL(href);
        expect(beside).toContain(url.protocol === "mailto:" ? "evil.example" : url.host);
      }
      for (const one of found.drawn) drawn.add(one);
    }
    expect(drawn.size).toBe(count);
    expect(o.trouble.splice(0)).toEqual([]);
    expect(o.context.pages().length).toBe(1);
    await o.page.setViewportSize({ width: 1280, height: 800 });
  });

  test("[R-B4] [R-B9] what steers a terminal or turns a text around is shown, and copied as it was written", async () => {
    await o.begin();
    const text = "a\u202eb\u202c \u001b[31mred\u001b[0m שלום👩‍👩‍👧‍👦 e\u0301";
    await o.say(text);
    await o.reads(["a‹RLO›b‹PDF› ‹ESC›[31mred‹ESC›[0m שלום👩‍👩‍👧‍👦 e\u0301", "a‹RLO›b‹PDF› ‹ESC›[31mred‹ESC›[0m שלום👩‍👩‍👧‍👦 e\u0301"]);
    expect(await o.copied()).toBe(text);
    expect(o.trouble.splice(0)).toEqual([]);
  });
});
