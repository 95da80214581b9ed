import { connect } from "node:net";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../packages/bench/src/seeded-random.ts";
import { type StartedServer, startedServer } from "./support/started-server.ts";

let server: StartedServer;
let cookie: string;
let entries: { method: string; path: string }[];

beforeAll(async () => {
  server = await startedServer();
  const link = (await server.call("POST", "/api/session/links")).body.url as string;
  const signedIn = await fetch(`${server.url}/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: server.url },
    body: JSON.stringify({ token: link.split("#signin=")[1] }),
  });
  cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
  const { paths } = (await server.call("GET", "/openapi.json")).body as { paths: Record<string, Record<string, unknown>> };
  const assets = readdirSync(join(import.meta.dirname, "../packages/web/dist/assets")).filter((name) => /^index.*\.(js|css)$/.test(name));
  entries = [
    ...Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, "echo") })),
    ),
    ...["/", "/skep.svg", "/theme.js", "/nothing", ...assets.map((name) => `/assets/${name}`)].map((path) => ({ method: "GET", path })),
    { method: "OPTIONS", path: "/api/bots" },
  ];
});
afterAll(() => server.end());

/** 200 names that are not this server's, or not quite. */
function hostileNames(port: string): string[] {
  const other = String(Number(port) - 1);
  const own = ["127.0.0.1", "localhost", "[::1]"];
  const near = own.flatMap((name) => [
    ...["", `:${other}`, ":80", ":443", ":0", `:${port}0`, `:0${port}`, `:${port}:${port}`, `:${port}.`, `:+${port}`, `:${port}x`].map(
      (end) => name + end,
    ),
    ...["evil.example", "evil.example:80", "x"].flatMap((evil) => [
      `${name}.${evil}`,
      `${name}:${port}.${evil}`,
      `${evil}.${name}:${port}`,
    ]),
    ...["@", "#", "?", "/", "\\", ",", ";", "&", "%00", "%20", "|"].map((sign) => `${name}:${port}${sign}evil.example`),
    ...["@", "#", "/", ","].map((sign) => `evil.example${sign}${name}:${port}`),
  ]);
  const odd = [
    "127.1",
    "127.0.1",
    "127.0.0.2",
    "127.0.0.01",
    "0127.0.0.1",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "0x7f.0.0.1",
    "127.0.0.1.",
    "localhost.",
    "0.0.0.0",
    "0",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "[::127.0.0.1]",
    "::1",
    "localhost6",
    "ip6-localhost",
    "local",
    "localhosts",
    "1ocalhost",
    "xn--lcalhost-4ya",
    "loc%61lhost",
    "127。0。0。1",
    "ⓛocalhost",
    "localhost\u00a0",
    "LOCALHOST.EVIL.EXAMPLE",
    "127.0.0.1.nip.io",
    "localtest.me",
    "rebind.network",
    "a.127.0.0.1.1time.192.0.2.1.repeat.rebind.network",
    "169.254.169.254",
    "metadata.google.internal",
    "host.docker.internal",
    "router.lan",
    "skep",
    "null",
    "undefined",
    "*",
    ".",
    "..",
    "-",
    "_",
    "'",
    '"',
    "<script>",
    "${jndi:ldap://x}",
    "a b",
  ].map((name) => `${name}:${port}`);
  const random = seededRandom(5);
  const names = [...new Set([...near, ...odd])];
  while (names.length < 200) {
    const label = Array.from({ length: random.between(1, 20) }, () => String.fromCharCode(random.between(97, 122))).join("");
    names.push(`${label}.example:${port}`);
  }
  return names.slice(0, 200);
}

/** What browsers and others write there besides addresses. */
const noOrigins = [
  "null",
  "",
  "about:blank",
  "file://",
  "data:text/html,x",
  "chrome-extension://abcdefghijklmnop",
  "moz-extension://x",
  "app://skep",
  "*",
];

/** Writes all requests into one connection, one behind the other, and gives the status of each answer, until all are there or it is hung up on. */
function pipelined(requests: readonly string[]): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const statuses: number[] = [];
    let rest = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(requests.join(""), "latin1"));
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      rest += chunk;
      for (const match of rest.matchAll(/HTTP\/1\.1 (\d{3}) /g)) statuses.push(Number(match[1]));
      rest = rest.slice(Math.max(0, rest.lastIndexOf("HTTP/1.1 ") + 1)).slice(-16);
      if (statuses.length >= requests.length) socket.destroy();
    });
    socket.on("close", () => resolve(statuses));
    socket.on("error", reject);
  });
}

/** As a browser of the signed-in owner would send it, with everything that it could be made to send. */
function head(method: string, path: string, host: string, lines: readonly string[]): string {
  const acts = method !== "GET" && method !== "OPTIONS";
  const body = acts ? ["Content-Type: application/json", "Content-Length: 2", "", "{}"] : ["", ""];
  return [
    `${method} ${path} HTTP/1.1`,
    `Host: ${Buffer.from(host).toString("latin1")}`,
    `Cookie: ${cookie}`,
    "Skep-Request: 1",
    ...lines,
    ...body,
  ].join("\r\n");
}

const upgradeLines = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
];

/** Sends one request for each value to each entry. @returns how many were sent, and what was answered with another status */
async function everywhere(
  values: readonly string[],
  write: (method: string, path: string, value: string, lines: readonly string[]) => string,
  expected: number,
) {
  let sent = 0;
  const accepted: string[] = [];
  for (const { method, path } of entries) {
    const statuses = await pipelined(values.map((value) => write(method, path, value, [])));
    sent += statuses.length;
    expect(statuses.length, `${method} ${path}`).toBe(values.length);
    for (const [i, status] of statuses.entries()) if (status !== expected) accepted.push(`${method} ${path} ${values[i]}: ${status}`);
  }
  for (const path of ["/ws", "/bots"]) {
    for (const value of values) {
      const [status] = await pipelined([write("GET", path, value, upgradeLines)]);
      sent++;
      if (status !== expected) accepted.push(`${path} ${value}: ${status}`);
    }
  }
  return { sent, accepted };
}

describe("names that are not this server's", () => {
  test("the same requests with the right ones are let in, at every door", async () => {
    const own = `127.0.0.1:${server.port}`;
    const all = entries;
    // Signing out would end what the others are asked with.
    entries = all.filter(({ method, path }) => !(method === "DELETE" && path === "/api/session"));
    const { accepted } = await everywhere(
      [own],
      (method, path, value, lines) => head(method, path, value, [`Origin: http://${value}`, ...lines]),
      -1,
    );
    expect(accepted.filter((line) => / (403|421)$/.test(line))).toEqual([]);
    expect(accepted.filter((line) => / (101|200|201|204)$/.test(line)).length).toBeGreaterThan(15);
    entries = all;
    expect(entries.length).toBeGreaterThan(35);
  });

  test("200 as Host × every door: 0 accepted", async () => {
    const names = hostileNames(String(server.port));
    expect(new Set(names).size).toBe(200);
    const { sent, accepted } = await everywhere(names, (method, path, value, lines) => head(method, path, value, lines), 421);
    expect(accepted).toEqual([]);
    expect(sent).toBe(200 * (entries.length + 2));
  });

  test("200 and more as Origin × every door: 0 accepted", async () => {
    const own = `127.0.0.1:${server.port}`;
    const origins = [...hostileNames(String(server.port)).map((name) => `http://${Buffer.from(name).toString("latin1")}`), ...noOrigins];
    const { sent, accepted } = await everywhere(
      origins,
      (method, path, value, lines) => head(method, path, own, [`Origin: ${value}`, ...lines]),
      403,
    );
    expect(accepted).toEqual([]);
    expect(sent).toBe(origins.length * (entries.length + 2));
  });

  test("bodies that a form can send are refused at every door that takes one", async () => {
    const types = [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "text/json",
      "application/jsonx",
      "application/json-evil",
      "",
    ];
    // Files have every type: what a form sends there is refused for its origin, and for the header that no form can send.
    const asJson = entries.filter(({ method, path }) => (method === "POST" || method === "PATCH") && !path.startsWith("/api/files"));
    for (const { method, path } of asJson) {
      for (const type of types) {
        const answer = await server.call(method, path, '{"token":"x"}', { "content-type": type });
        expect([method, path, type, answer.status]).toEqual([method, path, type, 415]);
      }
    }
  });

  test("no answer anywhere allows another origin to read it", async () => {
    for (const { method, path } of entries.filter(({ method }) => method === "GET")) {
      const response = await fetch(server.url + path, { method, headers: { authorization: `Bearer ${server.token}` } });
      await response.arrayBuffer();
      expect([...response.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  });
});
