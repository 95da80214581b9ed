/**
 * The agent's process and the connection to it. It is started in this process's group, with an environment of named
 * variables and a mark by which whatever it leaves behind is found.
 *
 * starting --initialize answered--> ready --exit | broken output--> ended; starting | ready --end--> ended.
 */
import type {
  AgentCapabilities,
  AuthMethod,
  ClientConnection,
  RequestPermissionRequest,
  RequestPermissionResponse,
  SessionUpdate,
} from "@agentclientprotocol/sdk";
import { client, methods, PROTOCOL_VERSION, RequestError } from "@agentclientprotocol/sdk";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { FolderFiles } from "./acp-files.ts";
import { FileRefusal } from "./acp-files.ts";
import type { AcpOptions } from "./acp-options.ts";
import type { Program } from "./acp-program.ts";
import { messageStream } from "./acp-stream.ts";
import type { Terminals } from "./acp-terminals.ts";
import { bounded } from "./bounded-text.ts";
import { describeExit } from "./describe-exit.ts";
import type { Output } from "./output.ts";

const garbageShown = 200;
/** Between the exit and the end of what it has written. */
const outputMs = 200;
/** Between the end of its output and its exit. */
const exitMs = 1000;

export interface AgentEvents {
  update(session: string, update: SessionUpdate): void;
  permission(request: RequestPermissionRequest): Promise<RequestPermissionResponse>;
  /** Called once, unless it was ended by `end`. */
  gone(reason: string): void;
}

export interface AgentParts {
  program: Program;
  options: AcpOptions;
  /** Absolute. */
  folder: string;
  /** The whole environment of its process. */
  env: Record<string, string>;
  output: Output;
  files: FolderFiles;
  terminals: Terminals;
}

export class Agent {
  capabilities: AgentCapabilities = {};
  authMethods: readonly AuthMethod[] = [];
  readonly #child: ChildProcess;
  readonly #connection: ClientConnection;
  readonly #parts: AgentParts;
  readonly #events: AgentEvents;
  readonly #exited: Promise<void>;
  #over = false;

  constructor(parts: AgentParts, events: AgentEvents) {
    const { program, folder, env, output } = parts;
    this.#parts = parts;
    this.#events = events;
    const child = spawn(program.command, program.args, {
      cwd: folder,
      env,
      // Its error output goes the way of ours, to the bot's log.
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#end(`The agent could not be started: ${error.message}`);
        resolve();
      });
      child.once("exit", (code, signal) => {
        resolve();
        setTimeout(() => this.#end(`The agent ${describeExit(code, signal)}`), outputMs);
      });
      child.once("close", (code, signal) => this.#end(`The agent ${describeExit(code, signal)}`));
    });
    const stream = messageStream(child.stdin, child.stdout, {
      garbage: (line) => output.write({ type: "log", level: "warn", text: `The agent wrote no message: ${bounded(line, garbageShown)}` }),
      broken: (reason) => this.#end(`The agent was ended: ${reason}`),
      drained: () => output.drained(),
    });
    this.#connection = this.#client().connect(stream);
    void this.#connection.closed.then(() => setTimeout(() => this.giveUp("it has closed its output"), exitMs));
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.gone(reason);
  }

  /** Nothing more comes of it, whether or not its end has been seen yet. */
  get over(): boolean {
    return this.#over || this.#connection.signal.aborted;
  }

  /** Serves only what is allowed: for the rest the agent hears that there is no such method. */
  #client() {
    const { options, files, terminals } = this.#parts;
    const app = client({ name: "skep" })
      .onNotification(methods.client.session.update, ({ params }) => this.#events.update(params.sessionId, params.update))
      .onRequest(methods.client.session.requestPermission, ({ params }) => this.#events.permission(params));
    if (options.files !== "none") {
      app.onRequest(methods.client.fs.readTextFile, ({ params }) =>
        refusing(async () => ({ content: await files.read(params.path, params.line, params.limit) })),
      );
    }
    if (options.files === "write") {
      app.onRequest(methods.client.fs.writeTextFile, ({ params }) =>
        refusing(async () => {
          await files.write(params.path, params.content);
          return {};
        }),
      );
    }
    if (!options.terminal) return app;
    return app
      .onRequest(methods.client.terminal.create, ({ params }) => refusing(async () => ({ terminalId: await terminals.create(params) })))
      .onRequest(methods.client.terminal.output, ({ params }) =>
        refusing(async () => terminals.output(params.terminalId, params.sessionId)),
      )
      .onRequest(methods.client.terminal.waitForExit, ({ params }) =>
        refusing(async () => terminals.exit(params.terminalId, params.sessionId)),
      )
      .onRequest(methods.client.terminal.kill, ({ params }) =>
        refusing(async () => {
          terminals.kill(params.terminalId, params.sessionId);
          return {};
        }),
      )
      .onRequest(methods.client.terminal.release, ({ params }) =>
        refusing(async () => {
          terminals.release(params.terminalId, params.sessionId);
          return {};
        }),
      );
  }

  get rpc(): ClientConnection["agent"] {
    return this.#connection.agent;
  }

  /** @throws Error with a sentence for people when it speaks another protocol */
  async initialize(): Promise<void> {
    const { options } = this.#parts;
    const answer = await this.rpc.request(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: "skep", version: "1" },
      clientCapabilities: {
        fs: { readTextFile: options.files !== "none", writeTextFile: options.files === "write" },
        terminal: options.terminal,
      },
    });
    if (answer.protocolVersion !== PROTOCOL_VERSION) {
      throw new Error(`The agent speaks version ${answer.protocolVersion} of the Agent Client Protocol, Skep version ${PROTOCOL_VERSION}`);
    }
    this.capabilities = answer.agentCapabilities ?? {};
    this.authMethods = answer.authMethods ?? [];
  }

  /** It does what it must not, or not what it must. */
  giveUp(reason: string): void {
    this.#end(`The agent was ended: ${reason}`);
  }

  /** Asks it to end, and waits for that at most `ms`. */
  async end(ms: number): Promise<void> {
    this.#over = true;
    this.#child.stdin?.end();
    this.#child.kill("SIGTERM");
    const limit = new Promise<void>((resolve) => setTimeout(resolve, ms));
    await Promise.race([this.#exited, limit]);
  }
}

/** A refusal that the agent can understand, instead of an internal error. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FileRefusal)) throw error;
    throw new RequestError(error.missing ? -32002 : -32602, error.message);
  }
}
