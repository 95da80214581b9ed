/** What a definition of the kind `acp` says, as the bot's process gets it. Imports nothing: the controller reads the defaults. */
import type { ToolPart } from "@skep/protocol/bot";

export type PermissionPolicy = "ask" | "allow" | "reject";

export interface AcpOptions {
  /** The name of a preset, or empty: then `command` says what is started. */
  agent: string;
  command: string;
  args: string[];
  /** A folder whose node_modules/.bin is looked into before the PATH. */
  from: string;
  env: string[];
  set: Record<string, string>;
  cwd: string;
  /** As ACP has them; passed on as they are. */
  mcpServers: Record<string, unknown>[];
  mode: string;
  authMethod: string;
  permissions: PermissionPolicy;
  rules: Partial<Record<ToolPart["tool"], PermissionPolicy>>;
  permissionMs: number;
  files: "none" | "read" | "write";
  terminal: boolean;
  shell: boolean;
  historyTokens: number;
  checkMs: number;
}

export const acpDefaults: AcpOptions = {
  agent: "",
  command: "",
  args: [],
  from: "",
  env: [],
  set: {},
  cwd: "work",
  mcpServers: [],
  mode: "",
  authMethod: "",
  permissions: "ask",
  rules: {},
  permissionMs: 604_800_000,
  files: "none",
  terminal: false,
  shell: false,
  historyTokens: 16_000,
  checkMs: 15_000,
};
