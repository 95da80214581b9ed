/**
 * A bot that leaves things behind: `node bot-with-children.ts NAME`. Before it is ready it starts processes that would run for an hour, all of them
 * named `sleep 4242.NAME`: one in its own group, one in a session of its own, one whose parent is gone at once, and one behind a wrapper that waits.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const name = process.argv[2] ?? "0";
const sleep = `exec sleep 4242.${name}`;
const start = (script: string, detached: boolean): void => spawn("sh", ["-c", script], { stdio: "ignore", detached }).unref();

start(sleep, false);
start(sleep, true);
start(`(trap "" HUP; ${sleep}) & exit 0`, true);
start(`sh -c '${sleep}' & wait`, true);

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
createInterface({ input: process.stdin })
  .on("line", (raw) => {
    const line = JSON.parse(raw) as { type: string; turn?: string; text?: string };
    if (line.type === "hello") say({ type: "hello", protocol: 1 });
    if (line.type === "turn") say({ type: "answer", turn: line.turn, text: line.text });
  })
  .on("close", () => process.exit(0));
