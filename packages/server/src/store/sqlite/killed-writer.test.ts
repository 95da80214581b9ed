import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openDataFolder } from "./data-folder.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { inFolder } from "./test-folder.ts";

const child = fileURLToPath(new URL("./killed-writer.child.ts", import.meta.url));
const rounds = 20;

/** A process that has loaded everything and opens the store when it is told to. Most of what it takes to kill one is the start of the next. */
class Writer {
  readonly #process;

  constructor(folder: string) {
    this.#process = spawn(process.execPath, [child, folder], { stdio: ["pipe", "pipe", "inherit"] });
    // It may be ended before it was told to begin.
    this.#process.stdin.on("error", () => {});
  }

  /** Lets it write until it has acknowledged `lines`, kills it, and gives what it had said. */
  async writeAndKill(lines: number): Promise<string[]> {
    let said = "";
    let ends = 0;
    this.#process.stdout.setEncoding("utf8");
    this.#process.stdout.on("data", (piece: string) => {
      said += piece;
      ends += piece.split("\n").length - 1;
      if (ends >= lines) this.#process.kill("SIGKILL");
    });
    this.#process.stdin.end("begin\n");
    await once(this.#process, "close");
    // The last line may be cut by the kill.
    return said.split("\n").slice(0, -1);
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }
}

test("[D1] [K1] everything that was acknowledged before a kill -9 is there, once and in order, 20 times in a row", async () => {
  await inFolder(async (folder) => {
    const acknowledged: string[] = [];
    let epoch = "";
    let next = new Writer(folder);
    try {
      for (let round = 0; round < rounds; round++) {
        const writer = next;
        next = new Writer(folder);
        acknowledged.push(...(await writer.writeAndKill(1 + ((round * 37) % 200))));
        const store = await SqliteStore.open(openDataFolder(folder), Date.now, () => {});
        epoch ||= store.epoch;
        // Its own start, and that of the child: no history was lost, so the epoch stays.
        expect(store.epoch).toBe(epoch);
        const conversation = (await store.conversation("c"))?.conversation ?? 0;
        const { head, messages } = await store.messages(conversation, { after: 0, limit: 1_000_000 });
        const lines = messages.map((message) => `${message.seq} ${message.text}`);
        expect(lines).toEqual(Array.from({ length: head }, (_, i) => `${i + 1} ${i + 1}`));
        const stored = new Set(lines);
        expect(acknowledged.filter((line) => !stored.has(line))).toEqual([]);
        const turns = await store.pendingTurns(0, 1_000_000);
        expect(turns.map((turn) => turn.seq)).toEqual(messages.filter((message) => message.turn !== null).map((message) => message.seq));
        await store.close();
      }
    } finally {
      next.end();
    }
    expect(acknowledged.length).toBeGreaterThan(rounds);
  });
});
