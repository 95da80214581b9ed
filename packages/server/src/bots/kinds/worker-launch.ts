/** How the process of a built-in bot is started. The settings are there because they were measured to pay (docs/bot-protocol.md). */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentFor } from "./environment.ts";
import type { Launch, LaunchContext } from "./kind.ts";

/** Beside this file as it runs: TypeScript in the source tree, JavaScript in the published package. */
const host = fileURLToPath(new URL(`../../worker/host${extname(import.meta.url)}`, import.meta.url));

const flags = ["--max-semi-space-size=1", "--v8-pool-size=0", "--max-old-space-size=128"];

/** @param names variables that this bot may see besides the common ones */
export const launchWorker = (kind: string, context: LaunchContext, names: readonly string[] = []): Launch => ({
  command: context.node,
  args: [...flags, host, kind],
  env: environmentFor(context.environment, names, { MALLOC_ARENA_MAX: "1", NODE_COMPILE_CACHE: context.compileCache }),
  cwd: context.folder,
});
