/** `examples/remote-bot` with the real server. */
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import type { Message } from "../packages/protocol/src/index.ts";
import { startedServer } from "./support/started-server.ts";

test("the example connects, answers, comes back after a restart of the controller, and goes on", async () => {
  let own = await startedServer();
  const { port } = new URL(own.url);
  try {
    await own.call("POST", "/api/bots", { name: "far", kind: "remote" });
    const { token } = (await own.call("POST", "/api/bots/far/token")).body;
    const id: string = (await own.call("POST", "/api/conversations", { bot: "far" })).body.id;
    const answers = async (): Promise<string[]> => {
      const { messages } = (await own.call("GET", `/api/conversations/${id}/messages`)).body as { messages: Message[] };
      return messages.filter(({ role }) => role !== "person").map(({ text }) => text);
    };
    const example = spawn(process.execPath, [resolve("examples/remote-bot/bot.js"), `ws://127.0.0.1:${port}/bots`], {
      env: { SKEP_BOT_TOKEN: token },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    example.stdout.on("data", (piece: Buffer) => (said += piece.toString()));
    const exit = new Promise<number | null>((done) => example.on("close", done));
    try {
      const first = await own.call("POST", `/api/conversations/${id}/messages?wait=20`, { text: "Hello there 🐝" });
      expect(first.body.answer.text).toBe("You said: Hello there 🐝");
      // About 6 s of words: twice as many as a stop waits for.
      await own.call("POST", `/api/conversations/${id}/messages`, { text: "word ".repeat(300).trim() });
      own = await own.again({ port: Number(port) });
      await expect.poll(async () => (await answers()).length, { timeout: 60_000 }).toBe(2);
      expect(await answers()).toEqual(["You said: Hello there 🐝", `You said: ${"word ".repeat(300).trim()}`]);
      expect(said.match(/Connected as far/g)).toHaveLength(2);
      expect(said).toContain("4005");
      // A token that is no more: it ends and says so.
      await own.call("DELETE", "/api/bots/far/token");
      expect(await exit).toBe(1);
      expect(said).toContain("4501");
    } finally {
      example.kill("SIGKILL");
      await exit;
    }
  } finally {
    await own.end();
  }
});
