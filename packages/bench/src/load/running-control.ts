import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface RunningControl extends AsyncDisposable {
  url: string;
  pid: number;
}

export const startEcho = (frames: "joined" | "single"): Promise<RunningControl> => startControl("echo-control.ts", frames);

export const startPageControl = (): Promise<RunningControl> => startControl("page-control.ts");

/** A control, as a process of its own. */
async function startControl(file: string, ...args: string[]): Promise<RunningControl> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], { stdio: ["pipe", "pipe", "inherit"] });
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
