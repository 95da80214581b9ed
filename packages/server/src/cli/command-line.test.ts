import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ModelServer, startModelServer } from "../../../../test/model/model-server.ts";
import { durationOf } from "./duration.ts";
import { optionsFrom, workerFrom } from "./bot-definition.ts";
import { printable, table } from "./table.ts";

const program = fileURLToPath(new URL("../../bin/skep.js", import.meta.url));
const base = mkdtempSync(join(tmpdir(), "skep-cli-"));
const data = join(base, "data");
/** Nobody is there, until a test names somebody. */
let ollamaHost = "127.0.0.1:1";

interface Ended {
  code: number | null;
  out: string;
  error: string;
}

/** Runs the real program in an environment of its own. */
function skep(
  words: string[],
  input = "",
): { child: ReturnType<typeof spawn>; ended: Promise<Ended>; line: (start: string) => Promise<string> } {
  const child = spawn(process.execPath, [program, ...words], {
    env: { SKEP_DATA: data, HOME: base, NODE_COMPILE_CACHE: join(tmpdir(), "skep-compile-cache"), NO_COLOR: "1", OLLAMA_HOST: ollamaHost },
    cwd: base,
  });
  let out = "";
  let error = "";
  const waiting: { start: string; resolve: (line: string) => void }[] = [];
  const look = (): void => {
    for (const { start, resolve } of waiting) {
      const found = out.split("\n").find((line) => line.startsWith(start));
      if (found !== undefined) resolve(found);
    }
  };
  child.stdout.on("data", (piece: Buffer) => {
    out += piece.toString("utf8");
    look();
  });
  child.stderr.on("data", (piece: Buffer) => (error += piece.toString("utf8")));
  child.stdin.end(input);
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, out, error })));
  const line = (start: string): Promise<string> =>
    Promise.race([
      new Promise<string>((resolve) => {
        waiting.push({ start, resolve });
        look();
      }),
      ended.then((end) => Promise.reject(new Error(`ended without "${start}": ${end.error}`))),
    ]);
  return { child, ended, line };
}

const run = (words: string[], input = ""): Promise<Ended> => skep(words, input).ended;

afterAll(() => rmSync(base, { recursive: true }));

describe("without a server", () => {
  test("says how to start one, with its own exit code", async () => {
    const { code, out, error } = await run(["bot", "list"]);
    expect({ code, out }).toEqual({ code: 3, out: "" });
    expect(error).toContain("`skep start`");
    expect(error).not.toContain("    at ");
  });

  test("help stands everywhere, with examples and exit codes", async () => {
    const top = await run(["--help"]);
    expect(top.code).toBe(0);
    expect(top.out).toContain("Exit codes:");
    expect(top.out).toContain("$ skep start");
    const start = await run(["start", "--help"]);
    expect(start.out).toContain("SKEP_ALLOWED_HOSTS");
    expect((await run(["bot", "add", "--help"])).out).toContain("--option model=llama3");
  });

  test("a wrong command line and a bad option are said in one sentence, with exit code 2", async () => {
    expect(await run(["strat"])).toMatchObject({ code: 2, error: expect.stringContaining("Did you mean start?") as unknown });
    const bad = await run(["start", "--host", "0.0.0.0"]);
    expect(bad.code).toBe(2);
    expect(bad.error).toContain("loopback");
    expect(bad.error).not.toContain("    at ");
  });

  test("tokens are made, listed and revoked on the stopped server's store", async () => {
    const made = await run(["token", "create", "--name", "early", "--role", "owner", "--expires", "1d"]);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^skep_[\w-]{43}\n$/);
    expect((JSON.parse((await run(["token", "list", "--json"])).out) as { tokens: unknown[] }).tokens).toHaveLength(1);
    expect((await run(["token", "revoke", "early"])).code).toBe(0);
    expect(await run(["token", "revoke", "early"])).toMatchObject({ code: 1 });
    expect(await run(["token", "create", "--name", "a b"])).toMatchObject({ code: 2 });
  });
});

