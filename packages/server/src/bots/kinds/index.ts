/** The kinds of bots that there are. A new one is a file here and, when it is built in, a driver in `worker/`. */
import { anthropic } from "./anthropic.ts";
import { acp } from "./acp.ts";
import { command } from "./command.ts";
import { echo } from "./echo.ts";
import type { Kind } from "./kind.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai.ts";
import { remote } from "./remote.ts";

export type { Kind, Launch, LaunchContext } from "./kind.ts";

export const kinds: ReadonlyMap<string, Kind> = new Map(
  [echo, ollama, openai, anthropic, acp, command, remote].map((kind) => [kind.name, kind]),
);
