import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const server = fileURLToPath(new URL("./server.ts", import.meta.url));

test("the server loads no HTTP client: importing node:http in the usual way, or fetch, would bring one along, at 15 MB", async () => {
  const script = `await import(${JSON.stringify(server)}); console.log(process.moduleLoadList.filter((name) => name.includes("undici")).join())`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  expect(stdout.trim()).toBe("");
});
