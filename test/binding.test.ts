import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type ClientRequestArgs, request as plainRequest } from "node:http";
import { type RequestOptions, request as tlsRequest } from "node:https";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect, type ConnectionOptions } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { rawRequest } from "./support/raw-request.ts";
import { type StartedServer, startedServer } from "./support/started-server.ts";

const certificates = join(import.meta.dirname, "support", "certificates");
const ca = ["first", "second"].map((name) => readFileSync(join(certificates, `${name}.crt`), "utf8"));

let server: StartedServer | undefined;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skep-certificate-"));
});
afterEach(async () => {
  await server?.end();
  server = undefined;
  rmSync(folder, { recursive: true });
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

function ask(url: string, options: ClientRequestArgs & RequestOptions & { body?: unknown } = {}): Promise<Answer> {
  const { body, ...rest } = options;
  const secure = url.startsWith("https:");
  return new Promise((resolve, reject) => {
    const sent = (secure ? tlsRequest : plainRequest)(url, { agent: false, ...(secure ? { ca } : {}), ...rest }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const isOpen = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

const elsewhere = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

/** The pair of this name, in files that the server reads. */
function place(name: string): { tlsCertificate: string; tlsKey: string } {
  const files = { tlsCertificate: join(folder, "server.crt"), tlsKey: join(folder, "server.key") };
  copyFileSync(join(certificates, `${name}.key`), files.tlsKey);
  copyFileSync(join(certificates, `${name}.crt`), files.tlsCertificate);
  return files;
}

/** The connection is made, and a word about it. */
async function handshake(options: ConnectionOptions = {}): Promise<{ protocol: string | null; name: string }> {
  const socket = tlsConnect({ host: "127.0.0.1", port: Number(new URL(server?.url ?? "").port), ca, ...options });
  await once(socket, "secureConnect");
  const heard = { protocol: socket.getProtocol(), name: String(socket.getPeerCertificate().subject.CN) };
  socket.destroy();
  return heard;
}

describe("without anything said", () => {
  test.skipIf(!hasIpv6)("this machine reaches it by both its addresses, at every door; nobody else does", async () => {
    server = await startedServer({ host: "localhost" });
    const { port } = new URL(server.url);
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    const headers = { authorization: `Bearer ${server.token}` };
    for (const host of [`127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect((await ask(`http://${host}/api/bots`, { headers })).status).toBe(200);
      const socket = new WebSocket(`ws://${host}/ws`, { headers });
      await once(socket, "open");
      socket.terminate();
    }
    // Bytes that are no request are answered alike.
    for (const host of ["127.0.0.1", "[::1]"])
      expect(await rawRequest(`http://${host}:${port}`, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    if (elsewhere !== undefined) expect(await isOpen(elsewhere, Number(port))).toBe(false);
  });
});

describe("with a certificate", () => {
  test("TLS 1.3, at least 1.2; what goes over it is marked, and plain text is not answered", async () => {
    server = await startedServer();
    server = await server.again(place("first"));
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    expect(await handshake()).toEqual({ protocol: "TLSv1.3", name: "first test certificate" });
    expect((await handshake({ maxVersion: "TLSv1.2" })).protocol).toBe("TLSv1.2");
    await expect(handshake({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).rejects.toThrow(
      /alert protocol version/i,
    );

    const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
    const linked = await ask(`${server.url}/api/session/links`, { method: "POST", headers });
    expect(linked).toMatchObject({ status: 201, headers: { "strict-transport-security": "max-age=31536000" } });
    const link = (JSON.parse(linked.text) as { url: string }).url;
    expect(link).toContain(`${server.url}/#signin=`);
    const signIn = {
      method: "POST",
      headers: { "content-type": "application/json", origin: server.url },
      body: { token: link.split("=")[1] },
    };
    const unlike = { ...signIn, headers: { ...signIn.headers, origin: server.url.replace("https", "http") } };
    expect((await ask(`${server.url}/api/session`, unlike)).status).toBe(403);
    const signedIn = await ask(`${server.url}/api/session`, signIn);
    expect(String(signedIn.headers["set-cookie"])).toMatch(/HttpOnly; SameSite=Strict; Secure$/);

    const socket = new WebSocket(`${server.url.replace("https", "wss")}/ws`, { headers, ca });
    await once(socket, "message");
    socket.terminate();
    expect(await rawRequest(server.url.replace("https", "http"), "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).not.toContain("200");
  });

  test.skipIf(elsewhere === undefined)("others reach it, by names that it knows", async () => {
    server = await startedServer();
    server = await server.again({ ...place("first"), host: "0.0.0.0", allowedHosts: ["bots.example.org"] });
    const { port } = new URL(server.url);
    expect(server.url).toBe(`https://bots.example.org:${port}`);
    const at = (host: string): Promise<Answer> =>
      ask(`https://${elsewhere}:${port}/healthz`, { headers: { host }, servername: "bots.example.org" });
    expect((await at(`bots.example.org:${port}`)).status).toBe(200);
    expect((await at("evil.example")).status).toBe(421);
    expect((await at(`${elsewhere}:${port}`)).status).toBe(421);
  });

  test("a renewed one is taken without a restart; two files that do not belong together change nothing", async () => {
    server = await startedServer();
    const files = place("first");
    server = await server.again(files);
    writeFileSync(files.tlsKey, "nonsense");
    expect((await handshake()).name).toBe("first test certificate");
    place("second");
    await expect.poll(async () => (await handshake()).name, { timeout: 15_000 }).toBe("second test certificate");
  });

  test("files that are none, or do not belong together: it does not start, and says which", async () => {
    const files = place("first");
    copyFileSync(join(certificates, "second.key"), files.tlsKey);
    await expect(startedServer(files, join(folder, "data"))).rejects.toThrow(
      /server\.crt and .*server\.key are not a certificate and its key/,
    );
    await expect(startedServer({ ...files, tlsKey: join(folder, "none") }, join(folder, "data"))).rejects.toThrow(
      /none cannot be read \(ENOENT\)/,
    );
  });
});

describe("behind a proxy", () => {
  test("what a trusted one says is believed: whose request it is, and that it came over TLS", async () => {
    server = await startedServer();
    server = await server.again({ trustProxy: ["127.0.0.1"], allowedHosts: ["bots.example.org"] });
    const { url, token } = server;
    expect(url).toBe("https://bots.example.org");
    const at = `http://127.0.0.1:${server.port}`;
    const from = (address: string) => ({ host: "bots.example.org", "x-forwarded-for": address, "x-forwarded-proto": "https" });
    const { headers, text } = await ask(`${at}/api/session/links`, {
      method: "POST",
      headers: { ...from("203.0.113.1"), authorization: `Bearer ${token}` },
    });
    expect(headers["strict-transport-security"]).toBe("max-age=31536000");
    const body = { token: (JSON.parse(text) as { url: string }).url.split("=")[1] };
    const post = (address: string, given: unknown, proto = "https") =>
      ask(`${at}/api/session`, {
        method: "POST",
        headers: { ...from(address), "x-forwarded-proto": proto, origin: "https://bots.example.org", "content-type": "application/json" },
        body: given,
      });
    for (let i = 0; i < 5; i++) expect((await post("203.0.113.1", { token: "wrong" })).status).toBe(401);
    expect((await post("203.0.113.1", body)).status).toBe(429);
  });

  test("who guesses from one address does not keep out another; nobody chooses an address for himself", async () => {
    server = await startedServer();
    const { token } = server;
    const signIn = (address: string): Promise<number> =>
      ask(`http://127.0.0.1:${server?.port}/api/session`, {
        method: "POST",
        headers: { host: "bots.example.org", "x-forwarded-for": address, "content-type": "application/json" },
        body: { token: "wrong" },
      }).then(({ status }) => status);
    server = await server.again({ trustProxy: ["127.0.0.1"], allowedHosts: ["bots.example.org"] });
    for (let i = 0; i < 5; i++) await signIn("203.0.113.1");
    expect(await signIn("203.0.113.1")).toBe(429);
    expect(await signIn("203.0.113.2")).toBe(401);
    expect(await signIn("203.0.113.3, 203.0.113.1")).toBe(429);
    server = await server.again({ trustProxy: ["192.0.2.1"], allowedHosts: ["bots.example.org"] });
    for (let i = 0; i < 5; i++) await signIn(`203.0.113.${i}`);
    expect(await signIn("203.0.113.99")).toBe(429);
    expect(token).toBe(server.token);
  });

  test.skipIf(elsewhere === undefined)("plain text from elsewhere, past the proxy, is refused at every door", async () => {
    server = await startedServer();
    server = await server.again({ host: "0.0.0.0", trustProxy: ["192.0.2.1"], allowedHosts: ["bots.example.org"] });
    const at = `http://${elsewhere}:${server.port}`;
    const headers = { host: "bots.example.org", authorization: `Bearer ${server.token}` };
    expect(await ask(`${at}/api/bots`, { headers })).toMatchObject({ status: 403 });
    expect(await ask(`${at}/`, { headers })).toMatchObject({ status: 403 });
    const socket = new WebSocket(`${at.replace("http", "ws")}/ws`, { headers });
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toContain("403");
  });
});
