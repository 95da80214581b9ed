export interface OllamaOptions {
  url: string;
  /** May the name of that server lead into a private network? */
  privateNetwork: boolean;
  model: string;
  system: string;
  /** Ollama's own, as they are: num_ctx, temperature… */
  options: Record<string, unknown>;
  /** As Ollama reads it: "5m", -1; empty for its default. */
  keepAlive: string | number;
  contextTokens: number;
  silenceMs: number;
  /** 0: only the bot's limit counts. */
  limitMs: number;
}

/** The history leaves a quarter of Ollama's usual window of 4096 tokens to the answer. */
export const ollamaDefaults: Omit<OllamaOptions, "model"> = {
  url: "http://127.0.0.1:11434",
  privateNetwork: false,
  system: "",
  options: {},
  keepAlive: "",
  contextTokens: 3072,
  silenceMs: 5000,
  limitMs: 0,
};
