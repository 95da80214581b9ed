import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Ledger } from "./ledger.ts";
import { markVariable } from "../worker/mark.ts";
import { instanceOf } from "./strays.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "skep-strays-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs for ever in a session of its own. */
async function stray(mark: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "console.log('up'); setInterval(() => {}, 1e6)"], {
    detached: true,
    env: { [markVariable]: mark, [`${markVariable}_OTHER`]: "x" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

const gone = async (child: ChildProcess): Promise<string | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.signalCode;
};

test("[B7] after a worker's end all that carries its mark is ended, and nothing that carries another", async () => {
  let found = 0;
  const ledger = new Ledger(folder(), (count) => (found += count));
  const [mine, other] = [ledger.newMark(), ledger.newMark()];
  const [first, second, beside] = await Promise.all([stray(mine), stray(mine), stray(other)]);
  ledger.searchFor(mine);
  expect(await Promise.all([gone(first), gone(second)])).toEqual(["SIGKILL", "SIGKILL"]);
  await expect.poll(() => found).toBe(2);
  expect(beside.signalCode).toBeNull();
});

test("[B7] a start ends what any worker of this data folder has left, and nothing of another folder's", async () => {
  const [one, two] = [folder(), folder()];
  const before = new Ledger(one);
  const children = await Promise.all([stray(before.newMark()), stray(before.newMark())]);
  const foreign = await stray(new Ledger(two).newMark());
  expect(new Ledger(one).killLeftovers()).toBe(2);
  expect(await Promise.all(children.map(gone))).toEqual(["SIGKILL", "SIGKILL"]);
  expect(foreign.signalCode).toBeNull();
});

test("[B7] a data folder has one name, whichever way leads to it", () => {
  const path = folder();
  symlinkSync(path, `${path}-link`);
  onTestFinished(() => rmSync(`${path}-link`));
  expect(instanceOf(`${path}-link`)).toBe(instanceOf(path));
  expect(instanceOf(folder())).not.toBe(instanceOf(path));
});
