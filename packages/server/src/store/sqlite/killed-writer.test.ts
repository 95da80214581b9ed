import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openDataFolder } from "./data-folder.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { inFolder } from "./test-folder.ts";

const child = fileURLToPath(new URL("./killed-writer.child.ts", import.meta.url));

/** Lets the child write until it has acknowledged `lines`, kills it, and gives what it had said. */
async function writeAndKill(folder: string, lines: number): Promise<string[]> {
  const writer = spawn(process.execPath, [child, folder], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  writer.stdout.setEncoding("utf8");
  writer.stdout.on("data", (piece: string) => {
    said += piece;
    if (said.split("\n").length > lines) writer.kill("SIGKILL");
  });
  await once(writer, "close");
  // The last line may be cut by the kill.
  return said.split("\n").slice(0, -1);
}

test("[D1] [K1] everything that was acknowledged before a kill -9 is there, once and in order, 20 times in a row", async () => {
  await inFolder(async (folder) => {
    const acknowledged: string[] = [];
    let epoch = "";
    for (let round = 0; round < 20; round++) {
      acknowledged.push(...(await writeAndKill(folder, 1 + ((round * 37) % 200))));
      const store = await SqliteStore.open(openDataFolder(folder), Date.now, () => {});
      epoch ||= store.epoch;
      // Its own start, and that of the child: no history was lost, so the epoch stays.
      expect(store.epoch).toBe(epoch);
      const conversation = (await store.conversation("c"))?.conversation ?? 0;
      const { head, messages } = await store.messages(conversation, { after: 0, limit: 1_000_000 });
      expect(messages.map((message) => [message.seq, message.text])).toEqual(Array.from({ length: head }, (_, i) => [i + 1, `${i + 1}`]));
      const stored = new Set(messages.map((message) => `${message.seq} ${message.text}`));
      expect(acknowledged.filter((line) => !stored.has(line))).toEqual([]);
      const turns = await store.pendingTurns(0, 1_000_000);
      expect(turns.map((turn) => turn.seq)).toEqual(messages.filter((message) => message.turn !== null).map((message) => message.seq));
      await store.close();
    }
    expect(acknowledged.length).toBeGreaterThan(20);
  });
}, 180_000);
