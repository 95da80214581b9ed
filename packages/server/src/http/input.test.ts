import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Message } from "@skep/protocol";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Answer, DoorUnderTest } from "../door-under-test.ts";
import { openDoor, problem } from "../door-under-test.ts";

let door: DoorUnderTest;
let id: string;
let web: string;

beforeAll(async () => {
  web = mkdtempSync(join(tmpdir(), "skep-web-"));
  mkdirSync(join(web, "assets", "parts"), { recursive: true });
  writeFileSync(join(web, "index.html"), '<script type="module" src="/assets/main-0123abcd.js"></script>');
  writeFileSync(join(web, "assets", "main-0123abcd.js"), "export const one = 1;\n");
  writeFileSync(join(web, "assets", "main-0123abcd.js.gz"), gzipSync("export const one = 1;\n"));
  writeFileSync(join(web, "assets", "parts", "a.css"), "a {}");
  writeFileSync(join(web, "assets", ".hidden.js"), "secret");
  symlinkSync("/etc/hostname", join(web, "assets", "linked.css"));
  door = await openDoor(web);
  id = await door.conversation();
});
afterAll(async () => {
  await door.close();
  rmSync(web, { recursive: true });
});

const send = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  door.ask("POST", `/api/conversations/${id}/messages`, { body, headers });
const texts = async (role: string): Promise<string[]> => {
  const { json } = await door.ask("GET", `/api/conversations/${id}/messages?limit=500`);
  return (json as { messages: Message[] }).messages.filter((one) => one.role === role).map((one) => one.text);
};

function expectProblem(answer: Answer, status: number, code: string, field?: string): void {
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.json).toMatchObject({ status, code, type: `urn:skep:error:${code}`, ...(field === undefined ? {} : { field }) });
  expect(answer.status).toBe(status);
  expect(problem(answer).title).not.toBe("");
  // No stack trace, no path of this program.
  expect(answer.text).not.toMatch(/\n\s+at |node:|\.ts\b/);
}

