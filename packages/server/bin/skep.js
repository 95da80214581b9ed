#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that one which is too old gets a sentence instead of a syntax error.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const needed = 26;
if (Number(process.versions.node.split(".")[0]) < needed) {
  process.stderr.write(
    `Skep needs Node ${needed} or newer; this is ${process.versions.node}. In a checkout, \`npm ci\` brings the right one: use \`npx skep\` or \`npm start\`.\n`,
  );
  process.exit(1);
}
// npm runs a script through a shell, and some shells do not hand a signal on: of a stop of npm, the program learns by the end of that shell. Only for
// `npm start` and `npm run skep` of this checkout: whoever starts Skep from a script of theirs may mean it to stay.
const { npm_package_name: workspace, npm_lifecycle_event: script = "" } = process.env;
const parent = workspace === "skep-workspace" && ["start", "skep"].includes(script) ? process.ppid : undefined;
// What was read of the program is kept: a start takes half of the time, and neither it nor its threads and bots load the reader of TypeScript.
// Threads take the folder from the environment.
const cache = (process.env["NODE_COMPILE_CACHE"] ??= join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "skep"));
if (process.argv[2] === "start") await Promise.all([warm(), buildPage()]);
if (parent !== undefined) {
  if (process.ppid !== parent) process.exit(1);
  process.env["SKEP_PARENT"] = String(parent);
}
module.enableCompileCache(cache);
await import("../src/main.ts");

/** Fills the cache in processes of their own when the sources are not those it was filled from. Without it a start is slower and larger, so errors do not matter. */
async function warm() {
  const sources = ["../src/", "../../protocol/src/"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
  const mark = join(cache, "warm");
  try {
    const hash = createHash("sha256").update(process.version);
    for (const folder of sources) {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (name.endsWith(".test.ts") || !name.endsWith(".ts")) continue;
        const { mtimeMs, size } = statSync(join(folder, name));
        hash.update(`${folder}${name} ${mtimeMs} ${size}\n`);
      }
    }
    const now = hash.digest("hex");
    if (existsSync(mark) && readFileSync(mark, "utf8") === now) return;
    const runs = [["warm.ts"], ["main.ts", "--version"], ...["echo", "ollama", "openai"].map((kind) => ["worker/host.ts", kind])];
    await Promise.all(
      runs.map(([file, ...rest]) => {
        const child = spawn(process.execPath, [join(sources[0], file), ...rest], { stdio: "ignore", timeout: 20_000 });
        return new Promise((resolve) => child.on("error", resolve).on("exit", resolve));
      }),
    );
    mkdirSync(cache, { recursive: true });
    writeFileSync(mark, now);
  } catch {
    // A folder that cannot be written, most likely.
  }
}

/** In a checkout, builds the page when its sources have changed. An installed package has it built, and no `build.js`. */
async function buildPage() {
  const script = new URL("../../web/build.js", import.meta.url);
  if (!existsSync(script)) return;
  const { isStale } = await import(script.href);
  if (!isStale()) return;
  process.stderr.write("Building the page, once after a change of it; a few seconds.\n");
  const child = spawn(process.execPath, [fileURLToPath(script)], { stdio: ["ignore", "ignore", "pipe"], timeout: 120_000 });
  let trouble = "";
  child.stderr.on("data", (text) => void (trouble += text));
  const code = await new Promise((resolve) => child.on("error", resolve).on("close", resolve));
  if (code !== 0) process.stderr.write(`The page was not built, everything else works. Its tools come with \`npm ci\`.\n${trouble}`);
}
