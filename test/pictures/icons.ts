/** The icons of the installed page, drawn from its one picture. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";

const publicFolder = fileURLToPath(new URL("../../packages/web/public/", import.meta.url));

/** `share`: how much of the width the picture takes. Systems cut maskable icons to a circle of 80 %; iOS rounds and wants no transparency. */
const icons = [
  { name: "skep-192.png", size: 192, share: 1, back: "transparent" },
  { name: "skep-512.png", size: 512, share: 1, back: "transparent" },
  { name: "skep-maskable-512.png", size: 512, share: 0.56, back: "#faf7f1" },
  { name: "skep-180.png", size: 180, share: 0.72, back: "#faf7f1" },
];

export async function drawIcons(browser: Browser): Promise<void> {
  const svg = readFileSync(join(publicFolder, "skep.svg"), "utf8");
  mkdirSync(join(publicFolder, "icons"), { recursive: true });
  const page = await browser.newPage();
  for (const { name, size, share, back } of icons) {
    await page.setViewportSize({ width: size, height: size });
    const side = Math.round(size * share);
    await page.setContent(
      `<body style="margin:0;height:100vh;display:grid;place-items:center;background:${back}">${svg.replace("<svg", `<svg width="${side}" height="${side}"`)}`,
    );
    await page.screenshot({ path: join(publicFolder, "icons", name), omitBackground: true });
  }
  await page.close();
}
