/** docs/bot-protocol.md and docs/coding-agents.md are right about what can be checked: lines of the protocol, agents that are known by name. */
import { checkBotLine } from "@skep/protocol/bot";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { acpPresets } from "../packages/server/src/worker/acp-presets.ts";

const page = (name: string): string => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");

/** The lines of all JSON examples in a chapter. One that is cut for the page goes on where a line begins with a blank. */
const examples = (chapter: string): string[] =>
  [...chapter.matchAll(/```json\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
    block
      .replaceAll(/\n(?= )/g, "")
      .trim()
      .split("\n"),
  );

const [, afterGets = ""] = page("bot-protocol.md").split("## What a bot says\n");
const says = afterGets.split("\n## ")[0] ?? "";

test("every line that a bot may say has an example", () => {
  const types = examples(says).map((line) => (JSON.parse(line) as { type: string }).type);
  expect([...new Set(types)].toSorted()).toEqual(
    ["answer", "delta", "failure", "heartbeat", "hello", "log", "login", "part", "permission", "status", "thought"].toSorted(),
  );
});

test.each(examples(says))("%s is a line of the protocol", (line) => {
  expect(checkBotLine(JSON.parse(line))).toEqual(JSON.parse(line));
});

describe("agents that are known by name", () => {
  const coding = page("coding-agents.md");
  test.each(Object.entries(acpPresets))("%s stands there as it is started", (name, { command, args }) => {
    const row = coding.split("\n").find((line) => line.startsWith(`| \`${name}\``));
    expect(row).toContain(`\`${[command, ...args].join(" ")}\``);
  });

  test.each(Object.entries(acpPresets))("%s stands there with how one installs it and signs in", (name, { install, login }) => {
    const row = coding.split("\n").find((line) => line.startsWith(`| \`${name}\``));
    expect(row).toContain(install.replace(/^see /, ""));
    expect(row).toContain(`\`${login}\``);
  });
});
