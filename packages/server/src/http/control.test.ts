import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askControl, callControl, NotRunning } from "../cli/control-client.ts";
import type { Control } from "./control.ts";
import { findControl, openControl } from "./control.ts";
import type { DoorUnderTest } from "../door-under-test.ts";
import { openDoor } from "../door-under-test.ts";

let door: DoorUnderTest;
let control: Control;

beforeAll(async () => {
  door = await openDoor();
  control = await openControl(door.data, (request, response) => door.http.app.routing(request, response));
  await door.http.app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await control.close();
  expect(existsSync(join(door.data, "control.sock"))).toBe(false);
  await door.close();
});

/** Sends bytes over TCP, and gives the first line of the answer. */
const overTcp = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const port = Number(new URL(door.http.url()).port);
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes.replaceAll("PORT", String(port))));
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("utf8");
      socket.destroy();
    });
    socket.on("close", () => resolve(text.split("\r\n")[0] ?? ""));
    socket.on("error", reject);
  });

test("whatever comes over the control socket is the owner's, without a token", async () => {
  expect(await callControl(door.data, "GET", "/api/session")).toEqual({ person: { id: "owner", role: "owner" } });
  await expect(callControl(door.data, "GET", "/api/bots/none")).rejects.toThrow('There is no bot named "none"');
});

test("only the owner of the folder can open it", () => {
  expect(statSync(join(door.data, "control.sock")).mode & 0o777).toBe(0o600);
  expect(statSync(door.data).mode & 0o777).toBe(0o700);
});

test.each([
  ["nothing", ""],
  ["an empty token", "Authorization: Bearer \r\n"],
  ["the word control", "Authorization: Bearer control\r\nX-Control: 1\r\nCookie: skep_session=control\r\n"],
  ["forwarding headers", "X-Forwarded-For: unix:\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=unix\r\n"],
])("nothing over TCP is taken for it: %s", async (_name, headers) => {
  expect(await overTcp(`GET /api/bots HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n${headers}\r\n`)).toBe("HTTP/1.1 401 Unauthorized");
});

test("on one TCP connection, the requests after a good one are checked too", async () => {
  const good = await overTcp(`GET /api/bots HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: Bearer ${door.token}\r\n\r\n`);
  expect(good).toBe("HTTP/1.1 200 OK");
  expect(await overTcp("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")).toBe("HTTP/1.1 421 Misdirected Request");
  expect(await overTcp("GET http://127.0.0.1:PORT/api/bots HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n")).not.toContain("200");
});

test.each([
  ["GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"],
  ["nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"],
  [`GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX: ${"a".repeat(20_000)}\r\n\r\n`, "HTTP/1.1 431 Request Header Fields Too Large"],
  [
    "POST /api/session HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 400 Bad Request",
  ],
])("what is no request is cut off: %j", async (bytes, line) => {
  expect(await overTcp(bytes)).toBe(line);
});

test("a folder whose path is too long for a socket gets a short private one, noted in the folder", async () => {
  const base = mkdtempSync(join(tmpdir(), "skep-long-"));
  const data = join(base, "d".repeat(60), "e".repeat(60));
  mkdirSync(data, { recursive: true });
  const long = await openControl(data, (request, response) => door.http.app.routing(request, response));
  expect(findControl(data)).toBe(long.path);
  expect(Buffer.byteLength(long.path)).toBeLessThan(100);
  expect(statSync(join(long.path, "..")).mode & 0o777).toBe(0o700);
  expect((await askControl(data, "GET", "/api/status")).status).toBe(200);
  await long.close();
  expect(existsSync(join(long.path, ".."))).toBe(false);
  await expect(askControl(data, "GET", "/healthz")).rejects.toThrow(NotRunning);
  rmSync(base, { recursive: true });
});

test("what a killed server left behind is replaced", async () => {
  const data = mkdtempSync(join(tmpdir(), "skep-left-"));
  const first = await openControl(data, () => {});
  // Another server can only get here when the first one's lock on the folder is gone.
  const second = await openControl(data, (_request, response) => void response.end("{}"));
  expect(basename(second.path)).toBe("control.sock");
  expect((await askControl(data, "GET", "/")).text).toBe("{}");
  first.server.close();
  await second.close();
  rmSync(data, { recursive: true });
});
