/** The examples for programs, as they stand, against the real server. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startedServer, type StartedServer } from "../support/started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startedServer();
  for (const name of ["alpha", "beta"]) await server.call("POST", "/api/bots", { name, kind: "echo" });
});
afterAll(() => server.end());

const examples = join(import.meta.dirname, "../../examples");

class Program {
  readonly child: ChildProcess;
  said = "";
  readonly ended: Promise<unknown>;
  #look = (): void => {};

  constructor(file: string, args: string[]) {
    const env = { ...process.env, SKEP_URL: server.url, SKEP_TOKEN: server.token };
    this.child = spawn(process.execPath, [join(examples, file), ...args], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.ended = once(this.child, "close");
    this.child.stdout?.on("data", (bytes: Buffer) => {
      this.said += bytes.toString();
      this.#look();
    });
  }

  until(what: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not said: ${what}; but: ${this.said}`)), 30_000);
      this.#look = () => {
        const found = what.exec(this.said);
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      };
      this.#look();
    });
  }
}

test("terminal-chat, in twenty lines: answers as they are written, and a clear sentence for what is refused", async () => {
  const lines = readFileSync(join(examples, "terminal-chat/chat.ts"), "utf8").split("\n");
  expect(lines.filter((line) => line.trim() !== "" && !line.startsWith("/**")).length).toBeLessThanOrEqual(20);
  const chat = new Program("terminal-chat/chat.ts", ["echo"]);
  chat.child.stdin?.write("Hello 🐝\n");
  await chat.until(/> Hello 🐝\n> $/);
  chat.child.stdin?.write("\n/stream 3 5\n");
  await chat.until(/> Message cannot be empty\n> piece 1 🐝 piece 2 🐝 piece 3 🐝 \n> $/);
  chat.child.stdin?.end();
  expect((await chat.ended) as unknown[]).toEqual([0, null]);
});

test("[K3] bot-bridge: two bots take turns for as many rounds as were allowed; killed and started again, it goes on and passes nothing on twice", async () => {
  const bridge = new Program("bot-bridge/bridge.ts", ["alpha", "beta", "What is a bee?", "--rounds", "200"]);
  const resume = (await bridge.until(/--resume "(.+)"/))[1] as string;
  await bridge.until(/(?:(?:alpha|beta): What is a bee\?\n){5}/);
  bridge.child.kill("SIGKILL");
  await bridge.ended;
  const before = bridge.said.match(/: What is a bee\?/g)?.length ?? 0;
  expect(before).toBeLessThan(400);

  const rounds = Math.ceil(before / 2) + 2;
  const again = new Program("bot-bridge/bridge.ts", ["alpha", "beta", "What is a bee?", "--rounds", String(rounds), "--resume", resume]);
  expect((await again.ended) as unknown[]).toEqual([0, null]);
  const turns = Array.from({ length: 2 * rounds }, (_, i) => `${i % 2 === 0 ? "alpha" : "beta"}: What is a bee?\n`);
  expect(again.said).toBe(`--resume "${resume}"\n${turns.join("")}`);
  for (const id of resume.split(" ")) {
    const { messages, head } = (await server.call("GET", `/api/conversations/${id}/messages?after=0&limit=500`)).body;
    expect(head).toBe(2 * rounds);
    expect(messages.map(({ role }: { role: string }) => role)).toEqual(Array.from({ length: rounds }, () => ["person", "bot"]).flat());
  }
});
