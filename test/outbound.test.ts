/** Where bots of the built-in kinds connect to: listeners record every connection that they should not get. */
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelFailure } from "../packages/server/src/worker/model-failure.ts";
import { modelServer, type Resolve, type ServerPlace } from "../packages/server/src/worker/model-server.ts";
import { urlSchema } from "../packages/server/src/bots/kinds/fields.ts";

const listeners: Server[] = [];
let port: number;
/** Connections that came where none may come. */
let connections = 0;

beforeAll(async () => {
  const listen = (host: string, at: number): Promise<Server | null> =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        connections++;
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
      });
      server.once("error", () => resolve(null)).listen(at, host, () => resolve(server));
    });
  const first = (await listen("127.0.0.1", 0)) as Server;
  port = (first.address() as AddressInfo).port;
  const second = await listen("::1", port);
  listeners.push(first, ...(second ? [second] : []));
});
afterAll(() => {
  for (const listener of listeners) listener.close();
});

const plain: ServerPlace = { privateNetwork: false };
const resolvingTo =
  (...addresses: string[]): Resolve =>
  (_, told) =>
    told(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );

/** Asks as a bot does. @returns the status, or why not */
async function ask(address: string, place: ServerPlace = plain): Promise<number | ModelFailure> {
  try {
    const server = modelServer(address, { authorization: "Bearer secret" }, "/probe", place);
    const response = await server.post("/v1/chat", "{}", () => {});
    response.resume();
    return response.statusCode ?? 0;
  } catch (error) {
    if (error instanceof ModelFailure) return error;
    throw error;
  }
}

const octets = (address: string): number[] => address.split(".").map(Number);
const hex = (byte: number): string => byte.toString(16).padStart(2, "0");

