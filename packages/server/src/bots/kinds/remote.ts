import { z } from "zod";
import { defineKind } from "./kind.ts";

export const remote = defineKind({
  name: "remote",
  title: "Remote",
  summary: "A program anywhere that connects in with the bot's token and speaks the bot protocol (docs/bot-protocol.md).",
  can: ["cancel"],
  options: z.strictObject({
    settings: z
      .record(z.string(), z.unknown())
      .default({})
      .describe("Whatever the program should know; it gets them with `hello`. Secrets do not belong here."),
    files: z
      .boolean()
      .default(false)
      .describe("Does it take files? Then people may attach some, and turns carry them (docs/bot-protocol.md)."),
  }),
  launch: null,
});
