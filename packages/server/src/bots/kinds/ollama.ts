import { z } from "zod";
import { ollamaDefaults } from "../../worker/ollama-options.ts";
import { millisecondsSchema, privateNetworkSentence, textSchema, urlSchema } from "./fields.ts";
import { defineKind } from "./kind.ts";
import { launchWorker } from "./worker-launch.ts";

export const ollama = defineKind({
  name: "ollama",
  title: "Ollama",
  summary: "A model that runs on this machine or in your network, through Ollama.",
  can: ["cancel", "images", "files"],
  options: z.strictObject({
    url: urlSchema.default(ollamaDefaults.url).describe("Where the Ollama server is."),
    privateNetwork: z.boolean().default(ollamaDefaults.privateNetwork).describe(privateNetworkSentence),
    model: z.string().trim().min(1).max(200).describe('The model\'s name as `ollama list` shows it, such as "llama3.2".'),
    system: textSchema.default(ollamaDefaults.system).describe("The system prompt: who the bot is and how it talks."),
    options: z
      .record(z.string(), z.unknown())
      .default(ollamaDefaults.options)
      .describe("Ollama's own model options, passed on as they are: num_ctx, temperature, seed…"),
    keepAlive: z
      .union([z.string().max(32), z.number()])
      .default(ollamaDefaults.keepAlive)
      .describe('How long the model stays loaded after an answer: "5m", "1h", -1 for ever. Empty: the server decides.'),
    contextTokens: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(ollamaDefaults.contextTokens)
      .describe("How much of the conversation the model gets, in tokens of about 4 bytes. The oldest messages are left out first."),
    silenceMs: millisecondsSchema
      .min(10)
      .default(ollamaDefaults.silenceMs)
      .describe("After so many milliseconds without a byte the server's health is checked and people are told."),
    limitMs: millisecondsSchema
      .default(ollamaDefaults.limitMs)
      .describe("An answer that takes longer than so many milliseconds is given up. 0: only the bot's own limit counts."),
  }),
  // Certificates of your own for https.
  launch: (_, context) => launchWorker("ollama", context, ["NODE_EXTRA_CA_CERTS"], "network"),
});
