/**
 * A coding agent behind the Agent Client Protocol, version 1 (docs/coding-agents.md): one process of it, one session for each conversation. When the agent's
 * process ends, this one does too, and the controller starts both again: there is one place that decides about restarts.
 */
import type { RequestPermissionOutcome, RequestPermissionRequest, RequestPermissionResponse } from "@agentclientprotocol/sdk";
import { methods } from "@agentclientprotocol/sdk";
import type { ToolPart } from "@skep/protocol/bot";
import { randomUUID } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Agent } from "./acp-agent.ts";
import type { OpenSession } from "./acp-conversations.ts";
import { AgentSessions } from "./acp-conversations.ts";
import { conclude, explainError, needsSignIn, sentenceOf, signInDetail, unknownSession } from "./acp-failure.ts";
import { FolderFiles } from "./acp-files.ts";
import { endLeftovers } from "./acp-leftovers.ts";
import type { AcpOptions } from "./acp-options.ts";
import { acpDefaults } from "./acp-options.ts";
import { ReportedParts, inputText, toolOf } from "./acp-parts.ts";
import { allows, choices, chosen, decided, policyFor } from "./acp-permission.ts";
import type { Program } from "./acp-program.ts";
import { findProgram } from "./acp-program.ts";
import { fileBlocks, promptFor } from "./acp-prompt.ts";
import { KeptSessions } from "./acp-sessions.ts";
import { SignIn } from "./acp-sign-in.ts";
import { Terminals } from "./acp-terminals.ts";
import { bounded } from "./bounded-text.ts";
import type { CreateDriver, Driver } from "./driver.ts";
import { markVariable } from "./mark.ts";
import type { Output } from "./output.ts";
import type { RunningTurn } from "./running-turn.ts";

/** The bot says that it is ready after this time, also when its agent is not: the first turns wait for it then. */
const readyMs = 5000;
const initializeMs = 60_000;
/** Shorter than the controller's patience, after which all turns of this process are lost. */
const cancelMs = 4000;
/** People are told when a session takes longer. */
const slowMs = 2000;
const endMs = 500;
const concurrency = 64;
const titleLimit = 500;
const detailLimit = 16_384;

/** What is needed before the agent can be asked anything. */
interface Working {
  agent: Agent;
  sessions: AgentSessions;
  program: Program;
}

/** A turn that the agent works on. */
interface Prompted {
  turn: RunningTurn;
  parts: ReportedParts;
  session: OpenSession;
  sessions: AgentSessions;
  /** Requests so far. */
  permissions: number;
}

export const createDriver: CreateDriver = async (given, output) => {
  const bot = new AcpBot({ ...acpDefaults, ...given }, output);
  await bot.start();
  setImmediate(() => bot.greeted());
  return bot;
};

class AcpBot implements Driver {
  // A session that could not be taken up needs the conversation; whether it can is known when it is tried.
  readonly context = "history";
  readonly concurrency = concurrency;
  readonly #options: AcpOptions;
  readonly #output: Output;
  /** The server gives one; without it, this process makes its own. */
  readonly #mark = process.env[markVariable] ?? randomUUID();
  readonly #signIn: SignIn;
  readonly #env: Record<string, string>;
  readonly #folder: string;
  readonly #prompted = new Map<string, Prompted>();
  #agent: Agent | null = null;
  #terminals: Terminals | null = null;
  #working: Promise<Working> | null = null;
  #authenticated = false;

