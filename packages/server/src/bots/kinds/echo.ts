import { z } from "zod";
import { echoDefaults } from "../../worker/echo-options.ts";
import { millisecondsSchema, textSchema } from "./fields.ts";
import { defineKind } from "./kind.ts";
import { launchWorker } from "./worker-launch.ts";

export const echo = defineKind({
  name: "echo",
  title: "Echo",
  summary: "Answers with what it was told. For trying things out, for tests and for measuring; needs no model.",
  can: ["cancel", "images", "files"],
  options: z.strictObject({
    prefix: textSchema.default(echoDefaults.prefix).describe("Text before every answer."),
    commands: z
      .boolean()
      .default(echoDefaults.commands)
      .describe("Does it obey messages such as /stream, /stall or /crash? /help lists them. With false they are plain text."),
    delayMs: millisecondsSchema.default(echoDefaults.delayMs).describe("Milliseconds before it begins to answer."),
    pieces: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .default(echoDefaults.pieces)
      .describe("Streams its answer in at most so many pieces; 0 answers in one."),
    pieceMs: millisecondsSchema.default(echoDefaults.pieceMs).describe("Milliseconds after each piece."),
    startMs: millisecondsSchema.default(echoDefaults.startMs).describe("Milliseconds before it says that it is ready."),
    crashAtStart: z.boolean().default(echoDefaults.crashAtStart).describe("Ends with code 1 before it is ready, every time."),
  }),
  launch: (_, context) => launchWorker("echo", context, [], "alone"),
});
