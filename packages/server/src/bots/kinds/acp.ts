import { z } from "zod";
import { acpDefaults } from "../../worker/acp-options.ts";
import { acpPresets } from "../../worker/acp-presets.ts";
import type { AcpPresetName } from "../../worker/acp-presets.ts";
import { nothingInside, variableSchema } from "./fields.ts";
import { defineKind } from "./kind.ts";
import { launchWorker } from "./worker-launch.ts";

const wordSchema = z.string().max(100_000).refine(nothingInside, "must not have a NUL character");
const nameSchema = z.string().max(200);
const policySchema = z.enum(["ask", "allow", "reject"]);
const toolSchema = z.enum(["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"]);
const presetNames = Object.keys(acpPresets) as [AcpPresetName, ...AcpPresetName[]];

/** As the Agent Client Protocol has them. */
const pairsSchema = z.array(z.strictObject({ name: z.string().min(1).max(200), value: wordSchema })).max(100);
const mcpServerSchema = z.union([
  z.strictObject({
    name: nameSchema.min(1),
    command: wordSchema.min(1),
    args: z.array(wordSchema).max(1000).default([]),
    env: pairsSchema.default([]),
  }),
  z.strictObject({
    type: z.enum(["http", "sse"]),
    name: nameSchema.min(1),
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    headers: pairsSchema.default([]),
  }),
]);

export const acp = defineKind({
  name: "acp",
  title: "Coding agent",
  summary:
    "Any agent that speaks the Agent Client Protocol: Claude Code, Codex, Gemini CLI, opencode, goose… It must be installed on this machine.",
  can: ["cancel", "resume", "tools", "images", "files"],
  options: z
    .strictObject({
      agent: z
        .enum(["", ...presetNames])
        .default("")
        .describe("An agent that is known by name: its command line is known too. Empty: `command` names the program."),
      command: wordSchema
        .default(acpDefaults.command)
        .describe("The program that speaks the Agent Client Protocol over its standard input and output. It is started without a shell."),
      args: z.array(wordSchema).max(1000).default(acpDefaults.args).describe("Its arguments, instead of those of `agent`."),
      from: wordSchema
        .default(acpDefaults.from)
        .describe("A folder with a node_modules/.bin in it, where the program is looked for before the PATH."),
      env: z
        .array(variableSchema)
        .max(100)
        .default(acpDefaults.env)
        .describe("Names of environment variables that it may see besides PATH, HOME and LANG, such as ANTHROPIC_API_KEY."),
      set: z
        .record(variableSchema, wordSchema)
        .default(acpDefaults.set)
        .describe("Environment variables to set for it. Secrets belong into `env`, by name."),
      cwd: wordSchema
        .min(1)
        .default(acpDefaults.cwd)
        .describe("Its working folder, absolute or inside the bot's own folder, which is removed together with the bot."),
      mcpServers: z
        .array(mcpServerSchema)
        .max(50)
        .default([])
        .describe("Tool servers (MCP) that the agent connects to, as ACP describes them."),
      mode: nameSchema.default(acpDefaults.mode).describe("The agent's mode for new sessions, by its id. Empty: the agent's own choice."),
      authMethod: nameSchema
        .default(acpDefaults.authMethod)
        .describe(
          "A way to sign in that needs nobody, by its id, such as one that takes a key from `env`. Empty: it is signed in by hand.",
        ),
      permissions: policySchema
        .default(acpDefaults.permissions)
        .describe("What becomes of its requests for permission: people are asked, or all are allowed, or all are rejected."),
      rules: z
        .partialRecord(toolSchema, policySchema)
        .default(acpDefaults.rules)
        .describe("Exceptions from `permissions` by kind of tool, such as read or execute."),
      permissionMs: z
        .number()
        .int()
        .min(10)
        .max(604_800_000)
        .default(acpDefaults.permissionMs)
        .describe(
          "The agent waits so many milliseconds for a decision at most; then its request is rejected. Asked people may have less time: the bot's limits say so.",
        ),
      files: z
        .enum(["none", "read", "write"])
        .default(acpDefaults.files)
        .describe(
          "Does Skep read and write files for it? Only inside its working folder. What the agent does by itself is its own affair.",
        ),
      terminal: z
        .boolean()
        .default(acpDefaults.terminal)
        .describe("Does Skep run commands for it? Only in its working folder, and without a shell."),
      shell: z
        .boolean()
        .default(acpDefaults.shell)
        .describe("Are commands that come as one line, without arguments, run by /bin/sh? Needs `terminal`."),
      historyTokens: z
        .number()
        .int()
        .min(0)
        .max(10_000_000)
        .default(acpDefaults.historyTokens)
        .describe("How much of the conversation a new session gets, in tokens of about 4 bytes, when the agent's own session is gone."),
      checkMs: z
        .number()
        .int()
        .min(10)
        .max(86_400_000)
        .default(acpDefaults.checkMs)
        .describe("While a sign-in is needed, it is tried again every so many milliseconds."),
    })
    .refine(({ agent, command }) => agent !== "" || command !== "", {
      path: ["agent"],
      error: `names an agent (${presetNames.join(", ")}), or "command" names a program`,
    }),
  // Certificates of your own, for agents that run on Node.
  launch: (options, context) => launchWorker("acp", context, ["NODE_EXTRA_CA_CERTS", ...options.env]),
});
