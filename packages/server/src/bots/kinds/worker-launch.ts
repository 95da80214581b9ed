/**
 * How the process of a built-in bot is started. Measured with six `openai` bots side by side, memory of their own after 400 turns each:
 * - the small semi-space: 19 MB, without it 23 to 33 MB; no more processor time;
 * - no V8 helper threads: 4 threads a process instead of 7; memory the same;
 * - the limit of the heap costs nothing, and a leak ends the bot and not the machine;
 * - the compile cache: 11 MB idle and ready in 30 to 40 ms, without it 27 MB and 100 ms, since TypeScript would be stripped at each start.
 * MALLOC_ARENA_MAX changed nothing and is not set.
 */
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
  env: environmentFor(context.environment, names, { NODE_COMPILE_CACHE: context.compileCache }),
  cwd: context.folder,
});
