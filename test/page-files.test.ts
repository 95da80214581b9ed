/** The page in a real browser: files and images in messages. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { limits } from "@skep/protocol/limits";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBrowser, OpenedPage } from "./support/opened-page.ts";
import { pngOf } from "./support/pictures.ts";

/** The machine may be busy. */
const patient = { timeout: 15_000 };

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const picture = pngOf(600, 400);
const hostile = "<img src=x onerror=alert(1)> \u202egpj.exe\"'.txt";
const note = Buffer.from("Drei Bienen 🐝\n");

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
async function seriousFindings(page: OpenedPage["page"]): Promise<unknown[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const run = Reflect.get(globalThis, "axe") as {
      run: () => Promise<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }>;
    };
    const { violations } = await run.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  });
}

describe.skipIf(noBrowser)("files on the page", () => {
  let o: OpenedPage;
  const tray = (): ReturnType<OpenedPage["page"]["locator"]> => o.page.locator("#attachments .attachment");
  const attach = (...files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> => o.page.setInputFiles("#files", files);
  const png = { name: "bees.png", mimeType: "image/png", buffer: picture };
  const text = { name: hostile, mimeType: "text/plain", buffer: note };
  const ready = async (count: number): Promise<void> => {
    await o.page.waitForFunction(
      (wanted) =>
        document.querySelectorAll("#attachments .attachment").length === wanted && !document.querySelector("#attachments progress"),
      count,
    );
  };

  beforeAll(async () => {
    o = await OpenedPage.open();
    await o.signIn();
  });
  afterAll(() => o.end());
  afterEach(() => {
    expect(o.trouble.splice(0)).toEqual([]);
  });

  test("[R-B4] an image and a file with a hostile name go with a message, are shown, and reach the bot byte for byte", async () => {
    await o.begin();
    await attach(png, text);
    await ready(2);
    await o.page.locator("#attachments img").waitFor();
    // What would turn the name around is shown, not obeyed.
    expect(await tray().nth(1).locator("bdi").textContent()).toBe(hostile.replace("\u202e", "‹RLO›"));
    await o.say("Look at these");
    const answer = o.page.locator('#log [data-role="bot"]', { hasText: sha256(note) });
    await answer.waitFor();
    expect(await answer.textContent()).toContain(sha256(picture));
    expect(await tray().count()).toBe(0);
    await o.page.reload();
    await answer.waitFor();
    const image = o.page.locator("#log .files img");
    await expect.poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth), patient).toBe(600);
    const chip = o.page.locator("#log .files a.file");
    expect(await seriousFindings(o.page)).toEqual([]);
    expect(await chip.locator("bdi").textContent()).toBe(hostile.replace("\u202e", "‹RLO›"));
    const [download] = await Promise.all([o.page.waitForEvent("download"), chip.click()]);
    const pieces: Buffer[] = [];
    for await (const piece of await download.createReadStream()) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).equals(note)).toBe(true);
  });

  test("an image has its height before it is loaded, so that nothing moves; pressed, it opens large, and Esc closes it", async () => {
    await o.begin();
    await attach(png);
    await ready(1);
    await o.say("A picture");
    await o.page.locator('#log [data-role="bot"]', { hasText: sha256(picture) }).waitFor();
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    await o.page.route("**/api/files/*", async (route) => {
      await held;
      await route.continue();
    });
    await o.page.reload();
    const row = o.page.locator("#log li").first();
    await row.locator(".files button").waitFor();
    const before = (await row.boundingBox())?.height;
    go();
    const image = row.locator("img");
    await expect.poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth), patient).toBe(600);
    expect((await row.boundingBox())?.height).toBe(before);
    await o.page.unroute("**/api/files/*");
    await row.locator(".files button").focus();
    await o.page.keyboard.press("Enter");
    await o.page.locator("dialog[open] img").waitFor();
    await o.page.keyboard.press("Escape");
    await o.page.locator("dialog[open]").waitFor({ state: "detached" });
  });

  test("what is pasted and what is dropped is attached, is there after a reload, can be removed, and needs no text", async () => {
    await o.begin();
    const transfer = await o.page.evaluateHandle(
      (bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(bytes)], "dropped.png", { type: "image/png" }));
        return data;
      },
      [...pngOf(8, 8)],
    );
    await o.page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
    expect(await o.page.getAttribute("#text", "placeholder")).toBe("Drop to attach");
    await o.page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await ready(1);
    await o.page.evaluate(
      (bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(bytes)], "image.png", { type: "image/png" }));
        const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
        document.querySelector("#text")?.dispatchEvent(event);
      },
      [...pngOf(9, 9)],
    );
    await ready(2);
    await o.page.reload();
    await ready(2);
    await o.page.getByRole("button", { name: "Remove dropped.png" }).click();
    await ready(1);
    await o.page.focus("#text");
    await o.page.keyboard.press("Enter");
    await o.page.locator('#log [data-role="bot"]', { hasText: sha256(pngOf(9, 9)) }).waitFor();
    expect(await o.page.locator("#log li").first().locator('[data-role="person"]').count()).toBe(0);
    expect(await o.page.locator("#title").textContent()).toBe("image.png");
  });

  test("while a file is uploaded, that is shown and nothing is sent; what fails says why, and can be tried again or removed", async () => {
    await o.begin();
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    let tries = 0;
    await o.page.route("**/api/files?**", async (route) => {
      tries++;
      if (tries === 1) await held;
      if (tries === 1) await route.abort("connectionreset");
      else await route.continue();
    });
    await attach(text);
    await o.page.locator("#attachments progress").waitFor();
    await o.page.fill("#text", "Not yet");
    await o.page.press("#text", "Enter");
    expect(await o.page.locator("#send").isDisabled()).toBe(true);
    expect(await o.page.inputValue("#text")).toBe("Not yet");
    go();
    await o.page.locator("#attachments [role=alert]", { hasText: "The connection was lost." }).waitFor();
    await o.page.getByRole("button", { name: /^Upload .* again$/ }).click();
    await ready(1);
    const large = await o.page.evaluateHandle((size) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(size)], "large.bin"));
      data.items.add(new File(["x"], "small.txt"));
      return data;
    }, limits.fileBytes + 1);
    await o.page.dispatchEvent("body", "drop", { dataTransfer: large });
    await o.page.locator("#attachments [role=alert]", { hasText: "It is larger than 10 MB." }).waitFor();
    // It takes no room of the others.
    await ready(3);
    expect(tries).toBe(3);
    expect(await o.page.locator("#send").isDisabled()).toBe(true);
    expect(await seriousFindings(o.page)).toEqual([]);
    await o.page.getByRole("button", { name: "Remove large.bin" }).click();
    await ready(2);
    await o.page.press("#text", "Enter");
    await o.page.locator('#log [data-role="bot"]', { hasText: sha256(note) }).waitFor();
    await o.page.unroute("**/api/files?**");
  });

  test("[K2] a message whose file is not there any more is kept with the reason, and its files come back to be edited", async () => {
    await o.begin();
    await attach(text);
    await ready(1);
    await o.page.evaluate(() => {
      const name = Object.keys(localStorage).find((key) => key.startsWith("skep.files."));
      const files = JSON.parse(localStorage.getItem(name ?? "") ?? "[]") as { id: string }[];
      localStorage.setItem(name ?? "", JSON.stringify(files.map((file) => ({ ...file, id: "f-gone" }))));
    });
    await o.page.reload();
    await ready(1);
    await o.say("Too late");
    const failed = o.page.locator('[data-pending="failed"]');
    await failed.getByRole("alert").filter({ hasText: "upload it again" }).waitFor();
    await failed.getByRole("button", { name: "Edit" }).click();
    await ready(1);
    expect(await o.page.inputValue("#text")).toBe("Too late");
    await o.page.getByRole("button", { name: /^Remove/ }).click();
    await o.page.fill("#text", "");
  });

  test("where the bot takes no files there is nothing to attach with, and what is dropped is refused with the reason", async () => {
    await o.call("POST", "/api/bots", { name: "deaf", kind: "remote" });
    await o.page.goto(`${o.url}/#new/deaf`);
    await o.page.locator("#title", { hasText: "New conversation with deaf" }).waitFor();
    expect(await o.page.locator("#attach").count()).toBe(0);
    const transfer = await o.page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "x.txt"));
      return data;
    });
    await o.page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await o.page.getByText("deaf takes no files.").waitFor();
  });
});