describe("messages", () => {
  test.each(["", " ", "\n\t \u3000"])("[R-B1] an empty message is refused: %j", async (text) => {
    const answer = await send({ text });
    expectProblem(answer, 400, "message_empty", "text");
    expect(problem(answer).detail).toBe("Message cannot be empty");
  });

  test("[R-B2] a message over the limit is refused with the limit and its size, in bytes of UTF-8; one of exactly the limit is stored", async () => {
    const answer = await send({ text: "é".repeat(5121) });
    expectProblem(answer, 413, "message_too_large", "text");
    expect(problem(answer).detail).toContain("10242");
    expect(problem(answer).detail).toContain("10240");
    expect((await send({ text: "é".repeat(5120) })).status).toBe(201);
  });

  test("[R-B2] a request over the body limit is refused before it is read to its end", async () => {
    const answer = await send({ text: "x".repeat(1_100_000) });
    expectProblem(answer, 413, "body_too_large");
    expect(problem(answer).detail).toContain("1048576");
  });

  test.each([
    "漢字かな交じり文",
    "עברית وعربية \u202Ereversed\u202C",
    "👩‍👩‍👧‍👦 🇺🇳 e\u0301 Z\u0351\u036B",
    "nul \u0000 and \u0007",
    "<script>alert(1)</script>",
    "'; DROP TABLE message; --",
    "line\r\nline\u2028line",
  ])("[R-B4] [R-B7] [R-B9] stored and given back as it was: %j", async (text) => {
    expect((await send({ text })).status).toBe(201);
    expect(await texts("person")).toContain(text);
  });

  test("[R-B4] a lone surrogate and bytes that are no UTF-8 are refused", async () => {
    expectProblem(await send({ text: "a\ud800b" }), 400, "field_invalid", "text");
    const raw = Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expectProblem(await door.ask("POST", `/api/conversations/${id}/messages`, { raw }), 400, "json_malformed");
  });

  test.each([
    [{}, "text"],
    [{ text: null }, "text"],
    [{ text: 5 }, "text"],
    [{ text: ["a"] }, "text"],
    [{ text: "a", extra: 1 }, "extra"],
    [{ text: "a", n: 0 }, "n"],
    [{ text: "a", n: "1" }, "n"],
    [{ text: "a", n: 1.5 }, "n"],
    [{ text: "a", key: "" }, "key"],
    [{ text: "a", key: "k".repeat(129) }, "key"],
    [{ text: "a", sender: "../x" }, "sender"],
  ])("[R-B5] a wrong field is named: %j", async (body, field) => {
    expectProblem(await send(body), 400, "field_invalid", field);
  });

  test.each(["[]", '"text"', "5", "null"])("[R-B5] a body that is no object is refused: %s", async (raw) => {
    expectProblem(await door.ask("POST", `/api/conversations/${id}/messages`, { raw }), 400, "field_invalid");
  });

  test("[R-B5] no body at all is refused", async () => {
    expectProblem(await door.ask("POST", `/api/conversations/${id}/messages`), 400, "field_invalid");
  });

  test("[R-B5] __proto__ is a field like any other, and unknown", async () => {
    expectProblem(
      await door.ask("POST", `/api/conversations/${id}/messages`, { raw: '{"text":"a","__proto__":{"x":1}}' }),
      400,
      "field_invalid",
      "__proto__",
    );
  });

  test.each(["{", '{"text": }', "", "{'text':'a'}", '{"text":"a"} x', "\u0000"])(
    "[R-B6] malformed JSON gets a text that is always the same; the detail goes to the log: %j",
    async (raw) => {
      const secret = raw === "" ? "" : raw;
      const answer = await door.ask("POST", `/api/conversations/${id}/messages`, { raw });
      if (secret === "") return expectProblem(answer, 400, "field_invalid");
      expectProblem(answer, 400, "json_malformed");
      expect(problem(answer).detail).toBe("The body is not valid JSON");
      expect(door.log.at(-1)).toMatchObject({ event: "body-malformed" });
      expect(door.log.at(-1)?.fields.error).toBeInstanceOf(Error);
    },
  );

  test("[R-B6] a body nested too deeply is refused", async () => {
    const raw = `{"name":"deep","kind":"echo","options":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
    expectProblem(await door.ask("POST", "/api/bots", { raw }), 400, "json_malformed");
  });

  test("[R-B10] the same key again gets the first answer, marked duplicate; in the header as in the body", async () => {
    const first = await send({ text: "once", key: "k-1" });
    expect(first.json).toMatchObject({ duplicate: false });
    const again = await send({ text: "once" }, { "idempotency-key": "k-1" });
    expect(again).toMatchObject({ status: 201, json: { ...(first.json as object), duplicate: true } });
    expect((await texts("person")).filter((text) => text === "once")).toHaveLength(1);
    expectProblem(await send({ text: "other", key: "k-1" }), 422, "key_conflict");
    expectProblem(await send({ text: "once", key: "k-2" }, { "idempotency-key": "k-3" }), 400, "field_invalid", "key");
  });

  test("[O3] a gap in the sender's numbers is refused with the number that is expected", async () => {
    await send({ text: "1", key: "o1", sender: "s", n: 1 });
    const answer = await send({ text: "3", key: "o3", sender: "s", n: 3 });
    expectProblem(answer, 409, "send_gap");
    expect(problem(answer).expected).toBe(2);
  });
});

describe("names and addresses", () => {
  test.each(["", "a b", "a/b", "../etc", "ü", "a".repeat(65), "a\u0000", "<b>", "a.b"])(
    "[R-B3] a bot's name that breaks the rule is refused: %j",
    async (name) => {
      const answer = await door.ask("POST", "/api/bots", { body: { name, kind: "echo" } });
      expectProblem(answer, 400, "name_invalid", "name");
      expect(problem(answer).detail).toContain("1 to 64 letters, digits, dashes or underscores");
    },
  );

  test.each(["a%20b", "a".repeat(65), "a".repeat(3000), "..%2f..%2fetc"])("[R-B3] the same in an address: %s", async (name) => {
    expectProblem(await door.ask("GET", `/api/bots/${name}`), 400, "name_invalid", "name");
  });

  test.each([
    "/../../package.json",
    "/assets/../package.json",
    "/assets/../../../../etc/passwd",
    "/assets/%2e%2e/%2e%2e/package.json",
    "/assets/..%2f..%2fpackage.json",
    "/assets/..\\..\\package.json",
    "/assets//etc/passwd",
    "/assets/%00",
    "/assets/linked.css",
    "/assets/.hidden.js",
    "/assets/main-0123abcd.js.gz",
    "/assets/",
    "/assets/parts",
    "/api/conversations/..%2f..%2fskep.db",
    "/api/bots/..%2f../logs",
    "//etc/passwd",
  ])("[R-B8] nothing outside the list of files is read: %s", async (path) => {
    const answer = await door.ask("GET", path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(existsSync(join(web, "assets", "parts", "a.css"))).toBe(true);
  });

  test("[R-B8] [R-B9] the page's files are served, compressed for who takes it, under a policy without anything inline", async () => {
    const page = await door.ask("GET", "/", { unknown: true });
    expect(page.status).toBe(200);
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.headers["cache-control"]).toBe("no-cache");
    const policy = String(page.headers["content-security-policy"]);
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'"]),
    );
    expect(page.headers["x-dns-prefetch-control"]).toBe("off");
    expect(policy).not.toMatch(/unsafe|data:|https?:|\*/);
    const script = await door.ask("GET", "/assets/main-0123abcd.js", { unknown: true });
    expect(script.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(script.headers["cache-control"]).toContain("immutable");
    expect(script.text).toBe("export const one = 1;\n");
    const small = await door.ask("GET", "/assets/main-0123abcd.js", { headers: { "accept-encoding": "br, gzip" } });
    expect(small.headers["content-encoding"]).toBe("gzip");
    expect(small.headers["etag"]).not.toBe(script.headers["etag"]);
    const again = await door.ask("GET", "/assets/main-0123abcd.js", { headers: { "if-none-match": String(script.headers["etag"]) } });
    expect(again).toMatchObject({ status: 304, text: "" });
    expect((await door.ask("GET", "/assets/parts/a.css")).text).toBe("a {}");
  });

  test("a page that was built anew under a running server is served from then on", async () => {
    writeFileSync(join(web, "assets", "main-9999wxyz.js"), "export const two = 2;\n");
    expect((await door.ask("GET", "/assets/main-9999wxyz.js")).status).toBe(404);
    writeFileSync(join(web, "index.html"), "<p>new</p>");
    utimesSync(join(web, "index.html"), new Date(), new Date(Date.now() + 5000));
    expect((await door.ask("GET", "/")).text).toBe("<p>new</p>");
    expect((await door.ask("GET", "/assets/main-9999wxyz.js")).text).toBe("export const two = 2;\n");
  });

  test("[R-B5] unknown and wrong query parameters are named", async () => {
    expectProblem(await door.ask("GET", "/api/bots?x=1"), 400, "field_invalid", "x");
    expectProblem(await door.ask("GET", "/api/conversations?limit=0"), 400, "field_invalid", "limit");
    expectProblem(await door.ask("GET", "/api/conversations?limit=1&limit=2"), 400, "field_invalid", "limit");
    expectProblem(await door.ask("GET", "/api/conversations?cursor=zzz"), 400, "field_invalid", "cursor");
    expectProblem(await door.ask("GET", `/api/conversations/${id}/messages?after=-1`), 400, "field_invalid", "after");
    expectProblem(await door.ask("GET", `/api/conversations/${id}/messages?after=1&before=5`), 400, "field_invalid", "before");
    expectProblem(await door.ask("GET", "/api/search?query=%20"), 400, "field_invalid", "query");
    expectProblem(await door.ask("GET", "/api/search?query=a&since=yesterday"), 400, "field_invalid", "since");
  });

  test("an address that is none, one that is unknown, a method that it does not have, a body of another type", async () => {
    expectProblem(await door.ask("GET", "/api/bots/%zz"), 400, "field_invalid");
    expectProblem(await door.ask("GET", "/nothing"), 404, "not_found");
    const wrong = await door.ask("PUT", "/api/bots", { body: {} });
    expectProblem(wrong, 405, "method_not_allowed");
    expect(wrong.headers["allow"]).toBe("GET, POST, HEAD");
    expectProblem(await door.ask("POST", "/healthz"), 405, "method_not_allowed");
    expectProblem(await door.ask("POST", "/api/bots", { raw: "name=a", headers: { "content-type": "text/plain" } }), 415, "media_type");
    expectProblem(
      await door.ask("POST", "/api/bots", { raw: "name=a", headers: { "content-type": "application/x-www-form-urlencoded" } }),
      415,
      "media_type",
    );
  });

  test("a bug gets one sentence, and the log gets the rest", async () => {
    const list = vi.spyOn(door.fleet, "list").mockImplementation(() => {
      throw new Error("the secret detail");
    });
    try {
      const answer = await door.ask("GET", "/api/bots");
      expectProblem(answer, 500, "internal");
      expect(answer.text).not.toContain("secret");
      expect(door.log.at(-1)).toMatchObject({ event: "request-failed", fields: { route: "GET /api/bots" } });
    } finally {
      list.mockRestore();
    }
  });
});
