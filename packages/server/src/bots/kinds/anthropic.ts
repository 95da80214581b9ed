import { z } from "zod";
import { anthropicDefaults } from "../../worker/anthropic-options.ts";
import { millisecondsSchema, privateNetworkSentence, textSchema, urlSchema, variableSchema } from "./fields.ts";
import { defineKind } from "./kind.ts";
import { launchWorker } from "./worker-launch.ts";

export const anthropic = defineKind({
  name: "anthropic",
  title: "Anthropic",
  summary: "A Claude model through Anthropic's messages API, or any server that speaks it.",
  can: ["cancel", "images", "files"],
  options: z.strictObject({
    baseUrl: urlSchema.default(anthropicDefaults.baseUrl).describe('The address before "/v1/messages". Redirects are not followed.'),
    privateNetwork: z.boolean().default(anthropicDefaults.privateNetwork).describe(privateNetworkSentence),
    model: z.string().trim().min(1).max(200).describe("The model's name as the server knows it."),
    apiKeyEnv: z
      .union([z.literal(""), variableSchema])
      .default(anthropicDefaults.apiKeyEnv)
      .describe("The name of the environment variable that holds the key; never the key itself. Empty: no key is sent."),
    version: z
      .string()
      .regex(/^[\w.-]{1,40}$/, "is not a version such as 2023-06-01")
      .default(anthropicDefaults.version)
      .describe("The version of the API that is asked for (the header anthropic-version)."),
    system: textSchema.default(anthropicDefaults.system).describe("The system prompt: who the bot is and how it talks."),
    temperature: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .default(anthropicDefaults.temperature)
      .describe("0 is most predictable. Empty: the server decides."),
    maxTokens: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(anthropicDefaults.maxTokens)
      .describe("The most tokens of one answer (max_tokens); some models allow fewer."),
    extra: z
      .record(z.string(), z.unknown())
      .default(anthropicDefaults.extra)
      .describe("Further fields of the request, passed on as they are: thinking, top_p, stop_sequences, metadata…"),
    contextTokens: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(anthropicDefaults.contextTokens)
      .describe("How much of the conversation the model gets, in tokens of about 4 bytes. The oldest messages are left out first."),
    silenceMs: millisecondsSchema
      .min(10)
      .default(anthropicDefaults.silenceMs)
      .describe("After so many milliseconds without a byte the server's health is checked and people are told."),
    limitMs: millisecondsSchema
      .default(anthropicDefaults.limitMs)
      .describe("An answer that takes longer than so many milliseconds is given up. 0: only the bot's own limit counts."),
  }),
  // Certificates of your own for https.
  launch: ({ apiKeyEnv }, context) =>
    launchWorker("anthropic", context, ["NODE_EXTRA_CA_CERTS", ...(apiKeyEnv === "" ? [] : [apiKeyEnv])], "network"),
});
