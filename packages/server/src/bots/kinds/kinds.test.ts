import { existsSync } from "node:fs";
import { Refusal, parseWith } from "@skep/protocol";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { kinds } from "./index.ts";
import { describeKind } from "./kind.ts";
import type { LaunchContext } from "./kind.ts";

const context: LaunchContext = {
  node: "/usr/bin/node",
  compileCache: "/data/compile-cache",
  environment: { PATH: "/bin", HOME: "/home/ann", LANG: "C", OPENAI_API_KEY: "sesame", SECRET: "no", NODE_OPTIONS: "--inspect" },
  folder: "/data/bots/b",
};
const required: Record<string, Record<string, unknown>> = {
  echo: {},
  ollama: { model: "llama3.2" },
  openai: { model: "gpt" },
  anthropic: { model: "claude" },
  acp: { agent: "codex" },
  command: { command: "./bot" },
  remote: {},
};

const launch = (kind: string, options = required[kind] ?? {}) => kinds.get(kind)?.launch?.(options, context);
/** As a definition is checked when a bot is added. */
const check = (kind: string, options: Record<string, unknown>) => parseWith(kinds.get(kind)?.options ?? z.never(), options);

const refused = (kind: string, options: Record<string, unknown>): Refusal | null => {
  try {
    check(kind, options);
    launch(kind, options);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
};

test("every kind is found by its name", () => {
  expect([...kinds.keys()]).toEqual(["echo", "ollama", "openai", "anthropic", "acp", "command", "remote"]);
  for (const [name, kind] of kinds) expect(kind.name).toBe(name);
});

describe.each([...kinds.values()])("$name", (kind) => {
  test("every option has a sentence and, but for the required ones, a default", () => {
    const schema = z.toJSONSchema(kind.options, { io: "input" }) as {
      properties: Record<string, { description?: string; default?: unknown }>;
    };
    for (const [name, property] of Object.entries(schema.properties)) {
      expect([name, property.description]).toEqual([name, expect.stringMatching(/[.…]$/)]);
      if (!(name in (required[kind.name] ?? {}))) expect([name, "default" in property]).toEqual([name, true]);
    }
    expect(() => kind.options.parse(required[kind.name])).not.toThrow();
  });

  test("says what it can do, and describes its options so that a form can be made of them", () => {
    const { name, title, summary, can, options } = describeKind(kind);
    expect({ name, title, summary, can }).toEqual({ name: kind.name, title: kind.title, summary: kind.summary, can: kind.can });
    expect(can).toContain("cancel");
    expect(options).toMatchObject({ type: "object", additionalProperties: false });
    expect(Object.keys(options["properties"] as object)).toEqual(Object.keys(kind.options.shape));
  });

  test("[R-B5] an option that it does not have is refused by name", () => {
    expect(refused(kind.name, { ...required[kind.name], colour: "red" })).toMatchObject({
      code: "field_invalid",
      extra: { field: "colour" },
    });
  });

  test.runIf(kind.launch)("sees nothing of the environment that is not named", () => {
    const env = launch(kind.name)?.env ?? {};
    expect(env).toMatchObject({ PATH: "/bin", HOME: "/home/ann", LANG: "C" });
    expect(Object.keys(env)).not.toContain("SECRET");
    expect(Object.keys(env)).not.toContain("NODE_OPTIONS");
    expect(Object.keys(env)).not.toContain("OPENAI_API_KEY");
  });
});

test("built-in kinds run the host beside this source", () => {
  for (const kind of ["echo", "ollama", "openai", "anthropic", "acp"]) {
    const { command, args, env, cwd } = launch(kind) ?? { args: [] };
    expect([command, cwd, args.at(-1)]).toEqual([context.node, context.folder, kind]);
    expect(existsSync(args.at(-2) ?? "")).toBe(true);
    expect(env?.["NODE_COMPILE_CACHE"]).toBe(context.compileCache);
  }
});

test("openai: the named key and no other reaches the bot", () => {
  expect(launch("openai", { model: "gpt", apiKeyEnv: "OPENAI_API_KEY" })?.env["OPENAI_API_KEY"]).toBe("sesame");
  expect(refused("openai", { model: "gpt", apiKeyEnv: "sk-a key by mistake" })?.extra.field).toBe("apiKeyEnv");
});

test("anthropic: by default the key is in ANTHROPIC_API_KEY, and it alone reaches the bot", () => {
  const environment = { ...context.environment, ANTHROPIC_API_KEY: "sesame" };
  const env = kinds.get("anthropic")?.launch?.({ model: "claude" }, { ...context, environment }).env ?? {};
  expect(env["ANTHROPIC_API_KEY"]).toBe("sesame");
  expect(Object.keys(env)).not.toContain("OPENAI_API_KEY");
});

test("acp: the agent's variables reach its host, what is set does not: that is for the agent", () => {
  const env = launch("acp", { agent: "codex", env: ["OPENAI_API_KEY"], set: { NODE_OPTIONS: "--inspect" } })?.env ?? {};
  expect(env["OPENAI_API_KEY"]).toBe("sesame");
  expect(Object.keys(env)).not.toContain("NODE_OPTIONS");
});

test("command: exactly what was said, no shell, in its own folder", () => {
  expect(launch("command", { command: "bot", args: ["$HOME", "; rm"], env: ["SECRET"], set: { MODE: "x" } })).toEqual({
    command: "bot",
    args: ["$HOME", "; rm"],
    env: { PATH: "/bin", HOME: "/home/ann", LANG: "C", SECRET: "no", MODE: "x" },
    cwd: "/data/bots/b",
  });
  expect(launch("command", { command: "bot", cwd: "inner" })?.cwd).toBe("/data/bots/b/inner");
  expect(launch("command", { command: "bot", cwd: "/srv/bot" })?.cwd).toBe("/srv/bot");
});

test.each([
  ["ollama", {}, "model"],
  ["ollama", { model: "m", url: "ftp://host" }, "url"],
  ["ollama", { model: "m", url: "http://host/?a=b" }, "url"],
  ["ollama", { model: "m", silenceMs: "5 s" }, "silenceMs"],
  ["openai", { model: "m", baseUrl: "not a url" }, "baseUrl"],
  ["openai", { model: "m", temperature: -1 }, "temperature"],
  ["anthropic", {}, "model"],
  ["anthropic", { model: "m", maxTokens: 0 }, "maxTokens"],
  ["anthropic", { model: "m", version: "a b" }, "version"],
  ["echo", { pieces: 1.5 }, "pieces"],
  ["acp", {}, "agent"],
  ["acp", { agent: "hal" }, "agent"],
  ["acp", { command: "a\0b" }, "command"],
  ["acp", { agent: "codex", env: ["A=B"] }, "env.0"],
  ["acp", { agent: "codex", permissions: "maybe" }, "permissions"],
  ["acp", { agent: "codex", rules: { everything: "allow" } }, "rules.everything"],
  ["acp", { agent: "codex", files: "all" }, "files"],
  ["acp", { agent: "codex", cwd: "" }, "cwd"],
  ["acp", { agent: "codex", mcpServers: [{ name: "tools" }] }, "mcpServers.0.command"],
  ["command", { command: "" }, "command"],
  ["command", { command: "a\0b" }, "command"],
  ["command", { command: "a", env: ["A=B"] }, "env.0"],
])("[R-B5] %s %j is refused and names the field", (kind, options, field) => {
  expect(refused(kind, options)?.extra.field).toBe(field);
});
