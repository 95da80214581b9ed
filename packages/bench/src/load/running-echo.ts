import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The control, as a process of its own. */
export async function startEcho(
  frames: "joined" | "single",
): Promise<{ url: string; pid: number; [Symbol.asyncDispose](): Promise<void> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "echo-control.ts"), frames], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return {
    url: line.replace("ready ", ""),
    pid: child.pid ?? -1,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
