import { styleText } from "node:util";
import { callControl } from "./control-client.ts";
import { exitCodes, Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

interface Status {
  version: string;
  url: string;
  startedAt: string;
  ready: boolean;
  reason?: string;
  bots: { total: number; ready: number; failed: number; stopped: number };
}

/** Fails when the server runs but takes no messages, so that scripts can ask. */
export async function printStatus(terminal: Terminal, data: string, asJson: boolean): Promise<void> {
  const status = await callControl<Status>(data, "GET", "/api/status");
  if (asJson) terminal.out(JSON.stringify(status, null, 2));
  else {
    const { total, ready, failed, stopped } = status.bots;
    terminal.out(`Skep ${status.version} at ${styleText("bold", status.url)}, since ${status.startedAt}`);
    terminal.out(status.ready ? styleText("green", "ready") : styleText("red", `not ready: ${status.reason ?? "unknown"}`));
    terminal.out(`${total} bots: ${ready} ready, ${stopped} stopped, ${failed} failed`);
    terminal.out(`data in ${data}`);
  }
  if (!status.ready) throw new Failure("The server takes no messages now.", exitCodes.failed);
}
