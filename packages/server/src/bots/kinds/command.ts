import { resolve } from "node:path";
import { z } from "zod";
import { environmentFor } from "./environment.ts";
import { nothingInside, variableSchema } from "./fields.ts";
import { defineKind } from "./kind.ts";

/** The system cuts arguments, paths and variables at a NUL, so what is started would not be what was read. */
const wordSchema = z.string().max(100_000).refine(nothingInside, "must not have a NUL character");

export const command = defineKind({
  name: "command",
  title: "Command",
  summary: "Any program that reads and writes JSON lines (docs/bot-protocol.md), in any language.",
  can: ["cancel"],
  options: z.strictObject({
    command: wordSchema.min(1).describe("The program: a name that is on the PATH, or a path. It is started without a shell."),
    args: z.array(wordSchema).max(1000).default([]).describe("Its arguments, each by itself; nothing in them is expanded."),
    env: z
      .array(variableSchema)
      .max(100)
      .default([])
      .describe("Names of environment variables that it may see besides PATH, HOME and LANG. All others of the server are kept from it."),
    set: z
      .record(variableSchema, wordSchema)
      .default({})
      .describe("Environment variables to set for it. Secrets belong into `env`, by name."),
    cwd: wordSchema
      .default("")
      .describe("The folder that it starts in, absolute or inside the bot's own folder. Empty: the bot's own folder."),
    files: z
      .boolean()
      .default(false)
      .describe("Does it take files? Then people may attach some, and turns carry them (docs/bot-protocol.md)."),
  }),
  launch: (options, context) => ({
    command: options.command,
    args: options.args,
    env: environmentFor(context.environment, options.env, options.set),
    cwd: resolve(context.folder, options.cwd),
  }),
});
