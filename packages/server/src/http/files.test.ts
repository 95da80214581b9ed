import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { limits } from "@skep/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, DoorUnderTest } from "../door-under-test.ts";
import { openDoor, problem } from "../door-under-test.ts";

/** The machine may be busy. */
const patient = { timeout: 15_000 };

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

const leftoversIn = (door: DoorUnderTest): string[] => readdirSync(join(door.data, "files")).filter((name) => name.endsWith(".part"));

describe("files", () => {
  let door: DoorUnderTest;
  beforeAll(async () => {
    door = await openDoor();
  });
  afterAll(() => door.close());

  const upload = (raw: Buffer | string, name = "a.bin", type = "application/zip"): Promise<Answer> =>
    door.ask("POST", `/api/files?name=${encodeURIComponent(name)}`, { raw, headers: { "content-type": type } });
  const idOf = (answer: Answer): string => (answer.json as { id: string }).id;
  const bytesOf = async (id: string, query = ""): Promise<{ status: number; headers: Answer["headers"]; bytes: Buffer }> => {
    const headers = { host: "127.0.0.1:8000", authorization: `Bearer ${door.token}` };
    const { statusCode, headers: answered, rawPayload } = await door.http.app.inject({ url: `/api/files/${id}${query}`, headers });
    return { status: statusCode, headers: answered, bytes: rawPayload };
  };
  test("[R-B4] what was uploaded comes back byte for byte, whatever it is", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) % 256));
    const answer = await upload(bytes, "hive.zip");
    expect(answer).toMatchObject({
      status: 201,
      json: { name: "hive.zip", type: "application/zip", size: bytes.length, sha256: sha256(bytes) },
    });
    expect(answer.headers["location"]).toBe(`/api/files/${idOf(answer)}`);
    const back = await bytesOf(idOf(answer));
    expect(back.status).toBe(200);
    expect(back.bytes.equals(bytes)).toBe(true);
    expect(leftoversIn(door)).toEqual([]);
  });

  test("[R-B9] an image is shown for its bytes and not for what it says that it is; everything else can only be saved", async () => {
    const rows = await Promise.all(
      [
        [png, "text/html"],
        [Buffer.from("ffd8ffe000104a46", "hex"), "image/png"],
        [Buffer.from("GIF89a......"), "image/gif"],
        [Buffer.from("RIFF\0\0\0\0WEBPVP8 "), ""],
        [Buffer.from("<script>alert(1)</script>"), "image/png"],
        [Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), "image/svg+xml"],
        [Buffer.from("<!doctype html><script>alert(1)</script>"), "text/html; charset=utf-8"],
        [Buffer.from("x"), "not a type\u0001"],
      ].map(async ([raw, type], i) => {
        const safe = String(type).replace("\u0001", "");
        const made = await upload(raw as Buffer, `file-${i}`, safe);
        const got = await bytesOf(idOf(made));
        const { "content-type": sent, "content-disposition": disposition } = got.headers;
        expect(got.headers).toMatchObject({
          "x-content-type-options": "nosniff",
          "content-security-policy": expect.stringContaining("sandbox") as string,
          "cross-origin-resource-policy": "same-origin",
        });
        return [(made.json as { type: string }).type, sent, String(disposition).split(";")[0]];
      }),
    );
    expect(rows).toEqual([
      ["image/png", "image/png", "inline"],
      ["image/jpeg", "image/jpeg", "inline"],
      ["image/gif", "image/gif", "inline"],
      ["image/webp", "image/webp", "inline"],
      ["application/octet-stream", "application/octet-stream", "attachment"],
      ["image/svg+xml", "application/octet-stream", "attachment"],
      ["text/html", "application/octet-stream", "attachment"],
      ["application/octet-stream", "application/octet-stream", "attachment"],
    ]);
  });

  test("an image that is wanted for keeping is sent so, and one that is known is not sent again", async () => {
    const made = await upload(png);
    expect((await bytesOf(idOf(made), "?save=yes")).headers["content-disposition"]).toMatch(/^attachment;/);
    const { etag } = (await bytesOf(idOf(made))).headers;
    const again = await door.ask("GET", `/api/files/${idOf(made)}`, { headers: { "if-none-match": String(etag) } });
    expect(again).toMatchObject({ status: 304, text: "" });
    expect((await door.ask("HEAD", `/api/files/${idOf(made)}`)).status).toBe(200);
  });

  test.each([
    "../../etc/passwd",
    'a"; filename="b.exe',
    "a\r\nSet-Cookie: x=1",
    "‮gpj.exe",
    "🐝 wabe.png",
    "name\u0000.txt",
    "a'b*c%20d",
    ".",
    "x".repeat(limits.fileNameLength),
  ])("[R-B6] the name %j is kept as it is, and does nothing", async (name) => {
    const made = await upload("bytes", name);
    expect(made.json).toMatchObject({ name });
    const { headers } = await bytesOf(idOf(made));
    expect(headers["set-cookie"]).toBeUndefined();
    const [, plain, exact] = /^attachment; filename="([\w .()-]*)"; filename\*=UTF-8''([\w.~!$&+^`|%-]*)$/.exec(
      String(headers["content-disposition"]),
    ) as unknown as string[];
    expect(plain).toHaveLength(name.length);
    expect(decodeURIComponent(exact as string)).toBe(name);
  });

  test("[R-B6] what is wrong with an upload is said, with what to do", async () => {
    const long = encodeURIComponent("x".repeat(limits.fileNameLength + 1));
    for (const query of ["", "?name=", "?name=%20", `?name=${long}`, "?name=a&kind=b"]) {
      const answer = await door.ask("POST", `/api/files${query}`, { raw: "x", headers: { "content-type": "text/plain" } });
      expect([query, answer.status, problem(answer).field]).toEqual([
        query,
        400,
        query.includes("kind") ? "kind" : query === "" ? "name" : "name",
      ]);
    }
    expect(await door.ask("POST", "/api/files?name=a", { raw: "", headers: { "content-type": "text/plain" } })).toMatchObject({
      status: 400,
      json: { field: "body" },
    });
    expect(await door.ask("POST", "/api/files?name=a", { raw: "x", unknown: true })).toMatchObject({ status: 401 });
    expect(await door.ask("GET", "/api/files/f-none")).toMatchObject({ status: 404 });
    expect(await door.ask("PUT", "/api/files")).toMatchObject({ status: 405 });
    // Every other door still wants JSON.
    const other = await door.ask("POST", "/api/conversations", { raw: "x", headers: { "content-type": "text/plain" } });
    expect(other).toMatchObject({ status: 415 });
  });

  test("[R-B2] a file of the largest size is taken; one byte more is refused, announced or not, and leaves nothing behind", async () => {
    const largest = Buffer.alloc(limits.fileBytes, 7);
    expect((await upload(largest)).status).toBe(201);
    const announced = await upload(Buffer.alloc(limits.fileBytes + 1));
    expect(announced).toMatchObject({ status: 413, json: { code: "body_too_large", field: "body" } });
    const unannounced = await door.http.app.inject({
      method: "POST",
      url: "/api/files?name=a",
      headers: { host: "127.0.0.1:8000", authorization: `Bearer ${door.token}`, "content-type": "text/plain" },
      payload: Readable.from([largest, Buffer.from("x"), Buffer.alloc(100_000)]),
    });
    expect([unannounced.statusCode, unannounced.json<{ code: string }>().code]).toEqual([413, "body_too_large"]);
    expect(leftoversIn(door)).toEqual([]);
  });

  test("[K3] the same bytes twice are two files and one content; the content goes with the last of them", async () => {
    const bytes = Buffer.from(`twice ${Math.random()}`);
    const [one, two] = await Promise.all([upload(bytes, "one"), upload(bytes, "two")]);
    expect(idOf(one)).not.toBe(idOf(two));
    const place = join(door.data, "files", sha256(bytes));
    const [a, b] = [await door.conversation(), await door.conversation()];
    await door.ask("POST", `/api/conversations/${a}/messages`, { body: { text: "one", files: [idOf(one)] } });
    await door.ask("POST", `/api/conversations/${b}/messages`, { body: { text: "two", files: [idOf(two)] } });
    await door.ask("DELETE", `/api/conversations/${a}`);
    expect((await bytesOf(idOf(one))).status).toBe(404);
    expect((await bytesOf(idOf(two))).bytes.equals(bytes)).toBe(true);
    await door.ask("DELETE", `/api/conversations/${b}`);
    await expect.poll(() => existsSync(place), patient).toBe(false);
  });

  test("[K1] a message says which files it has; one of files alone needs no text, one without either is empty", async () => {
    const c = await door.conversation();
    const send = (body: unknown): Promise<Answer> => door.ask("POST", `/api/conversations/${c}/messages?wait=30`, { body });
    const file = idOf(await upload(png, "bees.png"));
    expect(await send({ text: " " })).toMatchObject({ status: 400, json: { code: "message_empty" } });
    expect(await send({ text: "", files: [] })).toMatchObject({ status: 400, json: { field: "files" } });
    expect(await send({ text: "", files: [file, file] })).toMatchObject({ status: 400, json: { field: "files" } });
    expect(await send({ text: "", files: Array.from({ length: 11 }, (_, i) => `f${i}`) })).toMatchObject({ status: 400 });
    expect(await send({ text: "", files: ["f-none"] })).toMatchObject({ status: 404, json: { code: "not_found" } });
    const said = await send({ text: "", files: [file], key: "k" });
    expect(said).toMatchObject({ status: 201, json: { seq: 1, answer: { text: expect.stringContaining(sha256(png)) as string } } });
    expect(await send({ text: "", files: [file], key: "k" })).toMatchObject({ status: 201, json: { seq: 1, duplicate: true } });
    expect(await send({ text: "x", key: "k" })).toMatchObject({ status: 422 });
    const page = await door.ask("GET", `/api/conversations/${c}/messages`);
    const { messages } = page.json as { messages: Record<string, unknown>[] };
    expect(messages.map(({ files }) => files)).toEqual([[{ id: file, name: "bees.png", type: "image/png", size: png.length }], undefined]);
  });

  test("a bot that takes no files is not sent any", async () => {
    await door.ask("POST", "/api/bots", { body: { name: "deaf", kind: "remote" } });
    const made = (await door.ask("POST", "/api/conversations", { body: { bot: "deaf" } })).json as { id: string };
    const file = idOf(await upload("x"));
    const answer = await door.ask("POST", `/api/conversations/${made.id}/messages`, { body: { text: "look", files: [file] } });
    expect(answer).toMatchObject({ status: 400, json: { field: "files", detail: 'The bot "deaf" takes no files' } });
  });

  test("[D1] a file whose bytes are gone is said to be gone, and its turn fails with the reason", async () => {
    const bytes = Buffer.from(`gone ${Math.random()}`);
    const file = idOf(await upload(bytes));
    rmSync(join(door.data, "files", sha256(bytes)));
    expect((await bytesOf(file)).status).toBe(404);
    const c = await door.conversation();
    const answer = await door.ask("POST", `/api/conversations/${c}/messages?wait=30`, { body: { text: "look", files: [file] } });
    expect(answer.json).toMatchObject({
      answer: { outcome: "failed", text: expect.stringContaining("not on the disk any more") as string },
    });
  });
});

test("[K5] when the files of all messages have all the room there is, uploads are refused with the reason, until some are erased", async () => {
  const door = await openDoor(undefined, { filesBytes: 1000 });
  const upload = (size: number): Promise<Answer> =>
    door.ask("POST", "/api/files?name=a", { raw: Buffer.alloc(size, size % 251), headers: { "content-type": "text/plain" } });
  const first = await upload(900);
  expect(first.status).toBe(201);
  const refused = await upload(101);
  expect(refused).toMatchObject({ status: 507, json: { code: "files_full", detail: expect.stringContaining("--files-bytes") as string } });
  const c = await door.conversation();
  await door.ask("POST", `/api/conversations/${c}/messages`, { body: { text: "x", files: [(first.json as { id: string }).id] } });
  await door.ask("DELETE", `/api/conversations/${c}`);
  await expect.poll(async () => (await upload(101)).status, patient).toBe(201);
  await door.close();
});

test("[R-B2] a file that is refused while it is still coming in is answered on a real connection", async () => {
  const door = await openDoor();
  const leftovers = (): string[] => leftoversIn(door);
  await door.http.app.listen({ host: "127.0.0.1", port: 0 });
  const address = door.http.app.server.address() as { port: number };
  const answer = await fetch(`http://127.0.0.1:${address.port}/api/files?name=a`, {
    method: "POST",
    headers: { authorization: `Bearer ${door.token}`, "content-type": "text/plain" },
    body: new Blob([Buffer.alloc(limits.fileBytes * 2)]).stream(),
    duplex: "half",
  } as RequestInit);
  expect(answer.status).toBe(413);
  // Cut in mid-upload: nothing of it stays.
  const socket = connect(address.port, "127.0.0.1");
  socket.write(
    `POST /api/files?name=cut HTTP/1.1\r\nHost: 127.0.0.1:${address.port}\r\nAuthorization: Bearer ${door.token}\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(1000)}`,
  );
  await expect.poll(leftovers, patient).toHaveLength(1);
  socket.destroy();
  await expect.poll(leftovers, patient).toEqual([]);
  await door.close();
});
