/** Coding agents that are known by name: what is started, how it is installed, how one signs in. Sources: docs/coding-agents.md. */
export interface AcpPreset {
  /** For people. */
  title: string;
  /** The program that speaks ACP itself: never a launcher that would leave the agent behind. */
  command: string;
  args: readonly string[];
  install: string;
  /** A command line that signs in where the bot runs. */
  login: string;
}

export const acpPresets = {
  "claude-code": {
    title: "Claude Code",
    command: "claude-agent-acp",
    args: [],
    install: "npm install --global @agentclientprotocol/claude-agent-acp",
    login: "claude /login",
  },
  codex: {
    title: "Codex",
    command: "codex-acp",
    args: [],
    install: "npm install --global @agentclientprotocol/codex-acp",
    login: "codex login",
  },
  gemini: {
    title: "Gemini CLI",
    command: "gemini",
    args: ["--acp"],
    install: "npm install --global @google/gemini-cli",
    login: "gemini",
  },
  opencode: {
    title: "opencode",
    command: "opencode",
    args: ["acp"],
    install: "npm install --global opencode-ai",
    login: "opencode auth login",
  },
  goose: {
    title: "goose",
    command: "goose",
    args: ["acp"],
    install: "see https://github.com/aaif-goose/goose",
    login: "goose configure",
  },
} as const satisfies Record<string, AcpPreset>;

export type AcpPresetName = keyof typeof acpPresets;
