/** Which program is started for an agent: the file itself, so that no launcher stands between it and us. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import type { AcpOptions } from "./acp-options.ts";
import type { AcpPreset } from "./acp-presets.ts";
import { acpPresets } from "./acp-presets.ts";

export interface Program {
  command: string;
  args: readonly string[];
  /** A command line for people who have to sign in. */
  login: string;
}

export const presetOf = ({ agent }: Pick<AcpOptions, "agent">): AcpPreset | undefined =>
  Object.hasOwn(acpPresets, agent) ? acpPresets[agent as keyof typeof acpPresets] : undefined;

/**
 * Names are looked up in `from`'s node_modules/.bin, then on the PATH; paths are taken from `folder`.
 * @returns the program, or a sentence that says what is missing and what to do
 */
export function findProgram(
  options: Pick<AcpOptions, "agent" | "command" | "args" | "from">,
  { path, folder }: { path: string; folder: string },
): Program | string {
  const preset = presetOf(options);
  const command = options.command || preset?.command || "";
  const args = options.args.length > 0 ? options.args : (preset?.args ?? []);
  const places = [...(options.from === "" ? [] : [join(resolve(folder, options.from), "node_modules", ".bin")]), ...path.split(delimiter)];
  const file = /[/\\]/.test(command)
    ? executable(resolve(folder, command))
    : places.map((place) => (isAbsolute(place) ? executable(join(place, command)) : null)).find((found) => found !== null);
  if (file) return { command: file, args, login: preset?.login ?? "" };
  const looked =
    options.from === "" ? "on the PATH of the server" : `in ${join(options.from, "node_modules", ".bin")} or on the PATH of the server`;
  return preset
    ? `${preset.title} is not installed: there is no program "${command}" ${looked}. To install it: ${preset.install}`
    : `There is no program "${command}" ${/[/\\]/.test(command) ? "at that path" : looked}; the option "command" says what is started`;
}

function executable(file: string): string | null {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? file : null;
  } catch {
    return null;
  }
}
