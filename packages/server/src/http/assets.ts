/**
 * The page's files, as `packages/web/build.js` makes them. Which ones there are is read when the server starts, and again when the page was
 * built anew: a request is looked up in that list and never becomes a path, so there is nothing to climb out of (R-B8).
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join, relative, sep } from "node:path";
import { pagePolicy, workerPolicy } from "./security-headers.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

/** Names that the build makes from the content: `index-B1x9_abc.js`. They never change what they hold. */
const hashed = /^\/assets\/.+-[\w-]{8}\.\w+$/;

/** Asked for by the browser itself, to see whether there is another build. */
const workerPath = "/service-worker.js";

/** Where the built page is, in a checkout and in the installed package. */
export function webFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@skep/web/package.json")), "dist");
}

interface File {
  path: string;
  type: string;
  etag: string;
  /** There is a copy that is already compressed, at `path` + ".gz". */
  gzip: boolean;
}

export interface Asset {
  type: string;
  etag: string;
  cacheControl: string;
  encoding: "gzip" | null;
  /** Only for pages and workers. */
  policy: string | null;
  body: () => Promise<Buffer>;
}

export class Assets {
  readonly #folder: string;
  #files = new Map<string, File>();
  #builtAt = 0;

  constructor(folder: string = webFolder()) {
    this.#folder = folder;
    this.#list();
  }

  /** @param path as it stands in the request, not decoded @param acceptsGzip may the body be a compressed one? */
  get(path: string, acceptsGzip = false): Asset | null {
    if (path === "/" || path === workerPath) this.#list();
    const address = path === "/" ? "/index.html" : path;
    const file = this.#files.get(address);
    if (!file) return null;
    const gzip = acceptsGzip && file.gzip;
    return {
      type: file.type,
      etag: gzip ? file.etag.replace(/"$/, '-gz"') : file.etag,
      cacheControl: hashed.test(address) ? "public, max-age=31536000, immutable" : "no-cache",
      encoding: gzip ? "gzip" : null,
      policy: address === workerPath ? workerPolicy : file.type.startsWith("text/html") ? pagePolicy : null,
      body: () => readFile(gzip ? `${file.path}.gz` : file.path),
    };
  }

  /** Is there such a file? */
  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Reads the folder, if the page in it is another one than before. */
  #list(): void {
    try {
      const builtAt = statSync(join(this.#folder, "index.html")).mtimeMs;
      if (builtAt === this.#builtAt) return;
      const entries = readdirSync(this.#folder, { recursive: true, withFileTypes: true });
      const files = new Map<string, File>();
      const compressed = new Set<string>();
      for (const entry of entries) {
        // Symbolic links are no files here, so they cannot lead out either.
        if (!entry.isFile() || entry.name.startsWith(".")) continue;
        const path = join(entry.parentPath, entry.name);
        if (entry.name.endsWith(".gz")) compressed.add(path.slice(0, -3));
        const type = types[extname(entry.name)];
        if (type === undefined) continue;
        const address = `/${relative(this.#folder, path).split(sep).join("/")}`;
        files.set(address, { path, type, etag: hashed.test(address) ? `"${entry.name}"` : etagOf(path), gzip: false });
      }
      for (const file of files.values()) file.gzip = compressed.has(file.path);
      this.#files = files;
      this.#builtAt = builtAt;
    } catch {
      // Without a page the doors for programs still work.
    }
  }
}

const etagOf = (path: string): string => `"${createHash("sha256").update(readFileSync(path)).digest("base64url").slice(0, 22)}"`;
