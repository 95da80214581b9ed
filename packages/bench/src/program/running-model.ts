/** The stand-in model server as a process of its own, so that what it costs is not counted for anybody else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const file = join(import.meta.dirname, "../../../../test/model/main.ts");

export interface RunningModel extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  url: string;
}

export async function startModel(): Promise<RunningModel> {
  const child = spawn(process.execPath, [file, "--port", "0", "--token-ms", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    void exited.then(() => reject(new Error("the stand-in model server did not start")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listens on (http:\/\/\S+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
