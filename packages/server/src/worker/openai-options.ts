export interface OpenaiOptions {
  baseUrl: string;
  /** May the name of that server lead into a private network? */
  privateNetwork: boolean;
  model: string;
  /** The name of an environment variable, never the key. Empty: no key is sent. */
  apiKeyEnv: string;
  system: string;
  temperature: number | null;
  maxTokens: number | null;
  /** Further fields of the request, as they are. */
  extra: Record<string, unknown>;
  contextTokens: number;
  silenceMs: number;
  /** 0: only the bot's limit counts. */
  limitMs: number;
}

export const openaiDefaults: Omit<OpenaiOptions, "model"> = {
  baseUrl: "http://127.0.0.1:11434/v1",
  privateNetwork: false,
  apiKeyEnv: "",
  system: "",
  temperature: null,
  maxTokens: null,
  extra: {},
  contextTokens: 16_000,
  silenceMs: 5000,
  limitMs: 0,
};
