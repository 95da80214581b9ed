/** `@skep/client` as it is published: built, packed, and used by a program that has nothing else. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build, doors } from "../../packages/client/build.ts";
import { bundled, committedApi, currentApi, faultsOf, pack, sizeLimit, sizeOf } from "../../packages/client/check-package.ts";
import { startedServer, type StartedServer } from "../support/started-server.ts";

let folder: string;
let built: string;
let tarball: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skep-package-"));
  built = join(folder, "built");
  build(built);
  tarball = pack(built, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the package for browsers is under 12 kB, and holds nothing of the server's checks", async () => {
  const code = await bundled(built, doors["."]);
  console.log(`@skep/client: ${sizeOf(code)} bytes gzip, ${code.length} minified`);
  expect(sizeOf(code)).toBeLessThan(sizeLimit);
  expect(code).not.toMatch(/zod|node:|\bimport\b\s*[{"*]/);
});

test("publint and the check of types find nothing, and would find a door that leads nowhere", async () => {
  expect(await faultsOf(built, tarball)).toEqual([]);
  const broken = join(folder, "broken");
  build(broken);
  rmSync(join(broken, "index.d.ts"));
  const manifest = JSON.parse(readFileSync(join(broken, "package.json"), "utf8"));
  writeFileSync(join(broken, "package.json"), JSON.stringify({ ...manifest, version: "0.0.1", dependencies: { zod: "4" } }));
  const faults = await faultsOf(broken, pack(broken, folder));
  expect(faults.filter((fault) => fault.startsWith("publint:")).length).toBeGreaterThan(0);
  expect(faults.filter((fault) => fault.startsWith("types:")).length).toBeGreaterThan(0);
  expect(faults).toContain("it has dependencies");
});

test("the public types are those of api.md (if they should change: npm run api -w @skep/client)", () => {
  expect(currentApi(built)).toBe(committedApi());
  const index = join(built, "index.d.ts");
  const before = readFileSync(index, "utf8");
  writeFileSync(index, before.replace(/\bnewId\b/, "newId as makeId"));
  expect(currentApi(built)).not.toBe(committedApi());
  writeFileSync(index, before);
});

describe("a program that has installed the package, and nothing else", () => {
  let project: string;
  let server: StartedServer;
  beforeAll(async () => {
    project = join(folder, "project");
    const installed = join(project, "node_modules/@skep/client");
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
    writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
    server = await startedServer();
  });
  afterAll(() => server.end());

  /** Checks the types as strictly as can be, then runs it. @returns what it says */
  async function run(name: string, program: string, args: string[]): Promise<string> {
    writeFileSync(join(project, name), program);
    const compiler = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
    const types = join(import.meta.dirname, "../../node_modules/@types");
    const options = [
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--types",
      "node",
    ];
    execFileSync(process.execPath, [compiler, ...options, "--typeRoots", types, name], { cwd: project, stdio: "inherit" });
    const env = { ...process.env, SKEP_TOKEN: server.token };
    const { stdout } = await promisify(execFile)(process.execPath, [name, ...args], { cwd: project, timeout: 20_000, env });
    return stdout;
  }

  test("talks to a bot, keeps its outbox in a file, and finds the types", async () => {
    const { id } = (await server.call("POST", "/api/conversations", { bot: "echo" })).body;
    const program = `
      import { connect, type Acceptance, type Message } from "@skep/client";
      import { fileStorage } from "@skep/client/node";
      const client = connect({ url: process.argv[2] as string, token: process.env.SKEP_TOKEN, storage: fileStorage("outbox") });
      const conversation = client.conversation(process.argv[3] as string);
      const accepted: Acceptance = await conversation.send("packed 🐝");
      for await (const message of conversation.read({ after: { epoch: accepted.epoch, seq: accepted.seq } })) {
        const { role, text }: Message = message;
        console.log(JSON.stringify({ seq: accepted.seq, duplicate: accepted.duplicate, role, text }));
        break;
      }
      client.close();`;
    expect(JSON.parse(await run("program.ts", program, [server.url, id]))).toEqual({
      seq: 1,
      duplicate: false,
      role: "bot",
      text: "packed 🐝",
    });
  });

  test("may begin with what the README begins with", async () => {
    const readme = readFileSync(join(project, "node_modules/@skep/client/README.md"), "utf8");
    const first = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? "";
    expect(first).toContain("http://127.0.0.1:8000");
    expect(await run("readme.ts", first.replace("http://127.0.0.1:8000", server.url), [])).toBe("Are you there?");
    expect(readme).not.toContain("](../");
  });
});