describe("with a server", () => {
  let server: ReturnType<typeof skep>;
  let url: string;
  let model: ModelServer;

  beforeAll(async () => {
    model = await startModelServer();
    ollamaHost = new URL(model.url).host;
    server = skep(["start", "--port", "0", "--log", "file"]);
    url = (await server.line("ready ")).slice("ready ".length);
  });
  afterAll(async () => {
    server.child.kill("SIGTERM");
    await model.close();
    const { code, error } = await server.ended;
    expect(code).toBe(0);
    expect(error).toContain("Stopping after SIGTERM");
    expect(readFileSync(join(data, "skep.log"), "utf8")).toContain('"event":"server-stopped"');
  });

  test("the start prints a link for people, then the one line `ready`", async () => {
    const link = await server.line("  http");
    expect(link.trim()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#signin=[\w-]{43}$/);
    expect(url).toBe(link.trim().split("/#")[0]);
    expect(readFileSync(join(data, "signin-link"), "utf8").trim()).toBe(link.trim());
  });

  test("status, for people and for programs", async () => {
    expect((await run(["status"])).out).toContain(url);
    expect(JSON.parse((await run(["status", "--json"])).out)).toMatchObject({ url, ready: true });
  });

  test("[R-C1] a bot from its addition to its removal", async () => {
    const added = await run(["bot", "add", "ada", "--kind", "echo", "--option", "prefix=You said: ", "--workers", "2"]);
    expect(added).toMatchObject({ code: 0 });
    expect(added.out).toContain("skep chat ada");
    expect((await run(["bot", "list"])).out).toMatch(/^ada\s+echo\s+ready\s+2/m);
    expect(JSON.parse((await run(["bot", "status", "ada", "--json"])).out)).toMatchObject({ options: { prefix: "You said: " } });

    expect(await run(["chat", "ada"], "Hello\nthere\n")).toMatchObject({ code: 0, out: "You said: Hello\nthere\n", error: "" });
    expect(await run(["chat", "ada"], " \n")).toMatchObject({ code: 1, out: "", error: "skep: Message cannot be empty\n" });
    expect((await run(["chat", "nobody"], "x")).error).toContain("nobody");

    expect((await run(["bot", "restart", "ada"])).out).toContain("ada: ready");
    const why = (await run(["bot", "why", "ada"])).out;
    expect(why).toMatch(/launched\n.*ready\n {4}after \d+/s);
    expect(why).toMatch(
      /restarted by hand\n.*ended: exited with code 0 \(restarted by hand\)\n {4}it had run for .*; as it was asked to\n/s,
    );
    const entries = (await run(["bot", "why", "ada", "--limit", "2", "--json"])).out.trim().split("\n");
    expect(entries).toHaveLength(2);
    expect(JSON.parse(entries.at(-1) ?? "")).toMatchObject({ what: "ready", uptimeMs: expect.any(Number) as unknown });
    expect(await run(["bot", "why", "nobody"])).toMatchObject({ code: 1 });
    expect((await run(["bot", "stop", "ada"])).out).toContain("skep bot start ada");
    expect((await run(["bot", "logs", "ada", "--limit", "5", "--json"])).out.split("\n").length).toBeGreaterThan(1);
    expect(await run(["bot", "remove", "ada"])).toMatchObject({ code: 2 });
    expect(await run(["bot", "remove", "ada", "--yes"])).toMatchObject({ code: 0 });
    expect(await run(["bot", "status", "ada"])).toMatchObject({ code: 1 });
  });

  test("a remote bot says at once that it waits for its program; its token is alone on standard output", async () => {
    const added = await run(["bot", "add", "far", "--kind", "remote"]);
    expect(added).toMatchObject({ code: 0, error: "" });
    expect(added.out).toBe(
      "Added far (remote): starting, no program has connected yet; `skep bot token far` makes the token that it needs\n",
    );
    const { code, out, error } = await run(["bot", "token", "far"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^skep_bot_[\w-]{43}\n$/);
    expect(error).toContain("the only time");
    expect(JSON.parse((await run(["bot", "token", "far", "--json"])).out)).toMatchObject({ token: expect.any(String) as unknown });
    expect(await run(["bot", "token", "far", "--revoke"])).toMatchObject({ code: 0 });
    expect(await run(["bot", "token", "far", "--revoke"])).toMatchObject({
      code: 1,
      error: expect.stringContaining("no token") as unknown,
    });
    expect(await run(["bot", "token", "echo"])).toMatchObject({ code: 1, error: expect.stringContaining("remote") as unknown });
    await run(["bot", "remove", "far", "--yes"]);
  });

  test("[R-D2] a bot with workers of its own each: added, changed, one of them drained and taken back", async () => {
    const workers = ["--worker", "name=attic weight=3 prefix=a:", "--worker", '{"name":"desk","options":{"prefix":"d: "}}'];
    expect(await run(["bot", "add", "pair", "--kind", "echo", "--balance", "weighted", ...workers])).toMatchObject({ code: 0 });
    expect((await run(["bot", "workers", "pair"])).out).toMatch(/^weighted\n[^]*^attic\s+3\s+ready\s+in[^]*^desk\s+1\s+ready\s+in/m);
    expect((await run(["bot", "drain", "pair", "attic"])).out).toContain("skep bot undrain pair attic");
    expect(JSON.parse((await run(["bot", "workers", "pair", "--json"])).out)).toMatchObject({
      workers: [
        { name: "attic", drained: true },
        { name: "desk", drained: false },
      ],
    });
    expect((await run(["chat", "pair"], "Hello\n")).out).toBe("d: Hello\n");
    expect((await run(["bot", "undrain", "pair", "attic"])).code).toBe(0);
    expect(await run(["bot", "drain", "pair", "cellar"])).toMatchObject({
      code: 1,
      error: expect.stringContaining("attic, desk") as unknown,
    });
    expect(await run(["bot", "change", "pair"])).toMatchObject({ code: 2 });
    expect(await run(["bot", "change", "pair", "--workers", "2", "--worker", "name=x"])).toMatchObject({ code: 2 });
    const changed = await run(["bot", "change", "pair", "--workers", "2", "--option", "prefix=p:", "--fallback", "echo", "--json"]);
    expect(JSON.parse(changed.out)).toMatchObject({ workers: 2, balance: "weighted", options: { prefix: "p:" }, fallback: ["echo"] });
    expect((await run(["bot", "remove", "pair", "--yes"])).code).toBe(0);
  });

  test("a mistake in a definition is said as the server says it", async () => {
    expect((await run(["bot", "add", "a b", "--kind", "echo"])).error).toContain("1 to 64 letters");
    expect((await run(["bot", "add", "x", "--kind", "none"])).error).toContain("echo");
    expect((await run(["bot", "add", "echo", "--kind", "echo"])).code).toBe(1);
  });

  test("a token made while it runs works at once, and no longer when it is revoked", async () => {
    const token = (await run(["token", "create", "--name", "ci"])).out.trim();
    const ask = async (): Promise<number> => (await fetch(`${url}/api/bots`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    await run(["token", "revoke", "ci"]);
    expect(await ask()).toBe(401);
  });

  test("`signin` prints a link that signs in once", async () => {
    const secret = (await run(["signin"])).out.trim().split("#signin=")[1];
    const signIn = (): Promise<Response> =>
      fetch(`${url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: url },
        body: JSON.stringify({ token: secret }),
      });
    expect((await signIn()).status).toBe(201);
    expect((await signIn()).status).toBe(401);
  });

  test("`bot found` lists the models of the Ollama that OLLAMA_HOST names, and the line that it prints adds a bot that answers", async () => {
    const { out } = await run(["bot", "found"]);
    expect(out).toContain(`Ollama at ${model.url}:\n`);
    expect(out).toMatch(/^silent:latest +-$/m);
    expect(JSON.parse((await run(["bot", "found", "--json"])).out)).toMatchObject({ ollamaUrl: model.url });
    const words = /^Add one: +skep (bot add NAME .*)$/m.exec(out)?.[1]?.split(" ") ?? [];
    const added = await run(words.map((word) => (word === "NAME" ? "found" : word)));
    expect(added).toMatchObject({ code: 0, out: expect.stringContaining("Added found (ollama): ready") as unknown });
    expect((await run(["chat", "found"], "hello")).out).toContain("hello");
    await run(["bot", "remove", "found", "--yes"]);
  });

  test("[D2] a second server on the same folder is told so", async () => {
    const { code, error } = await run(["start", "--port", "0"]);
    expect(code).toBe(1);
    expect(error).toContain("in use by another Skep");
  });

  test("a port that is taken is said with the option that helps", async () => {
    const { code, error } = await run(["start", "--port", new URL(url).port, "--data", join(base, "other")]);
    expect(code).toBe(1);
    expect(error).toContain("--port");
    expect(error).not.toContain("    at ");
  });
});

describe("words", () => {
  test("options are JSON where they can be, text otherwise", () => {
    expect(optionsFrom(["model=llama3", "temperature=0.2", "stop=[1]", "url=http://x/?a=b", "empty="])).toEqual({
      model: "llama3",
      temperature: 0.2,
      stop: [1],
      url: "http://x/?a=b",
      empty: "",
    });
    expect(() => optionsFrom(["model"])).toThrow("--option model=llama3");
  });

  test("a worker is pairs of its own and of its kind's options, or JSON", () => {
    expect(workerFrom("name=gpu-1 weight=50  url=http://x/?a=b")).toEqual({ name: "gpu-1", weight: 50, options: { url: "http://x/?a=b" } });
    expect(workerFrom("name=1 count=2")).toEqual({ name: "1", count: 2, options: {} });
    expect(workerFrom('{"weight":2}')).toEqual({ weight: 2 });
    expect(() => workerFrom("gpu-1")).toThrow("--worker name=gpu-1");
    expect(() => workerFrom("{weight")).toThrow("JSON");
  });

  test("durations", () => {
    expect(["90s", "15m", "12h", "30d"].map(durationOf)).toEqual([90, 900, 43_200, 2_592_000]);
    for (const text of ["", "1", "1w", "-1d", "0d"]) expect(() => durationOf(text)).toThrow("no duration");
  });

  test("[R-B9] what others wrote cannot command the terminal", () => {
    expect(printable("a\u001b[2Jb\r\nc\u009b")).toBe("a‹ESC›[2Jb‹CR›‹LF›c‹CSI›");
    expect(table(["A", "B"], [["1", "22"]]).split("\n")[1]).toBe("1  22");
  });
});
