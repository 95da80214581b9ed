/**
 * Builds the package and looks at it as those do who install it: does every door lead to code and to types under every way of resolving them, is it small,
 * does it depend on nothing, are its public types those of `api.md`?
 *   node check-package.ts            says what is wrong; exit code 1 if something is
 *   node check-package.ts --write    writes `api.md`
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { rolldown } from "rolldown";
import { apiReport } from "./api-report.ts";
import { build, doors } from "./build.ts";

/** Bytes of `@skep/client` whole, minified and gzipped. */
export const sizeLimit = 12_000;
const apiFile = join(import.meta.dirname, "api.md");

/** Packs a built package. @returns the file, in `folder` */
export function pack(built: string, folder: string): string {
  const options = { encoding: "utf8", shell: process.platform === "win32" } as const;
  const said = execFileSync(
    "npm",
    ["pack", built, "--pack-destination", folder, "--json", "--ignore-scripts", "--loglevel=error"],
    options,
  );
  return join(folder, ((JSON.parse(said) as { filename: string }[])[0] as { filename: string }).filename);
}

/** What publint and "are the types wrong" find; one line each. A package of ES modules alone cannot be required by what does not know them. */
export async function faultsOf(built: string, tarball: string): Promise<string[]> {
  const manifest = JSON.parse(readFileSync(join(built, "package.json"), "utf8")) as Record<string, unknown>;
  const { messages } = await publint({ pkgDir: built, strict: true, pack: false });
  const types = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  const problems = types.types === false ? [{ kind: "no types" }] : types.problems;
  const ofOldResolvers = (problem: object): boolean =>
    "resolutionKind" in problem && (problem.resolutionKind === "node10" || problem.resolutionKind === "node16-cjs");
  return [
    ...messages.map((message) => `publint: ${formatMessage(message, manifest) ?? message.code}`),
    ...problems.filter((problem) => !ofOldResolvers(problem)).map((problem) => `types: ${JSON.stringify(problem)}`),
    ...["dependencies", "optionalDependencies"].filter((kind) => kind in manifest).map((kind) => `it has ${kind}`),
  ];
}

/** Everything of a door in one file for browsers, as a page would load it at worst. @returns its code, minified */
export async function bundled(built: string, door: string): Promise<string> {
  const define = { "process.env.NODE_ENV": '"production"' };
  const bundle = await rolldown({ input: join(built, `${door}.js`), platform: "browser", transform: { define } });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  if (output.length !== 1) throw new Error(`one file was expected, not ${output.length}`);
  return output[0].code;
}

export const sizeOf = (code: string): number => gzipSync(code, { level: 9 }).length;

export const currentApi = (built: string): string => apiReport(built, doors);
export const committedApi = (): string => readFileSync(apiFile, "utf8");

async function main(write: boolean): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "skep-package-"));
  try {
    const built = join(folder, "package");
    build(built);
    const api = currentApi(built);
    if (write) writeFileSync(apiFile, api);
    const size = sizeOf(await bundled(built, doors["."]));
    console.log(`@skep/client: ${size} bytes (minified, gzip), the limit is ${sizeLimit}`);
    const faults = await faultsOf(built, pack(built, folder));
    if (size > sizeLimit) faults.push(`it is too large: ${size} bytes`);
    if (api !== committedApi()) faults.push("its public types are not those of api.md; if they should be: npm run api -w @skep/client");
    return faults;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const faults = await main(process.argv.includes("--write"));
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  else console.log("publint and the types: clean");
}
