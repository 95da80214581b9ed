/** Files in messages, from the upload to the model: the real server, real bots, a model server that checks what it is sent. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createToken, spawnSkep } from "../packages/bench/src/program/running-skep.ts";
import { connect } from "../packages/client/src/index.ts";
import { fileStorage } from "../packages/client/src/node/file-storage.ts";
import { agentOptions } from "./agent/agent-bot.ts";
import type { ModelServer } from "./model/model-server.ts";
import { startModelServer } from "./model/model-server.ts";
import { pngOf } from "./support/pictures.ts";
import { RemoteBot } from "./support/remote-bot.ts";
import type { Json, StartedServer } from "./support/started-server.ts";
import { startedServer } from "./support/started-server.ts";

/** The machine may be busy. */
const patient = { timeout: 15_000 };

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const picture = pngOf(40, 30);
const other = pngOf(7, 9);
const note = Buffer.from("Three bees 🐝\n");
const pdf = Buffer.from("%PDF-1.7\nnot much of one");

let server: StartedServer;
let model: ModelServer;
let made = 0;
beforeAll(async () => {
  [server, model] = await Promise.all([startedServer(), startModelServer()]);
});
afterAll(async () => {
  await server.end();
  await model.close();
});

async function upload(bytes: Buffer, name: string, type: string, to: Pick<StartedServer, "url" | "token"> = server): Promise<string> {
  const answer = await fetch(`${to.url}/api/files?name=${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { authorization: `Bearer ${to.token}`, "content-type": type },
    body: Uint8Array.from(bytes),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

async function conversationWith(kind: string, options: Json): Promise<{ id: string; bot: string }> {
  const bot = `${kind}-${++made}`;
  expect((await server.call("POST", "/api/bots", { name: bot, kind, options })).status).toBe(201);
  return { id: (await server.call("POST", "/api/conversations", { bot })).body.id, bot };
}

const ask = async (id: string, text: string, files?: string[]): Promise<Json> =>
  (await server.call("POST", `/api/conversations/${id}/messages?wait=60`, { text, ...(files ? { files } : {}) })).body;
const given = (bot: string): string[] => {
  const folder = join(server.data, "bots", bot, "given");
  return existsSync(folder) ? readdirSync(folder) : [];
};

const kinds: [string, (url: string) => Json][] = [
  ["ollama", (url) => ({ url, model: "stand-in:vision" })],
  ["openai", (url) => ({ baseUrl: `${url}/v1`, model: "stand-in", apiKeyEnv: "" })],
  ["anthropic", (url) => ({ baseUrl: url, model: "stand-in", apiKeyEnv: "" })],
];

describe.each(kinds)("%s", (kind, options) => {
  const last = (): Json => model.requests.at(-1);

  test("[R-B4] gets images byte for byte, text files as text, and both again with the next question", async () => {
    const { id, bot } = await conversationWith(kind, options(model.url));
    const files = [await upload(picture, "hive.png", "image/png"), await upload(note, "notes.txt", "text/plain")];
    const first = await ask(id, "What is this?", files);
    expect(first.answer).toMatchObject({ outcome: "completed" });
    expect(last().images.map((one: Json) => sha256(one.bytes))).toEqual([sha256(picture)]);
    expect(last().messages.at(-1).content).toContain('What is this?\n\n[File "notes.txt":]\nThree bees 🐝');
    await expect.poll(() => given(bot), patient).toEqual([]);
    // An image alone, and the one before.
    expect((await ask(id, "", [await upload(other, "two.png", "image/png")])).answer).toMatchObject({ outcome: "completed" });
    expect(last().images.map((one: Json) => sha256(one.bytes))).toEqual([sha256(picture), sha256(other)]);
    expect(JSON.stringify(last().messages)).toContain("notes.txt");
  });

  test("a model that takes no images fails with a sentence that says so, and is not asked again", async () => {
    const { id } = await conversationWith(kind, { ...options(model.url), model: "stand-in:blind" });
    const before = model.requests.length;
    const { answer } = await ask(id, "Look", [await upload(picture, "hive.png", "image/png")]);
    expect(answer).toMatchObject({ role: "system", outcome: "failed" });
    expect(answer.text).toMatch(/does not look at images|perhaps this model takes none/);
    expect(model.requests.length - before).toBe(kind === "ollama" ? 0 : 1);
  });

  test("what no model can read fails with a sentence that names it", async () => {
    const { id } = await conversationWith(kind, options(model.url));
    const { answer } = await ask(id, "Look", [await upload(Buffer.from([0, 1, 2, 255]), "hive.zip", "application/zip")]);
    expect(answer).toMatchObject({ outcome: "failed", text: expect.stringContaining('A model cannot read "hive.zip"') as string });
  });
});

test("anthropic gets a PDF as a document", async () => {
  const { id } = await conversationWith("anthropic", { baseUrl: model.url, model: "stand-in", apiKeyEnv: "" });
  expect((await ask(id, "Read", [await upload(pdf, "a.pdf", "application/pdf")])).answer).toMatchObject({ outcome: "completed" });
  expect(model.requests.at(-1)?.images.map(({ type, bytes }) => [type, sha256(bytes)])).toEqual([["application/pdf", sha256(pdf)]]);
});

test("acp: an agent gets what it offers to take, and a link to everything else", async () => {
  const blocks = async (offers: string): Promise<Json> => {
    const { id } = await conversationWith("acp", agentOptions(["--offers", offers]));
    const files = [
      await upload(picture, "hive.png", "image/png"),
      await upload(note, "notes.txt", "text/plain"),
      await upload(pdf, "a.pdf", "application/pdf"),
    ];
    return JSON.parse((await ask(id, "Look", files)).answer.text);
  };
  const link = (name: string): object => ({ type: "resource_link", name, uri: expect.stringMatching(/^file:\/\/.*\/given\//) as string });
  expect(await blocks("load")).toMatchObject([{ type: "text", text: "Look" }, link("hive.png"), link("notes.txt"), link("a.pdf")]);
  expect(await blocks("load,image,context")).toMatchObject([
    { type: "text", text: "Look" },
    { type: "image", mimeType: "image/png", data: picture.toString("base64") },
    { type: "resource", resource: { text: note.toString() } },
    link("a.pdf"),
  ]);
});

test("command: a program finds the files of its turn where the turn says, and nothing of them afterwards", async () => {
  const program = join(server.data, "cat.js");
  writeFileSync(
    program,
    `const fs = require("node:fs"); let rest = "";
    const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
    process.stdin.on("end", () => process.exit(0)).setEncoding("utf8").on("data", (chunk) => {
      const lines = (rest + chunk).split("\\n"); rest = lines.pop();
      for (const line of lines.map((one) => JSON.parse(one))) {
        if (line.type === "hello") say({ type: "hello", protocol: 1 });
        if (line.type === "turn") say({ type: "answer", turn: line.turn, text: JSON.stringify(line.files.map((file) => ({ ...file, text: fs.readFileSync(file.path, "utf8") }))) });
      }
    });`,
  );
  chmodSync(program, 0o700);
  const { id, bot } = await conversationWith("command", { command: process.execPath, args: [program], files: true });
  const { answer } = await ask(id, "Look", [await upload(note, "../../notes.txt", "text/plain")]);
  const [file] = JSON.parse(answer.text);
  expect(file).toMatchObject({
    name: "../../notes.txt",
    type: "text/plain",
    size: note.length,
    sha256: sha256(note),
    text: note.toString(),
  });
  expect(file.path).toMatch(/\/given\/[^/]+\/1\.txt$/);
  await expect.poll(() => existsSync(file.path), patient).toBe(false);
  expect(given(bot)).toEqual([]);
});

test("remote: a program elsewhere gets the bytes with its turn, as many as fit a line; more fail with the reason", async () => {
  const { id, bot } = await conversationWith("remote", { files: true });
  const { token } = (await server.call("POST", `/api/bots/${bot}/token`)).body;
  const program = await RemoteBot.ready(server, token);
  await ask(id, "Look", [await upload(picture, "hive.png", "image/png")]);
  const { files } = await program.line("turn");
  expect(files).toEqual([
    { name: "hive.png", type: "image/png", size: picture.length, sha256: sha256(picture), data: picture.toString("base64") },
  ]);
  const { answer } = await ask(id, "Look", [await upload(Buffer.alloc(3 * 1024 * 1024, 1), "large", "a/b")]);
  expect(answer).toMatchObject({ outcome: "failed", text: expect.stringContaining("too large for a program elsewhere") as string });
  await program.close();
});

test("[K1] the client uploads first and sends then, over a connection that knows the token alone", async () => {
  const client = connect({ url: server.url, token: server.token });
  const conversation = await client.begin("echo");
  const accepted = await conversation.send("Look", {
    files: [
      new File([Uint8Array.from(picture)], "a.png"),
      { name: "b.txt", type: "text/plain", bytes: Uint8Array.from(note) },
      new Blob(["x"]),
    ],
  });
  const answer: string[] = [];
  for await (const part of conversation.turn(accepted)) if (part.type === "answer") answer.push(part.message.text);
  expect(answer.join("")).toContain(`a.png (image/png, ${picture.length} bytes, sha256 ${sha256(picture)})`);
  expect(answer.join("")).toContain(`b.txt (text/plain, ${note.length} bytes, sha256 ${sha256(note)})`);
  expect((await conversation.history()).messages[0]?.files?.map(({ name, size }) => [name, size])).toEqual([
    ["a.png", picture.length],
    ["b.txt", note.length],
    ["file", 1],
  ]);
  await expect(conversation.send("Look", { files: [new Blob([])] })).rejects.toMatchObject({ code: "field_invalid" });
  expect(conversation.pending).toEqual([]);
  client.close();
});

test("[D1] [K1] the program is killed between the upload and the send: the outbox sends it to the next one, with its file, once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skep-files-"));
  const first = await spawnSkep({ data: join(folder, "data"), port: 0 }).ready;
  const token = await createToken(join(folder, "data"));
  const outbox = join(folder, "outbox");
  const client = connect({ url: first.url, token, storage: fileStorage(outbox) });
  const conversation = await client.begin("echo");
  const file = await client.upload({ name: "a.png", bytes: Uint8Array.from(picture) });
  const cut = await upload(note, "cut.txt", "text/plain", { url: first.url, token });
  await first.kill();
  const sent = conversation.send("Look", { files: [file] });
  sent.catch(() => {});
  await expect.poll(() => conversation.pending.map(({ files }) => files), patient).toEqual([[file]]);
  client.close();
  // What a killed upload leaves, and a content that no row names.
  const contents = join(folder, "data", "files");
  writeFileSync(join(contents, "half.part"), "half");
  writeFileSync(join(contents, sha256(Buffer.from("orphan"))), "orphan");
  const second = await spawnSkep({ data: join(folder, "data"), port: 0 }).ready;
  const again = connect({ url: second.url, token, storage: fileStorage(outbox) });
  const read = again.conversation(conversation.id).read();
  const [said, answer] = [(await read.next()).value, (await read.next()).value] as Json[];
  expect(said).toMatchObject({ seq: 1, text: "Look", files: [file] });
  expect(answer.text).toContain(sha256(picture));
  await expect.poll(() => readdirSync(contents).toSorted(), patient).toEqual([sha256(picture), sha256(note)].toSorted());
  expect(readFileSync(join(contents, sha256(note)))).toEqual(note);
  expect(cut).toMatch(/^f/);
  await read.return();
  again.close();
  await second.kill();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);
