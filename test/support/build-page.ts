import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const script = new URL("../../packages/web/build.js", import.meta.url);

/** Tests of the page and of the doors need it built; once for all of them, and only when its sources have changed. */
export default async function buildPage(): Promise<void> {
  const { isStale } = (await import(script.href)) as { isStale: () => boolean };
  // In a process of its own: the tools take memory, and look at the environment.
  if (isStale()) execFileSync(process.execPath, [fileURLToPath(script)], { stdio: "inherit" });
}
