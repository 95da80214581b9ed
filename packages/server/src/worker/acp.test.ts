/** The decisions of the kind `acp`; what its process does is shown in test/bots/acp*.test.ts. */
import type { SessionUpdate } from "@agentclientprotocol/sdk";
import { RequestError } from "@agentclientprotocol/sdk";
import type { PlanPart, ToolPart } from "@skep/protocol/bot";
import { checkBotLine } from "@skep/protocol/bot";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wayBack } from "./acp-conversations.ts";
import { diffText } from "./acp-diff.ts";
import { conclude, explainError, needsSignIn, signInDetail } from "./acp-failure.ts";
import { inputText, ReportedParts } from "./acp-parts.ts";
import { choices, chosen, decided, policyFor } from "./acp-permission.ts";
import { acpPresets } from "./acp-presets.ts";
import { findProgram } from "./acp-program.ts";
import { promptFor } from "./acp-prompt.ts";
import { KeptSessions } from "./acp-sessions.ts";
import { bounded } from "./bounded-text.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skep-acp-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function reported() {
  const said: string[] = [];
  const parts: (ToolPart | PlanPart)[] = [];
  const turn = { delta: (text: string) => said.push(text), thought: () => {}, part: (part: ToolPart | PlanPart) => parts.push(part) };
  const report = new ReportedParts(turn, (terminal) => `output of ${terminal}`);
  return { report, said, parts };
}

describe("reported parts", () => {
  test("an update changes what it names and leaves the rest; the same again is not told again", () => {
    const { report, parts } = reported();
    const call = { sessionUpdate: "tool_call", toolCallId: "1", title: "Read", kind: "read", rawInput: { command: ["cat", "x"] } } as const;
    report.take(call);
    report.take({ sessionUpdate: "tool_call_update", toolCallId: "1", status: null, title: null });
    report.take({
      sessionUpdate: "tool_call_update",
      toolCallId: "1",
      status: "failed",
      content: [{ type: "terminal", terminalId: "t7" }],
    });
    expect(parts).toEqual([
      { type: "tool", id: "1", title: "Read", tool: "read", state: "pending", input: "cat x" },
      { type: "tool", id: "1", title: "Read", tool: "read", state: "failed", input: "cat x", output: "output of t7" },
    ]);
  });

  test("[T4] what is unfinished at the end is finished, well or not", () => {
    for (const well of [true, false]) {
      const { report, parts } = reported();
      report.take({ sessionUpdate: "tool_call", toolCallId: "1", title: "Wait", status: "in_progress" });
      report.take({ sessionUpdate: "tool_call", toolCallId: "2", title: "Done", status: "completed" });
      report.finish(well);
      expect(parts.slice(2)).toMatchObject([{ id: "1", state: well ? "completed" : "failed" }]);
    }
  });

  test("[B8] every part is bounded and a line of the protocol, whatever the agent says", () => {
    const { report, parts } = reported();
    const long = "🐝\ud83d".repeat(100_000);
    const update: SessionUpdate = {
      sessionUpdate: "tool_call",
      toolCallId: long,
      title: long,
      kind: "switch_mode",
      rawInput: { [long]: long },
      rawOutput: long,
      locations: Array.from({ length: 1000 }, () => ({ path: long })),
      content: [
        { type: "diff", path: long, oldText: null, newText: long },
        { type: "content", content: { type: "image", data: long, mimeType: "image/png" } },
      ],
    };
    report.take(update);
    report.take({
      sessionUpdate: "plan",
      entries: Array.from({ length: 9999 }, () => ({ content: long, status: "pending", priority: "low" })),
    });
    expect(parts).toHaveLength(2);
    for (const part of parts) {
      const text = JSON.stringify({ type: "part", turn: "t", part });
      expect(checkBotLine(JSON.parse(text))).not.toBeNull();
      expect(text.length).toBeLessThan(300_000);
      // JSON escapes nothing but what is unpaired.
      expect(text).not.toMatch(/(?<!\\)\\ud[89a-f]/);
    }
  });

  test("text resumes in a new paragraph after a tool or with a new message, not within one", () => {
    const { report, said } = reported();
    const chunk = (text: string, messageId?: string): SessionUpdate => ({
      sessionUpdate: "agent_message_chunk",
      content: { type: "text", text },
      ...(messageId ? { messageId } : {}),
    });
    for (const update of [chunk("a", "1"), chunk("b", "1"), chunk("c", "2"), chunk("d\n", "3"), chunk("e", "4")]) report.take(update);
    expect(said.join("")).toBe("ab\n\nc\n\nd\ne");
  });
});

