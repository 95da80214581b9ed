/**
 * The package as it is published, in `dist`, with a manifest of its own: JavaScript and types for those who do not run TypeScript. What it needs of the
 * protocol (types, the error table) comes along in `protocol/`, so that it depends on nothing.
 *   node build.ts [FOLDER]
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";

const here = import.meta.dirname;
const compiler = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");

/** The doors of the package: name in `exports` -> file without its ending. */
export const doors = { ".": "index", "./node": "node/file-storage", "./react": "react/hooks" } as const;

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  engines: unknown;
  peerDependencies?: unknown;
  peerDependenciesMeta?: unknown;
}

/** @param out is emptied first */
export function build(out: string): void {
  const work = mkdtempSync(join(tmpdir(), "skep-build-"));
  try {
    execFileSync(process.execPath, [compiler, "-p", join(here, "tsconfig.build.json"), "--outDir", work], { stdio: "inherit" });
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    cpSync(join(work, "client/src"), out, { recursive: true });
    cpSync(join(work, "protocol/src"), join(out, "protocol"), { recursive: true });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  for (const file of globSync("**/*.{js,d.ts}", { cwd: out })) {
    const path = join(out, file);
    const up = relative(dirname(file), ".").split(sep).join("/") || ".";
    const text = pointed(readFileSync(path, "utf8"), up);
    for (const [, target = ""] of text.matchAll(/(?:\bfrom |\bimport\()"([.@][^"]+)"/g)) {
      const missing = target.startsWith("@skep/") || !existsSync(join(dirname(path), target.replace(/js$/, "d.ts")));
      if (missing) throw new Error(`${file} imports ${target}, which is no part of the package`);
    }
    writeFileSync(path, text);
  }
  // Links into the repository lead nowhere from a package.
  const readme = readFileSync(join(here, "README.md"), "utf8").replaceAll(/\[([^\]]+)\]\(\.\.\/[^)]*\)/g, "$1");
  writeFileSync(join(out, "README.md"), readme);
  copyFileSync(join(here, "api.md"), join(out, "api.md"));
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
}

/** Imports lead to files of the package. @param up the way to its root */
const pointed = (text: string, up: string): string =>
  text
    .replaceAll(/(\bfrom |\bimport\()"@skep\/protocol\/(\w+)"/g, `$1"${up}/protocol/$2.js"`)
    .replaceAll(/(\bfrom |\bimport\()"(\.[^"]+)\.ts"/g, '$1"$2.js"');

function manifest(): object {
  const { name, version, description, license, engines, peerDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync(join(here, "package.json"), "utf8"),
  ) as Manifest;
  const exports = Object.entries(doors).map(([door, file]) => [door, { types: `./${file}.d.ts`, default: `./${file}.js` }]);
  return {
    name,
    version,
    description,
    license,
    type: "module",
    sideEffects: false,
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    engines,
    peerDependencies,
    peerDependenciesMeta,
  };
}

if (import.meta.main) build(process.argv[2] ?? join(here, "dist"));
