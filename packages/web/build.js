/**
 * Builds the page into `dist` when it is missing or was built from other sources. Plain JavaScript without dependencies at its head, so that
 * the start of the program can ask `isStale` for a few milliseconds; Vite is loaded only by a build.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "dist");
const mark = ".built-from";
const sources = [
  "src",
  "public",
  "index.html",
  "service-worker.js",
  "vite.config.js",
  "build.js",
  "package.json",
  "../client/src",
  "../protocol/src",
];

function* filesIn(path) {
  if (statSync(path).isFile()) yield path;
  else for (const name of readdirSync(path).sort()) yield* filesIn(join(path, name));
}

/** SHA-256 of everything that the page is made of. */
function sourceHash() {
  const hash = createHash("sha256");
  for (const source of sources) {
    for (const file of filesIn(join(here, source))) {
      if (!/\.test\.tsx?$/.test(file)) hash.update(`${file.slice(here.length)}\n`).update(readFileSync(file));
    }
  }
  return hash.digest("hex");
}

/** Is `dist` missing, or made from other sources than those that are here? */
export function isStale() {
  try {
    return readFileSync(join(dist, mark), "utf8") !== sourceHash();
  } catch {
    return true;
  }
}

/**
 * Marks the page and its service worker with a hash over everything that was built, and tells the worker which files the page begins with:
 * those that `index.html` names.
 */
function addServiceWorker(folder) {
  const page = join(folder, "index.html");
  const html = readFileSync(page, "utf8");
  const hash = createHash("sha256").update(readFileSync(join(here, "service-worker.js")));
  for (const file of filesIn(folder)) hash.update(`${file.slice(folder.length)}\n`).update(readFileSync(file));
  const build = hash.digest("hex").slice(0, 16);
  const shell = ["/", ...new Set([...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path))];
  writeFileSync(page, html.replace('<meta name="build" content="" />', `<meta name="build" content="${build}" />`));
  const head = `const build = ${JSON.stringify(build)};\nconst shell = ${JSON.stringify(shell)};\n`;
  writeFileSync(join(folder, "service-worker.js"), head + readFileSync(join(here, "service-worker.js"), "utf8"));
}

/** Builds beside `dist` and then takes its place: a server that runs never sees half a page. Throws when the tools are not installed. */
export async function build() {
  // Whatever this process is: the page is not one of its tests.
  process.env["NODE_ENV"] = "production";
  const { build: viteBuild } = await import("vite");
  const { gzipSync } = await import("node:zlib");
  const hash = sourceHash();
  const fresh = join(here, `.dist-${process.pid}`);
  const old = join(here, `.dist-${process.pid}-old`);
  try {
    await viteBuild({ root: here, logLevel: "error", build: { outDir: fresh, emptyOutDir: true } });
    addServiceWorker(fresh);
    for (const file of filesIn(fresh))
      if (/\.(js|css|html|svg|webmanifest)$/.test(file)) writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
    writeFileSync(join(fresh, mark), hash);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await build();
