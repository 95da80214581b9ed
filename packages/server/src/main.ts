/** The only file that touches the process: gives the command line its terminal, and the process its exit code. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isatty } from "node:tty";
import { runCommandLine } from "./cli/program.ts";
import type { Terminal } from "./cli/terminal.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };

/** The shell in which npm has started this, when it did (`bin/skep.js`). No variable of the program, and of its bots even less. */
const parent = Number(process.env["SKEP_PARENT"] ?? 0);
delete process.env["SKEP_PARENT"];
const parentEveryMs = 200;

// Node warns that taking types out and SQLite are young. That is known here, and would stand between the lines of every command.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "ExperimentalWarning") process.stderr.write(`${warning.name}: ${warning.message}\n`);
});
// Whoever reads our output may leave: that ends the writing, not the program.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const terminal: Terminal = {
  arguments: process.argv.slice(2),
  surroundings: {
    variables: process.env,
    platform: process.platform,
    home: homedir(),
    folder: process.cwd(),
    terminal: isatty(2),
  },
  node: process.execPath,
  version,
  interactive: isatty(0) && isatty(1),
  out: (line) => void process.stdout.write(`${line}\n`),
  error: (line) => void process.stderr.write(`${line}\n`),
  ask: async (question) => {
    const { createInterface } = await import("node:readline");
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await new Promise((resolve) => {
        lines.once("close", () => resolve(null));
        lines.question(question, resolve);
      });
    } finally {
      lines.close();
    }
  },
  input: process.stdin,
  output: process.stdout,
  onStop: (listener) => {
    const onSignal = (signal: string): void => {
      // Ctrl-C reaches the shell as well: its end is no second signal.
      clearInterval(watch);
      listener(signal);
    };
    const watch = setInterval(() => {
      if (parent !== 0 && process.ppid !== parent) onSignal("the end of npm");
    }, parentEveryMs).unref();
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
    return () => {
      clearInterval(watch);
      process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
    };
  },
  onBug: (listener) => {
    process.on("uncaughtException", listener).on("unhandledRejection", listener);
  },
  exit: (code) => process.exit(code),
};

process.exitCode = await runCommandLine(terminal);
