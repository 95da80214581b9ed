/** The page in a real browser, against the real program: what a person sees when all goes well. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage, pieces } from "./support/opened-page.ts";

describe.skipIf(noBrowser)("the page", () => {
  let o: OpenedPage;

  beforeAll(async () => {
    o = await OpenedPage.open();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  test("[R-B9] who is not signed in is told what to do; the link signs in, leaves the address, and works once", async () => {
    const stranger = await o.newContext();
    const other = await o.newTab(stranger);
    await other.goto(o.url);
    await other.getByRole("heading", { name: "Sign in to Skep" }).waitFor();
    await other.getByText("skep signin", { exact: true }).waitFor();
    expect(await other.locator("#app").count()).toBe(0);

    const link = o.signInLink;
    await o.signIn();
    expect(o.page.url()).not.toContain("signin");
    await o.page.getByRole("button", { name: /^echo echo/ }).waitFor();

    await other.goto("about:blank");
    await other.goto(link);
    await other.getByRole("heading", { name: "This link does not work any more" }).waitFor();
    await other.getByRole("button", { name: "Copy command" }).waitFor();
    await stranger.close();
  });

  test("[O2] [T2] what is sent stands in the log, and its answer is shown while it is written", async () => {
    await o.begin();
    await o.say("hello");
    await o.reads(["hello", "hello"]);
    await o.say("/stream 40 20");
    await o.page.locator("[data-draft]", { hasText: "piece 2" }).waitFor();
    await o.reads(["hello", "hello", "/stream 40 20", pieces(40)]);
    expect(await o.page.locator("[data-draft], [data-pending]").count()).toBe(0);
    await o.page.locator("#conversations .name", { hasText: "hello" }).waitFor();
    expect(await o.page.title()).toBe("hello · Skep");
  });

  test("what the socket tells is not asked for: while an answer is written, nobody lists the bots", async () => {
    await o.begin();
    await o.say("hello");
    await o.reads(["hello", "hello"]);
    const asked: string[] = [];
    o.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await o.say("/stream 40 20");
    await o.reads(["hello", "hello", "/stream 40 20", pieces(40)]);
    expect(asked.filter((path) => path === "/api/bots")).toEqual([]);
  });

  test("[T2] [T3] a reload in the middle of an answer goes on where it was, byte for byte, and keeps what was being written", async () => {
    await o.begin();
    await o.say("/stream 300 20");
    await o.page.locator("[data-draft]", { hasText: "piece 5" }).waitFor();
    await o.page.fill("#text", "half a thought");
    await o.page.reload();
    await o.page.locator("[data-draft]", { hasText: "piece 8" }).waitFor();
    expect(await o.page.locator("[data-draft]").textContent()).toMatch(/^piece 1 🐝 piece 2 🐝 piece 3/);
    expect(await o.page.inputValue("#text")).toBe("half a thought");
    await o.page.fill("#text", "");
    await o.reads(["/stream 300 20", pieces(300)]);
    expect(await o.copied()).toBe(pieces(300));
  });

  test("[T3] [B5] an answer is stopped with Esc and tried again with a button", async () => {
    await o.begin();
    await o.say("/stream 300 20");
    await o.page.locator("[data-draft]", { hasText: "piece 3" }).waitFor();
    await o.page.press("#text", "Escape");
    await o.page.locator("#log .status", { hasText: "Stopped" }).waitFor();
    expect((await o.texts()).at(-1)).toMatch(/^piece 1 🐝 piece 2/);
    await o.page.getByRole("button", { name: "Try again" }).click();
    await o.page.locator("[data-draft]", { hasText: "piece 2" }).waitFor();
    // While it is tried again, nothing offers to try it again.
    expect(await o.page.getByRole("button", { name: "Try again" }).count()).toBe(0);
    await o.page.getByRole("button", { name: "Stop", exact: true }).click();
    await o.page.locator("[data-draft]").waitFor({ state: "detached" });
    await expect.poll(() => o.page.getByRole("button", { name: "Try again" }).count()).toBe(1);
  });

  test("[R-B2] a message that is refused stays, with the reason, to be edited", async () => {
    await o.begin();
    await o.say("first");
    await o.reads(["first", "first"]);
    const long = "x".repeat(11_000);
    await o.say(long);
    await o.page.locator("[data-pending=failed] .status", { hasText: "the limit is 10240" }).waitFor();
    await o.say("after it");
    await o.reads(["first", "first", "after it", "after it"]);
    await o.page.getByRole("button", { name: "Edit" }).click();
    expect(await o.page.inputValue("#text")).toBe(long);
    await o.page.fill("#text", "");
    await o.page.locator("[data-pending]").waitFor({ state: "detached" });
  });

  test("a conversation is renamed, found by its name and by a word in it, and erased after a question", async () => {
    await o.begin();
    await o.say("the walrus and the carpenter");
    await o.reads(["the walrus and the carpenter", "the walrus and the carpenter"]);
    await o.page.getByRole("button", { name: "More", exact: true }).click();
    await o.page.getByRole("menuitem", { name: "Rename…" }).click();
    await o.page.getByLabel("Title").fill("Oysters");
    await o.page.getByRole("button", { name: "Rename", exact: true }).click();
    await o.page.locator("#title", { hasText: "Oysters" }).waitFor();

    await o.page.fill("#search", "oyst");
    await expect.poll(() => o.page.locator("#conversations .name").allTextContents()).toEqual(["Oysters"]);
    await o.page.fill("#search", "");

    const address = o.page.url();
    await o.begin();
    await o.page.keyboard.press("Control+k");
    await o.page.fill("#palette-input", "walrus");
    await o.page
      .getByRole("option", { name: /the walrus and the carpenter.*Oysters/ })
      .first()
      .waitFor({ timeout: 10_000 });
    await o.page
      .getByRole("option", { name: /the walrus and the carpenter.*Oysters/ })
      .first()
      .click();
    await expect.poll(() => o.page.url().startsWith(address)).toBe(true);

    await o.page.getByRole("button", { name: "More", exact: true }).click();
    await o.page.getByRole("menuitem", { name: "Erase…" }).click();
    await o.page.getByText("All 2 messages are erased").waitFor();
    await o.page.getByRole("button", { name: "Erase", exact: true }).click();
    await o.page.getByText("“Oysters” was erased.").waitFor();
    expect(await o.page.locator("#conversations .name", { hasText: "Oysters" }).count()).toBe(0);
  });

  test("a conversation is saved whole, as JSON and as Markdown", async () => {
    await o.begin();
    await o.say("one **two**");
    await o.reads(["one **two**", "one two"]);
    const save = async (format: string): Promise<string> => {
      await o.page.getByRole("button", { name: "More", exact: true }).click();
      const [download] = await Promise.all([
        o.page.waitForEvent("download"),
        o.page.getByRole("menuitem", { name: `Save as ${format}` }).click(),
      ]);
      const stream = await download.createReadStream();
      let text = "";
      for await (const piece of stream) text += String(piece);
      return text;
    };
    const saved = JSON.parse(await save("JSON")) as { bot: string; messages: { seq: number; text: string }[] };
    expect(saved.bot).toBe("bee");
    expect(saved.messages.map(({ seq, text }) => [seq, text])).toEqual([
      [1, "one **two**"],
      [2, "one **two**"],
    ]);
    expect(await save("Markdown")).toMatch(/^# one \*\*two\*\*\n[\s\S]*> one \*\*two\*\*\n[\s\S]*\*\*bee\*\*, .*\n\none \*\*two\*\*\n$/);
  });

  test("what came while nobody looked is counted, in the list and in the title", async () => {
    await o.begin();
    await o.say("/wait 700");
    await o.page.locator("#log .status.working").waitFor();
    const waiting = o.page.url();
    await o.begin();
    const row = o.page.locator(`#conversations a[href="${waiting.slice(waiting.indexOf("#"))}"]`);
    await row.locator(".unread", { hasText: "1 unread" }).waitFor();
    // Some of the tests before may have left something unread too.
    const before = Number(/^\((\d+)\) /.exec(await o.page.title())?.[1]);
    expect(before).toBeGreaterThan(0);
    await row.click();
    await o.reads(["/wait 700", "/wait 700"]);
    await expect.poll(() => o.page.title()).toBe(`${before === 1 ? "" : `(${before - 1}) `}/wait 700 · Skep`);
  });

  test("bots are seen live, stopped and started; a stopped one says in its conversation that it waits, and is started there", async () => {
    await o.begin();
    await o.say("hello");
    await o.reads(["hello", "hello"]);
    const address = o.page.url();
    await o.page.goto(`${o.url}/#bots/bee`);
    await o.page.locator("#subtitle", { hasText: "ready" }).waitFor();
    await o.page.getByRole("button", { name: "Stop" }).click();
    await o.page.locator("#subtitle", { hasText: "stopped" }).waitFor();
    await o.page.goto(address);
    await o.page.locator("#bot-trouble", { hasText: "bee is stopped" }).waitFor();
    await o.say("while you sleep");
    await o.page.locator("#log .status", { hasText: "Waiting for bee" }).waitFor();
    await o.page.getByRole("button", { name: "Start it" }).click();
    await o.reads(["hello", "hello", "while you sleep", "while you sleep"]);
    expect(await o.page.locator("#bot-trouble").count()).toBe(0);
  });

  test("a bot at work is busy, with what it answers, until it is done", async () => {
    await o.page.goto(`${o.url}/#bots/bee`);
    await o.page.locator("#subtitle", { hasText: "ready" }).waitFor();
    const { body } = await o.call("POST", "/api/conversations", { bot: "bee" });
    await o.call("POST", `/api/conversations/${(body as { id: string }).id}/messages`, { text: "/stream 150 20" });
    await o.page.locator("#subtitle", { hasText: "busy" }).waitFor();
    expect(await o.page.locator("main dd").first().textContent()).toBe("1");
    await o.page.locator("#subtitle", { hasText: "ready" }).waitFor();
    await expect.poll(() => o.page.locator("main dd").first().textContent()).toBe("0");
  });

  test("[R-C1] a bot is added with a form made from its kind: what is wrong is said beside the field, then it runs and is removed after a question", async () => {
    await o.page.goto(`${o.url}/#add-bot`);
    await o.page.locator("#kinds button", { hasText: "Ollama" }).click();
    await o.page.getByLabel("name", { exact: false }).first().fill("two words");
    await o.page.getByLabel("model (needed)").fill("llama3.2");
    await o.page.getByRole("button", { name: "Add and start" }).click();
    await o.page.getByText("1 to 64 letters, digits, dashes or underscores").waitFor();
    await o.page.getByRole("button", { name: "Another kind" }).click();
    await o.page.locator("#kinds button", { hasText: "Echo" }).click();
    await o.page.getByLabel("name (needed)").fill("drone");
    await o.page.getByLabel("prefix").fill("Bzz: ");
    await o.page.getByText(/More options/).click();
    await o.page.getByLabel("delayMs").fill("5");
    await o.page.getByRole("button", { name: "Add and start" }).click();
    await o.page.locator("#subtitle", { hasText: "echo · ready" }).waitFor();
    const { body } = await o.call("GET", "/api/bots/drone");
    expect(body).toMatchObject({ kind: "echo", options: { prefix: "Bzz: ", delayMs: 5 } });
    await o.page.getByRole("button", { name: "Remove" }).click();
    await o.page.getByText("Conversations with drone stay").waitFor();
    await o.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await o.page.getByText("drone was removed").waitFor();
    expect((await o.call("GET", "/api/bots/drone")).status).toBe(404);
  });

  test("code is set in colours that come with the page, and is copied as it was written", async () => {
    await o.begin();
    const code = 'const name: string = "bee"; // why\n\tsend(name);';
    await o.say(`\`\`\`ts\n${code}\n\`\`\``);
    const block = o.page.locator("#log .code-block");
    await block.locator("code span[style]").nth(3).waitFor();
    expect(await block.locator("code").textContent()).toBe(code);
    await block.getByRole("button", { name: "Copy code" }).click();
    await block.getByRole("button", { name: "Copied" }).waitFor();
    expect(await o.page.evaluate(() => navigator.clipboard.readText())).toBe(code);
  });

  test("the log of a bot follows what it says", async () => {
    await o.page.goto(`${o.url}/#bots/bee`);
    await o.page.locator("#bot-log", { hasText: "Nothing was logged yet" }).or(o.page.locator("#bot-log time").first()).waitFor();
    const { body } = await o.call("POST", "/api/conversations", { bot: "bee" });
    await o.call("POST", `/api/conversations/${(body as { id: string }).id}/messages?wait=10`, { text: "/stderr 200" });
    await o.page.locator("#bot-log", { hasText: "stderr" }).waitFor();
    await o.page.locator("#bot-log", { hasText: "eeeeeeee" }).waitFor();
  });
});
