/** The first five minutes on the page, in a real browser: signed in by a link, a bot is there, and the models of this machine are one click away. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ModelServer, startModelServer } from "./model/model-server.ts";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";

describe.skipIf(noBrowser)("the first five minutes", () => {
  let o: OpenedPage;
  let model: ModelServer;

  beforeAll(async () => {
    model = await startModelServer();
    o = await OpenedPage.open(undefined, {}, { OLLAMA_HOST: new URL(model.url).host });
    o.page = await o.newTab();
    await o.page.goto(o.signInLink);
  });
  afterAll(async () => {
    await o.end();
    await model.close();
  });
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  test("a bot is there, Ollama is found, one click makes a bot of a model, and it answers", async () => {
    await o.page.getByRole("heading", { name: "Say something to echo" }).waitFor();
    await o.page.getByText(/^Ollama is running here with \d+ models: add one$/).waitFor();
    const name = await o.page.locator("#found li").first().locator("span").first().textContent();
    await o.page.getByRole("button", { name: `Add ${name}`, exact: true }).click();
    await o.page.locator("#title", { hasText: `New conversation with ${name?.split(":")[0]}` }).waitFor();
    const bot = ((await o.call("GET", "/api/bots")).body as { bots: { name: string; kind: string; options: object }[] }).bots.find(
      ({ kind }) => kind === "ollama",
    );
    expect(bot).toMatchObject({ options: { model: name, url: model.url } });
    await o.page.locator("#title", { hasText: bot?.name ?? "?" }).waitFor();
    await o.say("Are you there?");
    await o.page.locator("#log article .said:not([data-role=person])").first().waitFor();
    expect((await o.texts()).at(-1)).toContain("Are you there?");
  });

  test("where bots are added, what has a bot already is talked to instead; all models are shown on request", async () => {
    await o.page.goto(`${o.url}/#add-bot`);
    await o.page.getByRole("button", { name: /^Talk to / }).waitFor();
    const shown = await o.page.locator("#found li").count();
    await o.page.getByRole("button", { name: /^Show all \d+$/ }).click();
    expect(await o.page.locator("#found li").count()).toBeGreaterThan(shown);
    await o.page.getByRole("button", { name: /^Talk to / }).click();
    await o.page.locator("#title", { hasText: "New conversation with" }).waitFor();
  });

  test("where there is no Ollama, one sentence says where it was looked for and how to get it; it can be looked for again", async () => {
    await model.close();
    await o.page.goto(`${o.url}/#add-bot`);
    const { host, port } = new URL(model.url);
    const again = o.page.getByRole("button", { name: "Look again" });
    // An answer counts for some seconds.
    await expect
      .poll(
        async () => {
          await again.click();
          return o.page.locator("#found").textContent();
        },
        { timeout: 15_000, interval: 250 },
      )
      .toContain(`No Ollama was found at ${host}: get it from ollama.com, run ollama pull llama3.2, and look again.`);
    model = await startModelServer({ port: Number(port) });
    await expect
      .poll(
        async () => {
          await again.click();
          return o.page.locator("#found").textContent();
        },
        { timeout: 15_000, interval: 250 },
      )
      .toContain("Ollama is running here");
  });

  test("without any bot, the page says what to do first, and offers the models of this machine", async () => {
    const { bots } = (await o.call("GET", "/api/bots")).body as { bots: { name: string }[] };
    for (const { name } of bots) await o.call("DELETE", `/api/bots/${name}`);
    await o.page.goto(`${o.url}/#new`);
    await o.page.getByRole("heading", { name: "No bots yet" }).waitFor();
    await o.page.getByText(/^Ollama is running here/).waitFor();
    await o.page.goto(`${o.url}/#bots`);
    await o.page.getByRole("link", { name: "Add a bot" }).first().waitFor();
  });
});