test("a diff shows the lines that differ, with three around them", () => {
  const lines = Array.from({ length: 10 }, (_, index) => `line ${index + 1}`);
  const before = lines.join("\n");
  const after = lines.with(4, "changed").join("\n");
  expect(diffText("a.txt", before, after)).toBe(
    "--- a.txt\n@@ line 2 @@\n line 2\n line 3\n line 4\n-line 5\n+changed\n line 6\n line 7\n line 8",
  );
  expect(diffText("new.txt", null, "a\nb\n")).toBe("+++ new.txt\n+a\n+b");
  expect(diffText("a.txt", "a\na\n", "a\na\na\n")).toBe("--- a.txt\n@@ line 1 @@\n a\n a\n+a");
});

test("text is cut with a mark, never within a character", () => {
  expect(bounded("abc", 3)).toBe("abc");
  expect(bounded("ab🐝cd", 3)).toBe("ab… (3 more characters)");
  expect(bounded("\ud83d", 3)).toBe("\ufffd");
});

test("what a tool was called with reads as a command line where it is one", () => {
  expect([undefined, null, "ls", { command: "ls -l" }, { command: ["ls", "-l"] }, { path: "a" }].map(inputText)).toEqual([
    "",
    "",
    "ls",
    "ls -l",
    "ls -l",
    '{\n  "path": "a"\n}',
  ]);
});

describe("permission", () => {
  const options = [
    { optionId: "a+", name: "Always", kind: "allow_always" as const },
    { optionId: "a", name: "Once", kind: "allow_once" as const },
    { optionId: "r+", name: "Never", kind: "reject_always" as const },
  ];

  test("a rule for the kind of tool comes before the policy for all", () => {
    const settings = { permissions: "ask" as const, rules: { read: "allow" as const } };
    expect([policyFor("read", settings), policyFor("execute", settings)]).toEqual(["allow", "ask"]);
  });

  test("a policy decides once only where it can; without a way to say so the request is cancelled", () => {
    expect(decided("allow", options)).toEqual({ outcome: "selected", optionId: "a" });
    expect(decided("reject", options)).toEqual({ outcome: "selected", optionId: "r+" });
    expect(decided("reject", options.slice(0, 2))).toEqual({ outcome: "cancelled" });
  });

  test("only what was offered can be chosen", () => {
    expect(chosen("a+", options)).toEqual({ outcome: "selected", optionId: "a+" });
    expect(chosen("b", options)).toEqual({ outcome: "selected", optionId: "r+" });
    expect(choices(options)[0]).toEqual({ id: "a+", label: "Always", effect: "allow", always: true });
  });
});

describe("how a turn ends", () => {
  const quiet = { said: false, did: false, cancelRequested: false };
  test.each([
    ["end_turn", { ...quiet, said: true }, { answer: "" }],
    ["end_turn", { ...quiet, did: true }, { answer: expect.stringContaining("Done") as string }],
    ["end_turn", quiet, { reason: "The agent gave an empty answer", retry: true }],
    ["end_turn", { ...quiet, said: true, cancelRequested: true }, { reason: "Cancelled", retry: false }],
    ["cancelled", quiet, { reason: "The agent has broken off its work by itself", retry: false }],
    ["max_tokens", quiet, { reason: "The agent used up its tokens for one answer before it said anything", retry: false }],
    ["max_turn_requests", { ...quiet, said: true }, { answer: expect.stringContaining("used up its steps") as string }],
    ["refusal", { ...quiet, said: true }, { reason: "The agent refuses to answer this", retry: false }],
  ] as const)("%s after %j", (stop, state, expected) => expect(conclude(stop, state)).toEqual(expected));

  test("an error says what the agent says; only one that may pass is worth another try", () => {
    expect(explainError(new RequestError(-32603, "Internal error", { details: "no quota" }))).toEqual({
      reason: "The agent reports: Internal error: no quota",
      retry: true,
    });
    expect(explainError(new RequestError(-32602, "Invalid params")).retry).toBe(false);
    expect([needsSignIn(RequestError.authRequired()), needsSignIn(new Error("no"))]).toEqual([true, false]);
  });

  test("who has to sign in gets a command line: the preset's, or the agent's own", () => {
    const program = { command: "/usr/bin/hal", args: ["acp"], login: "" };
    const terminal = { id: "t", name: "In a terminal", type: "terminal" as const, args: ["login"] };
    expect(signInDetail({ ...program, login: "codex login" }, [])).toContain('run "codex login".');
    expect(signInDetail(program, [terminal])).toContain('run "hal acp login" (it offers: In a terminal).');
    expect(signInDetail(program, [{ id: "k", name: "API key" }])).toContain("own command line (it offers: API key).");
  });
});

