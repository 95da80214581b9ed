export interface AnthropicOptions {
  baseUrl: string;
  /** May the name of that server lead into a private network? */
  privateNetwork: boolean;
  model: string;
  /** The name of an environment variable, never the key. Empty: no key is sent. */
  apiKeyEnv: string;
  /** The header anthropic-version. */
  version: string;
  system: string;
  temperature: number | null;
  maxTokens: number;
  /** Further fields of the request, as they are. */
  extra: Record<string, unknown>;
  contextTokens: number;
  silenceMs: number;
  /** 0: only the bot's limit counts. */
  limitMs: number;
}

export const anthropicDefaults: Omit<AnthropicOptions, "model"> = {
  baseUrl: "https://api.anthropic.com",
  privateNetwork: false,
  apiKeyEnv: "ANTHROPIC_API_KEY",
  version: "2023-06-01",
  system: "",
  temperature: null,
  maxTokens: 8192,
  extra: {},
  contextTokens: 64_000,
  silenceMs: 5000,
  limitMs: 0,
};
