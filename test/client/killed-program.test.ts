/** What a program's outbox promises when the program is killed: against the real server, over a line that can be cut. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CuttableLine } from "../support/cuttable-line.ts";
import { startedServer, type StartedServer } from "../support/started-server.ts";

let server: StartedServer;
let line: CuttableLine;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "skep-killed-"));
  line = await CuttableLine.open();
  server = await startedServer({ allowedHosts: [`127.0.0.1:${line.port}`] });
  line.leadTo(server.url);
});
afterAll(async () => {
  await line.close();
  await server.end();
  rmSync(folder, { recursive: true, force: true });
});

const running = new Set<Program>();
afterEach(async () => {
  for (const program of running) await program.kill();
});

const begin = async (): Promise<string> => (await server.call("POST", "/api/conversations", { bot: "echo" })).body.id;

async function personsTexts(id: string): Promise<string[]> {
  const texts: string[] = [];
  for (let after = 0; ;) {
    const { messages } = (await server.call("GET", `/api/conversations/${id}/messages?after=${after}&limit=500`)).body;
    if (messages.length === 0) return texts;
    for (const { role, text } of messages) if (role === "person") texts.push(text);
    after = messages.at(-1).seq;
  }
}

class Program {
  readonly lines: string[] = [];
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;
  #look: () => void = () => {};

  constructor(id: string, file: string, run: string, count: number) {
    const program = join(import.meta.dirname, "sending-program.ts");
    this.#child = spawn(process.execPath, [program, line.url, id, file, run, String(count)], {
      env: { ...process.env, SKEP_TOKEN: server.token },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.ended = once(this.#child, "close").then(() => running.delete(this));
    running.add(this);
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (said) => {
      this.lines.push(said);
      this.#look();
    });
  }

  said(what: RegExp, times = 1): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not said: ${what}; but ${this.lines.join(" | ")}`)), 20_000);
      this.#look = () => {
        if (this.lines.filter((one) => what.test(one)).length < times) return;
        clearTimeout(timer);
        resolve();
      };
      this.#look();
    });
  }

  go(): void {
    this.#child.stdin?.end("go\n");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

const until = async (reached: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await reached()); tries++) {
    if (tries > 1000) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

beforeEach(() => {
  line.toServer = "pass";
  line.toClient = "pass";
});

test("[K2] [K3] killed between the commit and `accepted`: the next process sends it again under its key, and it stands in the log once", async () => {
  const id = await begin();
  const file = join(folder, "after-commit");
  const killed = new Program(id, file, "a", 1);
  await killed.said(/^open/);
  line.toClient = "swallow";
  killed.go();
  await killed.said(/^given 1/);
  await until(async () => (await personsTexts(id)).length === 1);
  await killed.kill();
  expect(killed.lines).not.toContain("accepted false");
  line.toClient = "pass";

  const next = new Program(id, file, "b", 1);
  next.go();
  await next.ended;
  expect(next.lines.filter((one) => /^(left|accepted)/.test(one))).toEqual(["left 1", "accepted true", "accepted false"]);
  expect(await personsTexts(id)).toEqual(["a:1", "b:1"]);
  const last = new Program(id, file, "c", 0);
  last.go();
  await last.ended;
  expect(last.lines).toContain("left 0");
});

test("[K2] [O3] killed before the server had any of them: the next process sends them once, in order, before its own", async () => {
  const id = await begin();
  const file = join(folder, "before-commit");
  const killed = new Program(id, file, "a", 20);
  await killed.said(/^open/);
  line.toServer = "swallow";
  killed.go();
  await killed.said(/^given 20/);
  await killed.kill();
  line.toServer = "pass";
  expect(await personsTexts(id)).toEqual([]);

  const next = new Program(id, file, "b", 2);
  next.go();
  await next.ended;
  expect(next.lines.filter((one) => /^(left|accepted)/.test(one))).toEqual([
    "left 20",
    ...Array.from({ length: 22 }, () => "accepted false"),
  ]);
  expect(await personsTexts(id)).toEqual([...Array.from({ length: 20 }, (_, i) => `a:${i + 1}`), "b:1", "b:2"]);
});

test("[K2] [K3] [O3] killed twelve times while it sends over a line that is cut: whatever was given is there once, in order", async () => {
  const id = await begin();
  const file = join(folder, "many-kills");
  const given: number[] = [];
  for (let run = 0; run < 12; run++) {
    const program = new Program(id, file, `run${run}`, 100_000);
    program.go();
    await program.said(/^open/);
    await program.said(/^given/, 10 + run * 7);
    if (run % 3 === 1) line.cut();
    if (run % 3 === 2) line.toClient = "swallow";
    await program.said(/^given/, 30 + run * 11);
    await program.kill();
    line.toClient = "pass";
    given.push(program.lines.filter((one) => one.startsWith("given")).length);
  }
  const last = new Program(id, file, "last", 0);
  last.go();
  await last.ended;
  expect(last.lines).toContain("open");
  const log = await personsTexts(id);
  for (const [run, count] of given.entries()) {
    const numbers = log.filter((text) => text.startsWith(`run${run}:`)).map((text) => Number(text.split(":")[1]));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(count);
  }
  expect(log.map((text) => Number(/^run(\d+)/.exec(text)?.[1]))).toEqual(
    log.map((text) => Number(/^run(\d+)/.exec(text)?.[1])).toSorted((a, b) => a - b),
  );
  const left = last.lines.find((one) => one.startsWith("left"));
  console.log(`killed ${given.length} times after ${given.join(", ")} messages: ${log.length} in the log, ${left} at the end`);
});