test("to resume is chosen before to load", () => {
  expect(wayBack({ loadSession: true, sessionCapabilities: { resume: {} } })).toBe("resume");
  expect(wayBack({ loadSession: true })).toBe("load");
  expect(wayBack({ sessionCapabilities: { resume: null } })).toBeNull();
});

describe("the prompt", () => {
  const history = [
    { role: "person" as const, author: "ann", text: "old ".repeat(1000) },
    { role: "bot" as const, author: "b", text: "yes" },
    { role: "person" as const, author: "ann", text: "new" },
  ];
  const texts = (...of: Parameters<typeof promptFor>): string[] =>
    promptFor(...of).map((block) => (block.type === "text" ? block.text : ""));

  test("in a session that goes on is the message alone, with a note when it comes again", () => {
    expect(texts({ text: "hi", attempt: 1, history }, { fresh: false }, 1000)).toEqual(["hi"]);
    expect(texts({ text: "hi", attempt: 2, history }, { fresh: false }, 1000)).toEqual([expect.stringContaining("broken off"), "hi"]);
  });

  test("in a new session brings what of the conversation fits", () => {
    expect(texts({ text: "hi", attempt: 1, history: [] }, { fresh: true }, 1000)).toEqual(["hi"]);
    const [earlier, text] = texts({ text: "hi", attempt: 1, history }, { fresh: true }, 100);
    expect(earlier).toMatch(/Person: new$/);
    expect(earlier).not.toContain("old");
    expect(text).toBe("hi");
  });
});

describe("the program", () => {
  const none = { agent: "", command: "", args: [], from: "" };

  test("is found in the folder that is named, then on the PATH, and is the file itself", () => {
    const [bin, path] = [join(folder, "app", "node_modules", ".bin"), join(folder, "path")];
    for (const place of [bin, path]) {
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, "gemini"), "#!/bin/sh\n", { mode: 0o755 });
    }
    const preset = { ...none, agent: "gemini" };
    const where = { path: `relative:${path}`, folder };
    expect(findProgram(preset, where)).toEqual({ command: join(path, "gemini"), args: ["--acp"], login: "gemini" });
    expect(findProgram({ ...preset, from: "app", args: ["--x"] }, where)).toMatchObject({ command: join(bin, "gemini"), args: ["--x"] });
    expect(findProgram({ ...none, command: "./path/gemini" }, where)).toMatchObject({ command: join(path, "gemini"), args: [] });
    chmodSync(join(path, "gemini"), 0o644);
    expect(findProgram(preset, where)).toMatch(/^Gemini CLI is not installed: .*npm install --global @google\/gemini-cli$/);
  });

  test.each(Object.entries(acpPresets))("%s: what is missing is said, with what to install", (agent, preset) => {
    const problem = findProgram({ ...none, agent }, { path: "", folder });
    expect(problem).toContain(preset.title);
    expect(problem).toContain(preset.install);
    expect(preset.command).not.toMatch(/npx|npm|bunx|uvx/);
  });

  test("of no preset: the option is named", () => {
    expect(findProgram({ ...none, command: "hal" }, { path: "", folder })).toMatch(/no program "hal".*option "command"/);
    expect(findProgram({ ...none, command: "/no/hal" }, { path: "", folder })).toMatch(/no program "\/no\/hal" at that path/);
  });
});

test("kept sessions are files that nothing in a conversation's id can lead elsewhere", () => {
  const kept = new KeptSessions(join(folder, "sessions"));
  for (const conversation of ["c1", "../../c", "..", "a/b", "ü"]) {
    expect(kept.get(conversation)).toBeNull();
    kept.set(conversation, { session: `of ${conversation}`, by: "me" });
    expect(kept.get(conversation)).toEqual({ session: `of ${conversation}`, by: "me" });
  }
  expect(readdirSync(join(folder, "sessions"))).toHaveLength(5);
  kept.delete("c1");
  expect(kept.get("c1")).toBeNull();
});
