import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { startModelServer } from "../../../../test/model/model-server.ts";
import { realTime } from "../time.ts";
import { modelFinder } from "./found-models.ts";
import { ollamaAddress, type Place, placesToLook, serverFrom } from "./model-server-places.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function answering(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(answer as () => void);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const at = (url: string, kind: Place["kind"] = "ollama"): Place => ({ kind, url, title: kind });

describe("where to look", () => {
  test.each([
    [undefined, "http://127.0.0.1:11434"],
    ["", "http://127.0.0.1:11434"],
    ["0.0.0.0", "http://127.0.0.1:11434"],
    ["0.0.0.0:5000", "http://127.0.0.1:5000"],
    [":5000", "http://127.0.0.1:5000"],
    ["[::1]:5000", "http://[::1]:5000"],
    ["attic", "http://attic:11434"],
    ["http://attic", "http://attic"],
    ["https://attic/ollama", "https://attic"],
    ["https://attic:8443", "https://attic:8443"],
    ["not an address", "http://127.0.0.1:11434"],
    ["http://me:secret@attic", "http://127.0.0.1:11434"],
  ])("OLLAMA_HOST=%s leads to %s, as for Ollama's own programs", (host, address) => {
    expect(ollamaAddress(host)).toBe(address);
  });

  test("Skep does not ask itself, and nobody twice", () => {
    expect(placesToLook(undefined, 8000).map(({ url }) => url)).not.toContain("http://127.0.0.1:8000");
    expect(placesToLook(undefined, 9000).map(({ url }) => url)).toContain("http://127.0.0.1:8000");
    expect(placesToLook("127.0.0.1:8080", 9000).map(({ url }) => url)).toEqual([
      "http://127.0.0.1:8080",
      "http://127.0.0.1:1234",
      "http://127.0.0.1:8000",
    ]);
  });
});

describe("what a list says", () => {
  const place = at("http://127.0.0.1:8080", "openai");
  test("models with their sizes; those that make vectors are left out, and what is no name", () => {
    const models = [
      { name: "llama3.2:latest", size: 2_019_393_189, details: { family: "llama" } },
      { name: "nomic-embed-text:latest", size: 274_302_450, details: { family: "nomic-bert" } },
      { name: "all-minilm:latest", details: { family: "bert" } },
      { name: "" },
      { name: "x".repeat(201) },
      { size: 1 },
      null,
      { name: "own", size: "big" },
    ];
    expect(serverFrom(at("http://127.0.0.1:11434"), { models })).toMatchObject({
      options: {},
      models: [
        { name: "llama3.2:latest", bytes: 2_019_393_189 },
        { name: "own", bytes: null },
      ],
    });
  });

  test("who it is, from the list itself", () => {
    const list = (owner: string) => ({ object: "list", data: [{ id: "m", owned_by: owner }, { id: "text-embedding-nomic" }] });
    expect(serverFrom(place, list("vllm"))).toMatchObject({ title: "vLLM", options: { baseUrl: "http://127.0.0.1:8080/v1" } });
    expect(serverFrom(place, list("constructor"))).toMatchObject({ title: "openai", models: [{ name: "m", bytes: null }] });
  });

  test.each([null, 1, "text", [], {}, { models: {} }, { object: "list" }, { object: "list", data: {} }])(
    "%j is none of them: something else is there",
    (answer) => {
      expect(serverFrom(place, answer)).toBeNull();
      expect(serverFrom(at("http://127.0.0.1:11434"), answer)).toBeNull();
    },
  );
});

describe("the look", () => {
  test("finds what is there, in both protocols, and adds what a bot needs to know", async () => {
    const model = await startModelServer();
    ends.push(() => model.close());
    const { servers, ollamaUrl } = await modelFinder({ places: () => [at(model.url), at(model.url, "openai")], time: realTime })();
    expect(ollamaUrl).toBe(model.url);
    expect(servers.map(({ kind, options }) => ({ kind, options }))).toEqual([
      { kind: "ollama", options: { url: model.url } },
      { kind: "openai", options: { baseUrl: `${model.url}/v1` } },
    ]);
    for (const { models } of servers) expect(models.length).toBeGreaterThan(3);
  });

  test("nobody there, no answer, an answer without an end, a redirect, an error, no JSON: nothing is found, in bounded time and memory", async () => {
    const model = await startModelServer();
    await model.close();
    const places = [
      model.url,
      await answering(() => {}),
      await answering((_, response) => {
        const pour = (): void => {
          while (response.write("x".repeat(65_536)));
          response.once("drain", pour);
        };
        pour();
      }),
      await answering((_, response) => response.writeHead(302, { location: "/elsewhere" }).end()),
      await answering((_, response) => response.writeHead(500).end('{"models":[]}')),
      await answering((_, response) => response.end("<html>")),
      await answering((_, response) => {
        response.writeHead(200, { "content-length": "1000" }).write('{"models":[]}');
        setImmediate(() => response.destroy());
      }),
    ].map((url) => at(url));
    const ended: number[] = [];
    // The second that a look may take is up at once.
    const time = { now: () => 0, after: (ms: number, run: () => void) => (ended.push(ms), realTime.after(ms / 10, run)) };
    expect((await modelFinder({ places: () => places, time })()).servers).toEqual([]);
    expect(new Set(ended)).toEqual(new Set([1000]));
  });

  test("those who ask at the same time share one look, and its answer counts for three seconds", async () => {
    let asked = 0;
    const url = await answering((_, response) => {
      asked++;
      response.end('{"models":[]}');
    });
    let now = 0;
    const find = modelFinder({ places: () => [at(url)], time: { ...realTime, now: () => now } });
    await Promise.all([find(), find()]);
    now = 2999;
    await find();
    expect(asked).toBe(1);
    now = 3000;
    expect((await find()).servers).toMatchObject([{ models: [] }]);
    expect(asked).toBe(2);
  });
});
