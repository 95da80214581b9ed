/** `skep chat` and `skep permissions`, by their functions, on the real server's control socket. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommandLine } from "../packages/server/src/cli/program.ts";
import type { Terminal } from "../packages/server/src/cli/terminal.ts";
import type { StartedServer } from "./support/started-server.ts";
import { startedServer } from "./support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
});
afterAll(() => server.end());

interface Run {
  input: PassThrough;
  shown: () => string;
  ended: Promise<number>;
}

function run(words: string[], interactive = false): Run {
  const input = new PassThrough();
  const output = new PassThrough();
  let text = "";
  output.on("data", (piece: Buffer) => (text += piece.toString("utf8")));
  const say = (line: string): void => void output.write(`${line}\n`);
  const terminal: Terminal = {
    arguments: [...words, "--data", server.data],
    surroundings: { variables: {}, platform: process.platform, home: server.data, folder: server.data, terminal: false },
    node: process.execPath,
    version: "0.0.0",
    interactive,
    out: say,
    error: say,
    ask: () => Promise.resolve(null),
    input,
    output,
    onStop: () => () => {},
    onBug: () => {},
    exit: () => {},
  };
  return { input, shown: () => stripVTControlCharacters(text), ended: runCommandLine(terminal) };
}
const shows = async (one: Run, part: string): Promise<void> => {
  await expect.poll(one.shown, { timeout: 10_000 }).toContain(part);
};

test("[P1 P2] chat asks for a permission where the answer is written, and takes a number; the tool's title is shown", async () => {
  const chat = run(["chat", "echo"], true);
  await shows(chat, "Talking to echo");
  chat.input.write("/permission Open \u202ethe hive\r");
  await shows(chat, "· Open ‹RLO›the hive");
  await shows(chat, "echo asks: Open ‹RLO›the hive\n  $ count --bees\n  1 Allow\n  2 Always allow\n  3 Reject\n1 to 3> ");
  chat.input.write("9\r");
  await shows(chat, "Type a number from 1 to 3> ");
  chat.input.write("3\r");
  await shows(chat, "(Rejected: Open ‹RLO›the hive)");
  await shows(chat, ": no");
  chat.input.end();
  expect(await chat.ended).toBe(0);
});

test("[P2] the command line lists what waits, decides, and is told when somebody else has", async () => {
  const { body } = await server.call("POST", "/api/conversations", { bot: "echo" });
  await server.call("POST", `/api/conversations/${body.id}/messages`, { text: "/permission Count" });
  const waiting = (): Promise<{ permissions: { id: string }[] }> => server.call("GET", "/api/permissions").then((answer) => answer.body);
  await expect.poll(async () => (await waiting()).permissions.length, { timeout: 10_000 }).toBe(1);
  const id = (await waiting()).permissions[0]?.id ?? "";
  const list = run(["permissions", "list"]);
  expect(await list.ended).toBe(0);
  expect(list.shown()).toContain(`${id}  echo asks: Count  until `);
  expect(list.shown()).toContain(`skep permissions answer ${id} once  # Allow`);
  const wrong = run(["permissions", "answer", id, "perhaps"]);
  expect(await wrong.ended).toBe(1);
  expect(wrong.shown()).toContain('there are "once", "always", "no"');
  const right = run(["permissions", "answer", id, "always"]);
  expect(await right.ended).toBe(0);
  expect(right.shown()).toBe("Allowed: Count\n");
  const late = run(["permissions", "answer", id, "no"]);
  expect(await late.ended).toBe(1);
  expect(late.shown()).toBe('skep: Decided already: "Always allow", by owner\n');
  const none = run(["permissions", "list"]);
  await none.ended;
  expect(none.shown()).toBe("Nothing waits for a decision.\n");
});

test("[R-B4] chat sends files that are named with /file, and says what is wrong with one that cannot be read", async () => {
  const file = join(server.data, "bees.txt");
  writeFileSync(file, "three bees");
  const chat = run(["chat", "echo"], true);
  await shows(chat, "Talking to echo");
  chat.input.write(`/file ${server.data}/nothing\r`);
  await shows(chat, "no such file");
  chat.input.write(`/file ${file}\r`);
  await shows(chat, "(bees.txt goes with your next message)");
  chat.input.write("Count them\r");
  await shows(chat, `bees.txt (application/octet-stream, 10 bytes, sha256 ${createHash("sha256").update("three bees").digest("hex")})`);
  chat.input.end();
  expect(await chat.ended).toBe(0);
});
