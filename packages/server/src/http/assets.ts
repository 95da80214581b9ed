/**
 * The page's files. Which ones there are is read once, when the server starts: a request is looked up in that list and never becomes a
 * path, so there is nothing to climb out of (R-B8). TypeScript is served with its types taken out, when it is first asked for.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { pagePolicy } from "./security-headers.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".ts": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

/** Address prefix -> folder. */
export type AssetFolders = Readonly<Record<string, string>>;

const sources = (name: string): string => fileURLToPath(new URL(`../../../${name}/src/`, import.meta.url));

export const webFolders: AssetFolders = {
  "/assets/web/": sources("web"),
  "/assets/client/": sources("client"),
  "/assets/protocol/": sources("protocol"),
};

const page = "/assets/web/index.html";

export interface Asset {
  type: string;
  etag: string;
  body: Buffer;
  /** Only for pages. */
  policy: string | null;
}

export class Assets {
  readonly #files = new Map<string, string>();
  readonly #cached = new Map<string, { changed: number; asset: Asset }>();

  constructor(folders: AssetFolders = webFolders) {
    for (const [prefix, folder] of Object.entries(folders)) this.#list(prefix, folder);
  }

  /** `path` as it stands in the request, not decoded. */
  get(path: string): Asset | null {
    const address = path === "/" ? page : path;
    const file = this.#files.get(address);
    if (file === undefined) return null;
    const changed = statSync(file).mtimeMs;
    const cached = this.#cached.get(address);
    if (cached?.changed === changed) return cached.asset;
    const asset = load(file);
    this.#cached.set(address, { changed, asset });
    return asset;
  }

  #list(prefix: string, folder: string): void {
    let entries;
    try {
      entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    } catch {
      return; // Without a page the doors for programs still work.
    }
    for (const entry of entries) {
      const { name } = entry;
      // Symbolic links are no files here, so they cannot lead out either.
      if (!entry.isFile() || !Object.hasOwn(types, extname(name)) || name.startsWith(".") || /\.test\.ts$|\.d\.ts$/.test(name)) continue;
      const file = join(entry.parentPath, name);
      this.#files.set(prefix + relative(folder, file).split(sep).join("/"), file);
    }
  }
}

function load(file: string): Asset {
  const extension = extname(file);
  let body = readFileSync(file);
  // White space takes the place of types, so that lines and columns in the browser are those of the source.
  if (extension === ".ts") body = Buffer.from(stripTypeScriptTypes(body.toString("utf8")));
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const policy = extension === ".html" ? pagePolicy(inlineScriptHashes(body.toString("utf8"))) : null;
  return { type: types[extension] ?? "application/octet-stream", etag, body, policy };
}

export const inlineScriptHashes = (html: string): string[] =>
  [...html.matchAll(/<script\b(?![^>]*\bsrc\s*=)[^>]*>([\s\S]*?)<\/script>/gi)].map((match) =>
    createHash("sha256")
      .update(match[1] ?? "")
      .digest("base64"),
  );
