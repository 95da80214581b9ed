/**
 * Commands that an agent has run for it: in the working folder, without a shell unless that is allowed, in this process's group, so that they
 * end with the bot. Only the end of what they write is kept.
 *
 * running --exit | kill--> ended; running | ended --release--> forgotten.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { endTree } from "./acp-leftovers.ts";
import type { FolderFiles } from "./acp-files.ts";
import { FileRefusal } from "./acp-files.ts";

const most = 32;
const outputLimit = 256 * 1024;
/** After a command's exit, its last output may take so long. */
const outputMs = 200;

export interface TerminalWanted {
  sessionId: string;
  command: string;
  args?: readonly string[];
  env?: readonly { name: string; value: string }[];
  cwd?: string | null;
  outputByteLimit?: number | null;
}

interface Exit {
  exitCode: number | null;
  signal: string | null;
}

interface Terminal {
  session: string;
  child: ChildProcess;
  output: string;
  truncated: boolean;
  limit: number;
  exit: Exit | null;
  exited: Promise<Exit>;
}

export class Terminals {
  readonly #open = new Map<string, Terminal>();
  readonly #files: FolderFiles;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #shell: boolean;

  constructor(files: FolderFiles, folder: string, env: Record<string, string>, shell: boolean) {
    this.#files = files;
    this.#folder = folder;
    this.#env = env;
    this.#shell = shell;
  }

  /** @throws FileRefusal */
  async create({ sessionId, command, args = [], env = [], cwd, outputByteLimit }: TerminalWanted): Promise<string> {
    if (this.#open.size >= most) throw new FileRefusal(`There are ${most} terminals already: release one`);
    if ([command, ...args].some((word) => word.includes("\0"))) throw new FileRefusal("A command must not have a NUL character");
    const folder = cwd ? await this.#files.place(cwd) : this.#folder;
    const shell = this.#shell && args.length === 0;
    const child = spawn(shell ? "/bin/sh" : command, shell ? ["-c", command] : args, {
      cwd: folder,
      env: { ...this.#env, ...Object.fromEntries(env.map(({ name, value }) => [name, value])) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const started = new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error: NodeJS.ErrnoException) => {
        const hint = this.#shell ? "" : "; commands are run without a shell: the program in `command`, each argument in `args`";
        reject(new FileRefusal(`The command could not be started (${error.code ?? error.message})${hint}`));
      });
    });
    const exited = new Promise<Exit>((resolve) => {
      child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
      // What it has left running may hold its output open for ever.
      child.once("exit", (exitCode, signal) => setTimeout(() => resolve({ exitCode, signal }), outputMs));
    });
    const limit = Math.min(Math.max(outputByteLimit ?? outputLimit, 0), outputLimit);
    const terminal: Terminal = { session: sessionId, child, output: "", truncated: false, limit, exit: null, exited };
    void exited.then((exit) => (terminal.exit = exit));
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => keep(terminal, text));
    await started;
    const id = `terminal-${randomUUID()}`;
    this.#open.set(id, terminal);
    return id;
  }

  /** A session sees its own terminals only. @throws FileRefusal */
  #find(id: string, session: string): Terminal {
    const terminal = this.#open.get(id);
    if (terminal?.session !== session) throw new FileRefusal(`There is no terminal "${id.slice(0, 100)}"`);
    return terminal;
  }

  output(id: string, session: string): { output: string; truncated: boolean; exitStatus: Exit | null } {
    const { output, truncated, limit, exit } = this.#find(id, session);
    const kept = endOf(output, limit);
    return { output: kept, truncated: truncated || kept.length < output.length, exitStatus: exit };
  }

  /** For people; empty when there is none. */
  shown(id: string): string {
    return this.#open.get(id)?.output ?? "";
  }

  exit(id: string, session: string): Promise<Exit> {
    return this.#find(id, session).exited;
  }

  kill(id: string, session: string): void {
    end(this.#find(id, session));
  }

  release(id: string, session: string): void {
    end(this.#find(id, session));
    this.#open.delete(id);
  }

  /** Ends what a session has running: nobody is going to ask for it again. */
  endOf(session: string): void {
    for (const [id, terminal] of this.#open) if (terminal.session === session) this.release(id, session);
  }
}

/** Cut now and then, so that a command that writes much costs little. */
function keep(terminal: Terminal, text: string): void {
  terminal.output += text;
  if (terminal.output.length <= 2 * outputLimit) return;
  terminal.truncated = true;
  terminal.output = terminal.output.slice(-outputLimit);
}

/** The last `limit` bytes, not cut within a character. */
function endOf(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  let start = Math.max(0, bytes.length - limit);
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return start === 0 ? text : bytes.subarray(start).toString();
}

function end({ child, exit }: Terminal): void {
  if (exit || child.pid === undefined) return;
  endTree(child.pid);
}