  constructor(options: AcpOptions, output: Output) {
    this.#options = options;
    this.#output = output;
    this.#folder = resolve(options.cwd);
    const { NODE_COMPILE_CACHE: _, ...env } = process.env;
    this.#env = { ...(env as Record<string, string>), ...options.set };
    this.#signIn = new SignIn(output, options.checkMs, () =>
      this.#check().catch((error: unknown) => {
        this.#gone(sentenceOf(error));
        return forever();
      }),
    );
    process.on("exit", () => endLeftovers(this.#mark));
    process.on("SIGTERM", () => process.exit(0));
  }

  async start(): Promise<void> {
    const checked = this.#check().then((needed) => {
      if (needed !== null) this.#signIn.need(needed, false);
    });
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((done) => (timer = setTimeout(done, readyMs)));
    try {
      await Promise.race([checked, limit]);
    } finally {
      clearTimeout(timer);
    }
    // Later failures end this process through `#gone`.
    checked.catch((error: unknown) => this.#gone(sentenceOf(error)));
  }

  greeted(): void {
    this.#signIn.announce();
  }

  /** @returns what somebody has to do first, or null. @throws Error when the agent is not one */
  async #check(): Promise<string | null> {
    const problem = this.#launch();
    if (problem !== null || !this.#working) return problem;
    const { agent, sessions, program } = await this.#working;
    const detail = signInDetail(program, agent.authMethods);
    try {
      const { authMethod } = this.#options;
      if (authMethod !== "" && !this.#authenticated) {
        await agent.rpc.request(methods.agent.authenticate, { methodId: authMethod });
        this.#authenticated = true;
      }
      // Whether it is signed in shows when a session is opened; an agent without ways to sign in needs none.
      if (agent.authMethods.length > 0) await sessions.probe();
      return null;
    } catch (error) {
      if (agent.over) return null;
      if (needsSignIn(error)) return detail;
      if (this.#options.authMethod !== "" && !this.#authenticated) return `${detail} It says: ${sentenceOf(error)}`;
      this.#log("warn", `The agent could not open a session: ${sentenceOf(error)}`);
      return null;
    }
  }

  /** Starts the agent, once. @returns what is missing, or null */
  #launch(): string | null {
    if (this.#working) return null;
    const folder = this.#makeFolder();
    if (folder !== null) return folder;
    const program = findProgram(this.#options, { path: this.#env["PATH"] ?? "", folder: process.cwd() });
    if (typeof program === "string") return program;
    const files = new FolderFiles(this.#folder);
    const env = { ...this.#env, [markVariable]: this.#mark };
    const terminals = new Terminals(files, this.#folder, env, this.#options.shell);
    const parts = { program, options: this.#options, folder: this.#folder, env, output: this.#output };
    const agent = new Agent(
      { ...parts, files, terminals },
      {
        update: (session, update) => {
          const prompted = this.#prompted.get(session);
          if (!prompted) return;
          this.#goesOn(prompted);
          prompted.parts.take(update);
        },
        permission: (request) => this.#permission(request),
        gone: (reason) => this.#gone(reason),
      },
    );
    this.#agent = agent;
    this.#terminals = terminals;
    this.#working = this.#initialize(agent, program);
    return null;
  }

  async #initialize(agent: Agent, program: Program): Promise<Working> {
    const limit = setTimeout(() => agent.giveUp(`it did not answer "initialize" within ${initializeMs / 1000} s`), initializeMs);
    try {
      await agent.initialize();
    } catch (error) {
      // Its exit has the better reason, and ends this process.
      if (agent.over) return await forever();
      throw error;
    } finally {
      clearTimeout(limit);
    }
    const keep = new KeptSessions(join(process.cwd(), "sessions"));
    const closed = (session: string): void => this.#terminals?.endOf(session);
    const sessions = new AgentSessions({ agent, keep, options: this.#options, folder: this.#folder, output: this.#output, closed });
    return { agent, program, sessions };
  }

  /** Inside the bot's own folder it is made; elsewhere a name that is wrong should be seen. */
  #makeFolder(): string | null {
    const folder = this.#folder;
    if (folder.startsWith(join(process.cwd(), "/"))) mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return null;
    return `The working folder ${folder} does not exist: make it, or change the option "cwd"`;
  }

  async run(turn: RunningTurn): Promise<void> {
    turn.onCancelRequest = () => turn.failure("Cancelled", false);
    while (!turn.ended) {
      await this.#signIn.pass(turn);
      if (turn.ended) return;
      turn.onCancelRequest = () => turn.failure("Cancelled", false);
      const working = await this.#slowly(turn, this.#working ?? forever(), "The agent is starting");
      const { agent, sessions, program } = working;
      let again: "signed in" | null;
      try {
        const session = await this.#slowly(turn, sessions.of(turn.conversation), "The agent is opening a session");
        if (turn.ended) return;
        again = await this.#prompt(turn, session, working);
      } catch (error) {
        if (agent.over) return forever();
        if (!needsSignIn(error)) {
          const { reason, retry } = explainError(error);
          turn.failure(reason, retry);
          return;
        }
        this.#signIn.need(signInDetail(program, agent.authMethods), false);
        continue;
      }
      if (again === null) return;
      this.#signIn.need(signInDetail(program, agent.authMethods), true);
    }
  }

  async #slowly<T>(turn: RunningTurn, work: Promise<T>, detail: string): Promise<T> {
    let told = false;
    const timer = setTimeout(() => {
      told = true;
      turn.status("loading", detail);
    }, slowMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      if (told) turn.status("running", "It goes on");
    }
  }

  /** @returns "signed in": it is to be prompted again once somebody has signed in; null: the turn has ended */
  async #prompt(turn: RunningTurn, session: OpenSession, { agent, sessions }: Working): Promise<"signed in" | null> {
    const parts = new ReportedParts(turn, (terminal) => this.#terminals?.shown(terminal) ?? "");
    const prompted: Prompted = { turn, parts, session, sessions, permissions: 0 };
    this.#prompted.set(session.id, prompted);
    session.busy = true;
    let limit: NodeJS.Timeout | undefined;
    turn.onCancelRequest = () => {
      void agent.rpc.notify(methods.agent.session.cancel, { sessionId: session.id }).catch(() => {});
      limit = setTimeout(() => agent.giveUp(`it did not stop a cancelled turn within ${cancelMs / 1000} s`), cancelMs);
    };
    try {
      const said = promptFor(turn, session, this.#options.historyTokens);
      const files = turn.files.length === 0 ? [] : fileBlocks(turn.files, agent.capabilities.promptCapabilities ?? {});
      // Some agents refuse an empty text.
      const prompt = turn.text === "" && files.length > 0 ? [...said.slice(0, -1), ...files] : [...said, ...files];
      const { stopReason } = await agent.rpc.request(methods.agent.session.prompt, { sessionId: session.id, prompt });
      await settled();
      this.#goesOn(prompted);
      const end = conclude(stopReason, { said: turn.streamed, did: parts.any, cancelRequested: turn.cancelRequested });
      parts.finish("answer" in end);
      if ("answer" in end) {
        turn.delta(end.answer);
        turn.answer();
      } else {
        turn.failure(end.reason, end.retry);
      }
    } catch (error) {
      await settled();
      if (agent.over) return await forever();
      if (needsSignIn(error) && !parts.any && !turn.cancelRequested) return "signed in";
      if (unknownSession(error)) sessions.drop(turn.conversation);
      parts.finish(false);
      const { reason, retry } = turn.cancelRequested ? { reason: "Cancelled", retry: false } : explainError(error);
      turn.failure(reason, retry);
    } finally {
      clearTimeout(limit);
      session.busy = false;
      this.#prompted.delete(session.id);
    }
    return null;
  }

  /** The agent works: it is signed in, and there is something in its session. */
  #goesOn({ turn, session, sessions }: Prompted): void {
    this.#signIn.fine();
    sessions.keep(turn.conversation, session);
  }

  /** An agent never waits for ever: a policy decides, or people, or the limit of time does. */
  async #permission(request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
    const prompted = this.#prompted.get(request.sessionId);
    if (!prompted || prompted.turn.cancelRequested) return { outcome: { outcome: "cancelled" } };
    const { toolCall, options } = request;
    const part = prompted.parts.tool(toolCall);
    const policy = policyFor(part?.tool ?? toolOf(toolCall.kind), this.#options);
    const outcome = policy === "ask" ? await this.#ask(prompted, request, part) : decided(policy, options);
    if (!allows(outcome, options)) prompted.parts.refused(toolCall.toolCallId);
    return { outcome };
  }

  async #ask(
    prompted: Prompted,
    { toolCall, options }: RequestPermissionRequest,
    part: ToolPart | null,
  ): Promise<RequestPermissionOutcome> {
    if (options.length === 0) return { outcome: "cancelled" };
    const { turn } = prompted;
    const detail = part?.input ?? inputText(toolCall.rawInput);
    const option = await turn.permission({
      id: `permission-${++prompted.permissions}`,
      title: bounded(part?.title ?? toolCall.title ?? "The agent asks for permission", titleLimit),
      ...(detail === "" ? {} : { detail: bounded(detail, detailLimit) }),
      ...(part ? { part: part.id } : {}),
      limitMs: this.#options.permissionMs,
      options: choices(options),
    });
    return turn.cancelRequested || turn.ended ? { outcome: "cancelled" } : chosen(option, options);
  }

  #log(level: "warn" | "error", text: string): void {
    this.#output.write({ type: "log", level, text });
  }

  /** Turns under way are lost with this process, and come again at the next one. */
  #gone(reason: string): void {
    this.#log("error", reason);
    setTimeout(() => process.exit(1), endMs);
    void this.#output.flushed().then(() => process.exit(1));
  }

  async end(): Promise<void> {
    await this.#agent?.end(endMs);
  }
}

const forever = (): Promise<never> => new Promise(() => {});
/** The library hands on messages in later steps than it answers requests in: what came before an answer has been seen after this. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
