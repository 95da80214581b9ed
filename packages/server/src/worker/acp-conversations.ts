/**
 * The agent's sessions, one for each conversation. A session that is known from an earlier process is taken up again where the agent offers that; what it
 * tells of the past then is nobody's answer, and is dropped with everything else that belongs to no turn.
 */
import type { AgentCapabilities } from "@agentclientprotocol/sdk";
import { methods } from "@agentclientprotocol/sdk";
import { randomUUID } from "node:crypto";
import type { Agent } from "./acp-agent.ts";
import { needsSignIn, sentenceOf } from "./acp-failure.ts";
import type { AcpOptions } from "./acp-options.ts";
import type { KeptSessions } from "./acp-sessions.ts";
import type { Output } from "./output.ts";

/** More sessions than this are closed, longest unused first, where the agent offers that. */
const openLimit = 32;
/** An agent that takes longer for a session hangs; its tool servers may have to start for it. */
const openMs = 120_000;

export interface OpenSession {
  readonly id: string;
  /** It knows nothing of the conversation yet. */
  fresh: boolean;
  kept: boolean;
  busy: boolean;
}

export interface SessionParts {
  agent: Agent;
  keep: KeptSessions;
  options: Pick<AcpOptions, "mcpServers" | "mode">;
  folder: string;
  output: Output;
  /** A session was closed that nobody had used for long. */
  closed: (session: string) => void;
}

export class AgentSessions {
  readonly #agent: Agent;
  readonly #keep: KeptSessions;
  readonly #options: Pick<AcpOptions, "mcpServers" | "mode">;
  readonly #folder: string;
  readonly #output: Output;
  readonly #closed: (session: string) => void;
  /** This process among the bot's workers. */
  readonly #by = randomUUID();
  /** Longest unused first. `basis`: what was kept when it was opened. */
  readonly #open = new Map<string, { opening: Promise<OpenSession>; basis: string }>();
  /** Those of them that are open, in the same order. */
  readonly #ready = new Map<string, OpenSession>();
  #spare: string | null = null;

  constructor({ agent, keep, options, folder, output, closed }: SessionParts) {
    this.#agent = agent;
    this.#keep = keep;
    this.#options = options;
    this.#folder = folder;
    this.#output = output;
    this.#closed = closed;
  }

  /** Another worker may have gone on with the conversation: then this one's session is taken up anew. @throws what the agent answers */
  async of(conversation: string): Promise<OpenSession> {
    const kept = this.#keep.get(conversation);
    const basis = kept ? `${kept.by} ${kept.session}` : "";
    let known = this.#open.get(conversation);
    if (!known || (kept !== null && kept.by !== this.#by && known.basis !== basis)) {
      known = { opening: this.#limited(kept ? this.#takeUp(kept.session) : this.#begin()), basis };
      known.opening.catch(() => this.forget(conversation));
    }
    this.#open.delete(conversation);
    this.#open.set(conversation, known);
    const session = await known.opening;
    this.#ready.delete(conversation);
    this.#ready.set(conversation, session);
    this.#closeUnused();
    return session;
  }

  /** Called when the agent has shown that it works in it: only then a later process finds something there. */
  keep(conversation: string, session: OpenSession): void {
    session.fresh = false;
    if (session.kept) return;
    session.kept = true;
    try {
      this.#keep.set(conversation, { session: session.id, by: this.#by });
    } catch (error) {
      this.#log(`The session's name could not be kept: ${sentenceOf(error)}`);
    }
  }

  /** The agent does not know it any more, or may not. */
  forget(conversation: string): void {
    this.#open.delete(conversation);
    this.#ready.delete(conversation);
  }

  drop(conversation: string): void {
    this.forget(conversation);
    this.#keep.delete(conversation);
  }

  /** Opens a session for the next conversation that needs one. @throws what the agent answers */
  async probe(): Promise<void> {
    this.#spare ??= (await this.#limited(this.#new())).id;
  }

  async #takeUp(id: string): Promise<OpenSession> {
    const way = wayBack(this.#agent.capabilities);
    if (way !== null) {
      try {
        await this.#agent.rpc.request(methods.agent.session[way], { sessionId: id, cwd: this.#folder, mcpServers: this.#servers });
        await new Promise((resolve) => setImmediate(resolve));
        await this.#setMode(id);
        return { id, fresh: false, kept: false, busy: false };
      } catch (error) {
        if (needsSignIn(error) || this.#agent.over) throw error;
        this.#log(`The agent could not take up its session, a new one is begun: ${sentenceOf(error)}`);
      }
    }
    return this.#begin();
  }

  async #begin(): Promise<OpenSession> {
    const spare = this.#spare;
    this.#spare = null;
    return spare === null ? this.#new() : { id: spare, fresh: true, kept: false, busy: false };
  }

  async #new(): Promise<OpenSession> {
    const { sessionId } = await this.#agent.rpc.request(methods.agent.session.new, { cwd: this.#folder, mcpServers: this.#servers });
    await this.#setMode(sessionId);
    return { id: sessionId, fresh: true, kept: false, busy: false };
  }

  async #setMode(sessionId: string): Promise<void> {
    const { mode } = this.#options;
    if (mode !== "") await this.#agent.rpc.request(methods.agent.session.setMode, { sessionId, modeId: mode });
  }

  get #servers() {
    return this.#options.mcpServers as never[];
  }

  #limited<T>(opening: Promise<T>): Promise<T> {
    const limit = setTimeout(() => this.#agent.giveUp(`it did not open a session within ${openMs / 1000} s`), openMs);
    return opening.finally(() => clearTimeout(limit));
  }

  #closeUnused(): void {
    if (!this.#agent.capabilities.sessionCapabilities?.close) return;
    for (const [conversation, session] of this.#ready) {
      if (this.#ready.size <= openLimit) return;
      if (session.busy || !session.kept) continue;
      this.forget(conversation);
      this.#closed(session.id);
      this.#agent.rpc
        .request(methods.agent.session.close, { sessionId: session.id })
        .catch((error: unknown) => this.#log(`The agent could not close a session: ${sentenceOf(error)}`));
    }
  }

  #log(text: string): void {
    this.#output.write({ type: "log", level: "warn", text });
  }
}

/** To resume is better than to load, which tells the whole past again. */
export const wayBack = ({ loadSession, sessionCapabilities }: AgentCapabilities): "resume" | "load" | null =>
  sessionCapabilities?.resume ? "resume" : loadSession ? "load" : null;
