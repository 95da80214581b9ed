import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentFor } from "./environment.ts";
import type { Launch, LaunchContext } from "./kind.ts";

/** Beside this file as it runs: TypeScript in the source tree, JavaScript in the published package. */
const host = fileURLToPath(new URL(`../../worker/host${extname(import.meta.url)}`, import.meta.url));

const flags = ["--max-semi-space-size=1", "--v8-pool-size=0", "--max-old-space-size=128"];

/** What a built-in bot is held to: `alone` talks to the controller and nobody else, `network` to servers too; `free` does what the account may do. */
export type Confinement = "free" | "network" | "alone";

/**
 * A confined bot reads its own code, the compiled form of it and the files of its turns, and nothing else of the disk; it starts no programs and no threads. Whatever a model
 * server makes it do stays inside that. Measured: no more memory, no slower start.
 */
const permissions = ({ compileCache, folder }: LaunchContext, confinement: Confinement): string[] => {
  if (confinement === "free") return [];
  // Said of a folder that is not there yet, only the form with the star means what will be in it.
  const cache = [compileCache, join(compileCache, "*")].flatMap((path) => [`--allow-fs-read=${path}`, `--allow-fs-write=${path}`]);
  // Files of the turns that it has, and nothing else of what people have sent.
  const given = `--allow-fs-read=${join(folder, "given", "*")}`;
  const own = [`--allow-fs-read=${join(dirname(host), "*")}`, given, ...cache];
  // The network flag is new, and says so on the standard error, which is for what a bot has to say.
  return ["--permission", ...own, ...(confinement === "network" ? ["--allow-net", "--disable-warning=ExperimentalWarning"] : [])];
};

/** @param names variables that this bot may see besides the common ones */
export const launchWorker = (
  kind: string,
  context: LaunchContext,
  names: readonly string[] = [],
  confinement: Confinement = "free",
): Launch => ({
  command: context.node,
  args: [...flags, ...permissions(context, confinement), host, kind],
  env: environmentFor(context.environment, names, { NODE_COMPILE_CACHE: context.compileCache }),
  cwd: context.folder,
});
