import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openForWriting } from "./opening.ts";
import { Reads } from "./reads.ts";
import { inFolder } from "./test-folder.ts";

const child = fileURLToPath(new URL("./failing-disk.child.ts", import.meta.url));
const linux = process.platform === "linux";

function run(folder: string, how: string): { results: unknown[]; stored: string[] } {
  const { stdout, stderr } = spawnSync(process.execPath, [child, folder, how], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  const { db } = openForWriting(join(folder, "skep.db"), null, () => "other", 0);
  try {
    const stored = new Reads(db).messages(1, { after: 0, limit: 99 }).messages.map((message) => message.text);
    return { results: JSON.parse(stdout) as unknown[], stored };
  } finally {
    db.close();
  }
}

test.runIf(linux)(
  "[D1] after a failed write everything is refused for good, and only what was acknowledged is there afterwards",
  async () => {
    await inFolder((folder) => {
      const { results, stored } = run(folder, "write");
      expect(results).toMatchObject([
        { text: "before", ok: true },
        { taken: true },
        { text: "during", reason: "io", final: true },
        {},
        { text: "after", reason: "io", outcome: "not-stored", final: true },
        { text: "after again", reason: "io", outcome: "not-stored", final: true },
      ]);
      expect(stored).toEqual(["before", "before too"]);
    });
  },
);

test.runIf(linux)("[D1] [K2] after a failed sync the outcome is unknown, and everything that follows is refused for good", async () => {
  await inFolder((folder) => {
    const { results, stored } = run(folder, "sync");
    expect(results).toMatchObject([
      { text: "before", ok: true },
      { taken: true },
      { text: "during", reason: "io", outcome: "unknown", final: true },
      {},
      { text: "after", reason: "io", outcome: "not-stored", final: true },
      { text: "after again", reason: "io", outcome: "not-stored", final: true },
    ]);
    expect(stored).toEqual(["before", "before too"]);
  });
});
