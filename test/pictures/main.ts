/** `npm run pictures`: photographs every view of the page, in both themes and on a phone, into docs/images; and draws the icons. */
import { mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { startModelServer } from "../model/model-server.ts";
import buildPage from "../support/build-page.ts";
import { noBrowser, OpenedPage } from "../support/opened-page.ts";
import { drawIcons } from "./icons.ts";
import { type Places, type View, views } from "./views.ts";

const usage = `Usage: npm run pictures -- [options]

  --only <names>   only these views, with commas between them: ${views.map(({ name }) => name).join(", ")}
  --to <folder>    where to (default docs/images)
  --icons          draw the icons of the installed page instead
  --help           this text
`;
const { values } = parseArgs({
  options: { only: { type: "string" }, to: { type: "string" }, icons: { type: "boolean" }, help: { type: "boolean" } },
});
const folder = values.to ?? fileURLToPath(new URL("../../docs/images/", import.meta.url));
const wanted = values.only === undefined ? views : views.filter(({ name }) => values.only?.split(",").includes(name));

if (values.help) process.stdout.write(usage);
else if (noBrowser) process.exitCode = 1;
else if (values.icons) {
  const { browser, end } = await OpenedPage.browser();
  await drawIcons(browser);
  await end();
} else await photograph();

/** Something that lists models as Ollama does, for the picture of what is found. */
async function listing(): Promise<Server> {
  const models = [
    { name: "llama3.2:latest", size: 2_019_393_189 },
    { name: "qwen3:8b", size: 5_225_388_164 },
    { name: "gemma3:4b", size: 3_338_801_804 },
  ];
  const server = createServer((_, response) => response.end(JSON.stringify({ models })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function photograph(): Promise<void> {
  await buildPage();
  const model = await startModelServer();
  const ollama = await listing();
  const variables = { OLLAMA_HOST: `127.0.0.1:${(ollama.address() as AddressInfo).port}` };
  const o = await OpenedPage.open(undefined, { timezoneId: "UTC", locale: "en-GB" }, variables);
  try {
    o.page = await o.newTab();
    const nowhere: Places = { coding: "", plain: "", compared: [], measured: "" };
    const those = (when: (view: View) => unknown): View[] => wanted.filter((view) => when(view));
    await take(
      o,
      those(({ stranger }) => stranger),
      nowhere,
    );
    await o.page.goto(o.signInLink);
    await o.page.locator("#choose-bot button").first().waitFor();
    await take(
      o,
      those(({ early }) => early),
      nowhere,
    );
    const places = await fill(o, model.url);
    await take(
      o,
      those(({ stranger, early }) => !stranger && !early),
      places,
    );
  } finally {
    await o.end();
    await model.close();
    ollama.close();
  }
}

/** Bots of several kinds and states, and conversations with them. */
async function fill(o: OpenedPage, model: string): Promise<Places> {
  const add = (name: string, kind: string, options: object, more: object = {}): Promise<unknown> =>
    o.call("POST", "/api/bots", { name, kind, options, ...more });
  const coder = fileURLToPath(new URL("./coder.ts", import.meta.url));
  await add("coder", "command", { command: process.execPath, args: [coder] });
  await add("local", "ollama", { url: model, model: "stand-in" }, { workers: 2 });
  await add("shaky", "command", { command: "false" }, { restart: { maxRestarts: 1 } });
  await add("resting", "echo", {});
  await o.call("POST", "/api/bots/resting/stop", {});
  const talk = async (bot: string, title: string, texts: readonly string[], wait: boolean): Promise<string> => {
    const { id } = (await o.call("POST", "/api/conversations", { bot, title })).body as { id: string };
    for (const text of texts) await o.call("POST", `/api/conversations/${id}/messages${wait ? "?wait=30" : ""}`, { text });
    return id;
  };
  await talk("echo", "What is a skep?", ["What is a skep?"], true);
  await talk("echo", "Names for a sailing boat", ["Names for a sailing boat"], true);
  const plain = await talk("local", "Packing list for two weeks", ["Packing list for two weeks"], true);
  const question = "How do I read a file line by line in Python?";
  const coding = await talk("coder", question, [question], true);
  await o.call("POST", `/api/conversations/${coding}/messages`, { text: "And why do the tests fail on Windows?" });
  const both = "Which is better for a small garden, a hedge or a fence?";
  const compared = [await talk("echo", both, [both], true), await talk("local", both, [both], true)];
  const measured = await talk("echo", "How large is a hive?", [], true);
  await o.page.goto(`${o.url}/#c/${measured}`);
  await o.page.locator("#text").waitFor();
  await o.page.setInputFiles("#files", fileURLToPath(new URL("../../packages/web/public/icons/skep-512.png", import.meta.url)));
  await o.page.locator("#attachments img").waitFor();
  await o.page.fill(
    "#text",
    "A skep of radius $r$ and height $h$, nearly half an ellipsoid, holds\n\n$$V = \\frac{2}{3} \\pi r^2 h$$\n\nof bees.",
  );
  await o.page.keyboard.press("Enter");
  await o.page.locator("#log math").first().waitFor();
  await o.page.goto(`${o.url}/#bots/shaky`);
  await o.page.locator("#subtitle", { hasText: "failed" }).waitFor();
  return { coding, plain, compared, measured };
}

async function take(o: OpenedPage, those: readonly View[], places: Places): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const phone of [false, true]) {
      const page: Page = await o.newTab();
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize(phone ? { width: 390, height: 780 } : { width: 1280, height: 860 });
      for (const { name, at, shows, before, phone: onPhone } of those) {
        if (phone && !onPhone) continue;
        await page.goto("about:blank");
        await page.goto(`${o.url}/${at(places)}`);
        await page.locator(shows).first().waitFor();
        await before?.(page);
        // What comes in late: fonts, colours of code, lists.
        await page.waitForLoadState("networkidle");
        await page.evaluate(() => document.fonts.ready);
        const path = join(folder, `${name}-${phone ? "phone-" : ""}${colorScheme}.png`);
        rmSync(path, { force: true });
        await page.screenshot({ path, animations: "disabled" });
        process.stdout.write(`${path}\n`);
      }
      await page.close();
    }
  }
}