/** Everything that means an address of IPv4 without being it. */
function forms(address: string): string[] {
  const [a, b, c, d] = octets(address) as [number, number, number, number];
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const groups = `${hex(a)}${hex(b)}:${hex(c)}${hex(d)}`;
  const octal = (byte: number): string => `0${byte.toString(8)}`;
  return [
    String(number),
    `0x${number.toString(16)}`,
    `0X${number.toString(16).toUpperCase()}`,
    `0${number.toString(8)}`,
    `${octal(a)}.${octal(b)}.${octal(c)}.${octal(d)}`,
    `000${octal(a)}.${b}.${c}.${d}`,
    `0x${hex(a)}.0x${hex(b)}.0x${hex(c)}.0x${hex(d)}`,
    `0x${hex(a)}.${b}.${octal(c)}.${d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    `0x${hex(a)}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c}.${d}.`,
    `%3${String(a)[0]}${String(a).slice(1)}.${b}.${c}.${d}`,
    `${a}%2e${b}%2e${c}%2e${d}`,
    `${a}。${b}。${c}。${d}`,
    `${a}．${b}．${c}．${d}`,
    `${String(a).replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))}.${b}.${c}.${d}`,
    `[::ffff:${address}]`,
    `[::FFFF:${groups}]`,
    `[0:0:0:0:0:ffff:${address}]`,
    `[::ffff:0:${address}]`,
    `[::${address}]`,
    `[::${groups}]`,
    `[64:ff9b::${address}]`,
    `[64:ff9b::${groups}]`,
    `[64:ff9b:1::${address}]`,
    `[2002:${groups}::]`,
    `[2002:${groups}::1]`,
    `[2001:0:${groups}::1]`,
    `[fe80::5efe:${address}]`,
    `[fe80::${groups}]`,
  ];
}

const targets = ["127.0.0.1", "127.8.7.6", "169.254.169.254", "10.0.0.1", "172.16.9.9", "192.168.1.1", "100.100.100.200"];
const outright = [
  "0.0.0.0",
  "0",
  "0.1.2.3",
  "169.254.169.254",
  "169.254.170.2",
  "169.254.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "192.0.2.1",
  "198.18.0.1",
  "203.0.113.9",
  "224.0.0.1",
  "239.255.255.250",
  "240.0.0.1",
  "255.255.255.255",
  "[::]",
  "[0:0:0:0:0:0:0:0]",
  "[0:0:0:0:0:0:0:1]",
  "[0::1]",
  "[::0:1]",
  "[0000::0001]",
  "[fe80::1]",
  "[fe80::1%25lo]",
  "[::1%25lo]",
  "[::1%lo]",
  "[fec0::1]",
  "[ff02::1]",
  "[fd00:ec2::254]",
  "[fd20:ce::254]",
  "[100::1]",
  "[2001:db8::1]",
  "[3fff:ffff::1%25eth0]",
  "[5f00::1]",
  "[4000::1]",
];

describe("300 forms of an address where no bot may go, and more", () => {
  test("in a definition: each is refused there, and again by the bot", async () => {
    const all = [...new Set([...targets.flatMap(forms), ...outright])];
    expect(all.length).toBeGreaterThan(240);
    const before = connections;
    for (const host of all) {
      const address = `http://${host}:${port}`;
      expect([host, urlSchema.safeParse(address).success]).toEqual([host, false]);
      const outcome = await ask(address);
      expect([host, outcome]).toEqual([host, expect.any(ModelFailure)]);
      expect([host, (outcome as ModelFailure).message]).toEqual([host, expect.stringMatching(/^The address of the model server /)]);
    }
    for (const address of [
      `http:\\\\127.0.0.1:${port}`,
      `http:/127.0.0.1:${port}`,
      `http:127.0.0.1:${port}`,
      `http:///127.0.0.1:${port}`,
      `file:///etc/passwd`,
    ]) {
      expect([address, await ask(address)]).toEqual([address, expect.any(ModelFailure)]);
    }
    expect(connections - before).toBe(0);
  });

  test("behind a name: nobody is connected to, and the sentence says where the name leads", async () => {
    const before = connections;
    const leads = [
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "10.0.0.1",
      "fd00::1",
      "169.254.169.254",
      "fe80::1",
      "0.0.0.0",
      "::",
      "64:ff9b::7f00:1",
      "2002:7f00:1::1",
    ];
    let asked = 0;
    for (const name of ["api.example.com", "127.0.0.1.nip.io", "localhost.", "metadata.google.com", "a.b.c.example"]) {
      for (const address of leads) {
        asked++;
        const outcome = await ask(`http://${name}:${port}`, { ...plain, resolve: resolvingTo(address) });
        expect([name, address, (outcome as ModelFailure).message]).toEqual([name, address, expect.stringContaining(`leads to ${address}`)]);
      }
    }
    // Where an own address is meant, what lies beside it still is not.
    for (const name of ["gpu", "metadata.google.internal", "box.lan", "localhost"]) {
      for (const address of ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "fd00:ec2::254"]) {
        asked++;
        const outcome = await ask(`http://${name}:${port}`, { privateNetwork: true, resolve: resolvingTo(address) });
        expect([name, address, outcome]).toEqual([name, address, expect.any(ModelFailure)]);
      }
    }
    expect(asked).toBeGreaterThan(80);
    expect(connections - before).toBe(0);
  });

  test("a redirect, of every kind, to any of them: it is not followed, and the key goes nowhere else", async () => {
    const places = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, ...forms("127.0.0.1").map((host) => `${host}:${port}`)];
    const told: string[] = [];
    const server = createHttp((request, response) => {
      told.push(String(request.headers["authorization"]));
      request.resume().on("end", () => {
        const [status = "302", place = ""] = decodeURIComponent(request.url?.split("/")[1] ?? "").split(" ");
        response.writeHead(Number(status), { location: Buffer.from(place).toString("latin1"), refresh: "0; url=/" }).end();
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const own = (server.address() as AddressInfo).port;
    const before = connections;
    for (const place of places) {
      for (const status of [301, 302, 303, 307, 308]) {
        const path = encodeURIComponent(`${status} http://${place}/`);
        expect(await ask(`http://127.0.0.1:${own}/${path}`)).toBe(status);
      }
    }
    expect(told.length).toBe(places.length * 5);
    expect(new Set(told)).toEqual(new Set(["Bearer secret"]));
    expect(connections - before).toBe(0);
    server.closeAllConnections();
    server.close();
  });
});

describe("the server that the definition names", () => {
  test("on this machine or in the network of one's own it is reached: by its address, by a name of such a network, by any name if that is said", async () => {
    const before = connections;
    expect(await ask(`http://127.0.0.1:${port}`)).toBe(200);
    expect(await ask(`http://localhost:${port}`)).toBe(200);
    for (const name of ["gpu", "gpu.lan", "gpu.local", "host.docker.internal"]) {
      expect(await ask(`http://${name}:${port}`, { ...plain, resolve: resolvingTo("127.0.0.1") })).toBe(200);
    }
    expect(await ask(`http://models.example.com:${port}`, { privateNetwork: true, resolve: resolvingTo("127.0.0.1") })).toBe(200);
    expect(connections - before).toBe(7);
    for (const address of [
      "https://api.openai.com/v1",
      "http://10.0.0.7:11434",
      "http://[fd00::7]:11434",
      "http://[2606:4700::1]/v1",
      "http://user:pass@192.168.1.2/v1",
    ]) {
      expect([address, urlSchema.safeParse(address).success]).toEqual([address, true]);
    }
  });

  test("a name is asked for once, and what was checked is connected to: one that changes its mind gains nothing", async () => {
    let asked = 0;
    const resolve: Resolve = (_, told) => {
      asked++;
      told(null, [{ address: asked === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }]);
    };
    expect(await ask(`http://gpu.lan:${port}`, { ...plain, resolve })).toBe(200);
    expect(asked).toBe(1);
    const second = await ask(`http://gpu.lan:${port}`, { ...plain, resolve });
    expect((second as ModelFailure).message).toContain("169.254.169.254");
    // Of several addresses only those are tried that may be.
    const before = connections;
    expect(await ask(`http://gpu.lan:${port}`, { ...plain, resolve: resolvingTo("169.254.169.254", "127.0.0.1") })).toBe(200);
    expect(connections - before).toBe(1);
  });
});
