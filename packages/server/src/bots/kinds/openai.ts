import { z } from "zod";
import { openaiDefaults } from "../../worker/openai-options.ts";
import { millisecondsSchema, privateNetworkSentence, textSchema, urlSchema, variableSchema } from "./fields.ts";
import { defineKind } from "./kind.ts";
import { launchWorker } from "./worker-launch.ts";

export const openai = defineKind({
  name: "openai",
  title: "OpenAI-compatible",
  summary: "A model behind any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, LM Studio, OpenRouter…",
  can: ["cancel", "images", "files"],
  options: z.strictObject({
    baseUrl: urlSchema
      .default(openaiDefaults.baseUrl)
      .describe('The address before "/chat/completions"; for most servers it ends in /v1. Redirects are not followed.'),
    privateNetwork: z.boolean().default(openaiDefaults.privateNetwork).describe(privateNetworkSentence),
    model: z.string().trim().min(1).max(200).describe("The model's name as the server knows it."),
    apiKeyEnv: z
      .union([z.literal(""), variableSchema])
      .default(openaiDefaults.apiKeyEnv)
      .describe(
        "The name of the environment variable that holds the key, such as OPENAI_API_KEY; never the key itself. Empty: no key is sent.",
      ),
    system: textSchema.default(openaiDefaults.system).describe("The system prompt: who the bot is and how it talks."),
    temperature: z
      .number()
      .min(0)
      .max(10)
      .nullable()
      .default(openaiDefaults.temperature)
      .describe("0 is most predictable. Empty: the server decides."),
    maxTokens: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .nullable()
      .default(openaiDefaults.maxTokens)
      .describe("The most tokens of one answer (max_tokens). Empty: the server decides."),
    extra: z
      .record(z.string(), z.unknown())
      .default(openaiDefaults.extra)
      .describe("Further fields of the request, passed on as they are: top_p, seed, reasoning_effort, max_completion_tokens…"),
    contextTokens: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(openaiDefaults.contextTokens)
      .describe("How much of the conversation the model gets, in tokens of about 4 bytes. The oldest messages are left out first."),
    silenceMs: millisecondsSchema
      .min(10)
      .default(openaiDefaults.silenceMs)
      .describe("After so many milliseconds without a byte the server's health is checked and people are told."),
    limitMs: millisecondsSchema
      .default(openaiDefaults.limitMs)
      .describe("An answer that takes longer than so many milliseconds is given up. 0: only the bot's own limit counts."),
  }),
  // Certificates of your own for https.
  launch: ({ apiKeyEnv }, context) =>
    launchWorker("openai", context, ["NODE_EXTRA_CA_CERTS", ...(apiKeyEnv === "" ? [] : [apiKeyEnv])], "network"),
});
