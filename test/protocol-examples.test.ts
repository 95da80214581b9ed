/** docs/protocol.md is right: its examples are replayed against the real program, its tables are those of the code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { closeCodes, errorTable, mayReconnect } from "@skep/protocol";
import { expect, test } from "vitest";
import { WebSocket } from "ws";

const page = readFileSync(new URL("../docs/protocol.md", import.meta.url), "utf8");
const program = fileURLToPath(new URL("../packages/server/bin/skep.js", import.meta.url));

type Named = Map<string, string>;

/** Is everything that the example shows in the answer? Gives names to values on the way. */
function holds(shown: unknown, value: unknown, named: Named): boolean {
  if (shown === "…") return value !== undefined;
  if (typeof shown === "string" && shown.startsWith("$")) {
    const known = named.get(shown);
    if (known === undefined && typeof value === "string") named.set(shown, value);
    return named.get(shown) === value;
  }
  if (Array.isArray(shown)) {
    return Array.isArray(value) && value.length === shown.length && shown.every((one, i) => holds(one, value[i], named));
  }
  if (typeof shown !== "object" || shown === null) return shown === value;
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(shown).every(([field, one]) => holds(one, (value as Record<string, unknown>)[field], named));
}

/** The same, but names only what is in an answer that fits. */
function fits(shown: unknown, value: unknown, named: Named): boolean {
  const tried = new Map(named);
  if (!holds(shown, value, tried)) return false;
  for (const [name, one] of tried) named.set(name, one);
  return true;
}

const filled = (text: string, named: Named): string => text.replaceAll(/\$[a-z]+/g, (name) => named.get(name) ?? name);

/** Messages from the server, in order, whatever frames they came in. */
class Incoming {
  #waiting: unknown[] = [];
  #wake = (): void => {};

  constructor(socket: WebSocket) {
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString("utf8")) as unknown;
      this.#waiting.push(...(Array.isArray(frame) ? (frame as unknown[]) : [frame]));
      this.#wake();
    });
  }

  async next(): Promise<unknown> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#waiting.shift();
  }
}

test("the examples of docs/protocol.md are what the program does", async () => {
  const data = mkdtempSync(join(tmpdir(), "skep-docs-"));
  const environment = { HOME: data, NODE_COMPILE_CACHE: join(tmpdir(), "skep-compile-cache"), SKEP_DATA: join(data, "data") };
  const run = async (...words: string[]): Promise<string> => {
    const child = spawn(process.execPath, [program, ...words], { env: environment, stdio: ["ignore", "pipe", "ignore"] });
    let out = "";
    child.stdout.on("data", (piece: Buffer) => (out += piece.toString("utf8")));
    await once(child, "close");
    return out;
  };
  const token = (await run("token", "create", "--name", "docs")).trim();
  const server = spawn(process.execPath, [program, "start", "--port", "0", "--log", "off"], {
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let out = "";
      server.stdout.on("data", (piece: Buffer) => {
        const found = /^ready (\S+)$/m.exec((out += piece.toString("utf8")));
        if (found?.[1]) resolve(found[1]);
      });
      server.on("close", () => reject(new Error("the server ended")));
    });
    const named: Named = new Map();
    const headers = { authorization: `Bearer ${token}` };
    let answer: { status: number; json: unknown } | null = null;
    let replayed = 0;
    for (const [, kind, text] of page.matchAll(/^```(http|http-answer|ws)\n([\s\S]*?)^```$/gm)) {
      const lines = (text as string).trimEnd().split("\n");
      replayed++;
      if (kind === "http") {
        const [method, path] = filled(lines[0] as string, named).split(" ") as [string, string];
        // Headers and an empty line stand before a body that is no JSON.
        const [, type] = /^Content-Type: (.+)$/.exec(lines[1] ?? "") ?? [];
        const body = lines.length > 1 ? filled(lines.slice(type === undefined ? 1 : 3).join("\n"), named) : undefined;
        const response = await fetch(url + path, {
          method,
          headers: body === undefined ? headers : { ...headers, "content-type": type ?? "application/json" },
          ...(body === undefined ? {} : { body }),
        });
        answer = { status: response.status, json: await response.json() };
      } else if (kind === "http-answer") {
        const shown = { status: Number(lines[0]), json: JSON.parse(lines.slice(1).join("\n")) as unknown };
        if (!fits(shown, answer, named)) expect(answer).toEqual(shown);
      } else {
        const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers });
        const incoming = new Incoming(socket);
        for (const line of lines) {
          const message = line.slice(2);
          if (line.startsWith(">")) socket.send(filled(message, named));
          // The test's own time limit ends the search for a message that never comes.
          else while (!fits(JSON.parse(message), await incoming.next(), named));
        }
        socket.close();
      }
    }
    expect(replayed).toBeGreaterThan(15);
  } finally {
    server.kill("SIGTERM");
    await once(server, "close");
    rmSync(data, { recursive: true });
  }
});

test("the tables of docs/protocol.md are those of the code", () => {
  for (const [code, { status, retry, title }] of Object.entries(errorTable)) {
    expect(page).toContain(`| \`${code}\` | ${status} | ${retry ? "yes" : "no"} | ${title} |`);
  }
  for (const [name, code] of Object.entries(closeCodes)) {
    expect(page).toContain(`| ${code} | \`${name}\` | ${mayReconnect(code) ? "yes" : "no"} |`);
  }
});
