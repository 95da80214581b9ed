/** Starts the real program the way a person does, as a process of its own, and ends it gently or not. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export const programFile = join(import.meta.dirname, "../../../server/bin/skep.js");

export interface StartOptions {
  data: string;
  /** 0 takes a free one. */
  port?: number;
  /** More of the command line, e.g. `["--log-level", "warn"]`. */
  options?: readonly string[];
  /** A command line that comes before the program's own, such as one that limits its memory. It must end in the program (`exec`). */
  within?: readonly string[];
  /** Given up, killed and reported if it is not ready by then. */
  limitMs?: number;
}

export interface RunningSkep {
  /** `http://127.0.0.1:PORT` */
  url: string;
  pid: number;
  /** From the spawn to the line `ready`. */
  readyMs: number;
  /** Resolves when the process is gone, whatever ended it. */
  exited: Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when the process is gone, kills it after `limitMs`. @returns false if it had to be killed */
  stop(limitMs?: number): Promise<boolean>;
  terminate(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartingSkep {
  pid: number;
  /** Rejects when the process ends, or the limit is reached, before it is ready. */
  ready: Promise<RunningSkep>;
  kill(): Promise<void>;
}

/** For those that may end it before it is ready; others use `startSkep`. */
export function spawnSkep({ data, port = 0, options = [], within = [], limitMs = 20_000 }: StartOptions): StartingSkep {
  const log = join(data, "..", `${data.split("/").at(-1)}.log`);
  const logFile = openSync(log, "a");
  const spawnedAt = performance.now();
  // A connection that measures sends more in a second than a person in a day.
  const unlimited = ["--messages-per-minute", "1000000000"];
  const start = [process.execPath, programFile, "start", "--port", String(port), "--data", data, ...unlimited, ...options];
  const [command = "", ...args] = [...within, ...start];
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", logFile],
  });
  closeSync(logFile);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const ready = new Promise<RunningSkep>((resolve, reject) => {
    const fail = (why: string): void => {
      const tail = readFileSync(log, "utf8").slice(-2000);
      reject(new Error(`skep did not start: ${why}\n${tail}`));
    };
    const timer = setTimeout(() => {
      void kill();
      fail(`not ready after ${limitMs} ms`);
    }, limitMs);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      fail(`it ended with ${signal ?? code}`);
    });
    // Goes on reading after `ready`, so that the program never waits for its own output.
    if (child.stdout)
      createInterface({ input: child.stdout }).on("line", (line) => {
        const match = /^ready (http:\/\/\S+)$/.exec(line);
        if (!match?.[1]) return;
        clearTimeout(timer);
        resolve(running(child, match[1], performance.now() - spawnedAt, exited, kill));
      });
  });
  return { pid: child.pid ?? -1, ready, kill };
}

export const startSkep = (options: StartOptions): Promise<RunningSkep> => spawnSkep(options).ready;

function running(child: ChildProcess, url: string, readyMs: number, exited: Promise<void>, kill: () => Promise<void>): RunningSkep {
  const stop = async (limitMs = 15_000): Promise<boolean> => {
    let killed = false;
    child.kill("SIGTERM");
    const timer = setTimeout(() => {
      killed = true;
      child.kill("SIGKILL");
    }, limitMs);
    await exited;
    clearTimeout(timer);
    return !killed;
  };
  return {
    url: url.replace(/\/$/, ""),
    pid: child.pid ?? -1,
    readyMs,
    exited,
    kill,
    stop,
    terminate: () => void child.kill("SIGTERM"),
    [Symbol.asyncDispose]: kill,
  };
}

/** A bearer token with the owner's rights, made by the program's own command line. */
export async function createToken(data: string, name = "bench"): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    programFile,
    "token",
    "create",
    `--name=${name}`,
    "--role=owner",
    `--data=${data}`,
  ]);
  const token = stdout.trim().split(/\s+/).at(-1);
  if (!token) throw new Error(`skep token create printed no token: ${stdout}`);
  return token;
}
