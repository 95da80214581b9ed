import { styleText } from "node:util";
import type { Config } from "../config.ts";
import { createLog } from "../log.ts";
import { startServer } from "../server.ts";
import { exitCodes } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** Runs until a signal; a second signal ends it at once, which costs nothing but the grace of running turns (R-G9). */
export async function runServer(terminal: Terminal, config: Config): Promise<void> {
  const log = createLog(config);
  terminal.onBug((error) => {
    // Nobody knows what state the program is in now. Everything accepted is on the disk; the next start goes on from there.
    log.error("bug", { error });
    log.flush();
    terminal.error(`Skep ends because of a bug in it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    terminal.exit(exitCodes.failed);
  });
  const { node, version, surroundings } = terminal;
  const server = await startServer(config, { node, version, variables: surroundings.variables, log }).catch((error: unknown) => {
    log.flush();
    throw error;
  });

  const { url, signinLink } = server;
  if (signinLink === null) terminal.out(`Open ${url} in a browser. To sign in from another one: skep signin`);
  else terminal.out(`Open this link to sign in; it works once, for 15 minutes:\n\n  ${styleText("bold", signinLink)}\n`);
  await new Promise<void>((resolve, reject) => {
    let stopping = false;
    terminal.onStop((signal) => {
      if (stopping) {
        log.flush();
        return terminal.exit(exitCodes.failed);
      }
      stopping = true;
      terminal.error(`Stopping after ${signal}; once more ends it at once.`);
      server.stop(signal).then(resolve, reject);
    });
    // The last line of a start, and always the same, for programs that wait for it: from here on a signal ends it in good order.
    terminal.out(`ready ${url}`);
  });
  log.flush();
}
