import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createToken } from "../packages/bench/src/program/running-skep.ts";
import { skepApi } from "../packages/bench/src/program/skep-api.ts";
import { temporaryFolder } from "../packages/bench/src/program/temporary-folder.ts";
import { RecordingSocket } from "./support/recording-socket.ts";

const checkout = fileURLToPath(new URL("..", import.meta.url));

let npm: ChildProcess | null = null;
afterEach(() => {
  // Whatever is left of it, in case of a failure.
  if (npm?.pid === undefined) return;
  try {
    process.kill(-npm.pid, "SIGKILL");
  } catch {
    // Nothing is left.
  }
});

/** `npm start` as the leader of a process group, as a shell starts it; everything it says, and the end of what it has started. */
function npmStart(data: string): { said(): string; when(what: RegExp): Promise<RegExpExecArray>; ended: Promise<void>; group: number } {
  const child = spawn("npm", ["start", "--", "--port", "0", "--data", data], {
    cwd: checkout,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  npm = child;
  let said = "";
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      said += piece;
      look();
    });
  }
  return {
    said: () => said,
    when: (what) =>
      new Promise((resolve) => {
        look = () => {
          const found = what.exec(said);
          if (found) resolve(found);
        };
        look();
      }),
    // Both ends of its output are closed when nobody that holds them is there any more: npm, the shell and the program.
    ended: new Promise((resolve) => child.once("close", () => resolve())),
    group: child.pid ?? 0,
  };
}

test.runIf(process.platform !== "win32")("[R-G9] SIGTERM to npm ends the program that `npm start` has started, in good order", async () => {
  await using folder = await temporaryFolder("skep-npm-");
  const started = npmStart(`${folder.path}/data`);
  await started.when(/^ready (\S+)$/m);
  process.kill(started.group, "SIGTERM");
  await started.ended;
  // Which of them depends on the system's shell.
  expect(started.said()).toMatch(/Stopping after (the end of npm|SIGTERM);/);
  expect(started.said()).toContain('"event":"server-stopped"');
});

test.runIf(process.platform !== "win32")("[R-G9] Ctrl-C at `npm start` counts once: the answer under way gets its time", async () => {
  await using folder = await temporaryFolder("skep-npm-");
  const data = `${folder.path}/data`;
  const started = npmStart(data);
  const [, url = ""] = await started.when(/^ready (\S+)$/m);
  const token = await createToken(data);
  const api = skepApi(url, token);
  const { id } = await api.createConversation("echo");
  api.close();
  const socket = await RecordingSocket.open({ url, token });
  await socket.follow(id);
  socket.send(id, "/stream 60 20");
  await socket.when(() => socket.of("delta").length > 0);
  // A terminal gives it to everybody in the group.
  process.kill(-started.group, "SIGINT");
  await started.ended;
  expect(started.said()).toContain("Stopping after SIGINT");
  expect(started.said()).toContain('"event":"server-stopped"');
});
