/**
 * A coding agent for tests: speaks the Agent Client Protocol over its standard input and output, and misbehaves when it is told to.
 *
 * | text | what it does |
 * |---|---|
 * | anything else | streams "You said: " and the text, word by word |
 * | `/history` | answers with what it knows of its session, as JSON |
 * | `/slow [pieces] [ms]` | streams so many pieces, so far apart; can be cancelled |
 * | `/crash [times] [pieces]` | streams pieces, then its process ends with code 1, the first so many times that a session gets this text |
 * | `/hang`, `/open-tool` | does nothing until it is cancelled; the second has a tool running meanwhile |
 * | `/ignore-cancel` | never ends, whatever it is told |
 * | `/permission [kind]` | asks for permission, answers with the outcome |
 * | `/tool`, `/plan`, `/thought`, `/commands` | reports such a thing, then answers |
 * | `/garbage [bytes]` | writes lines that are no messages, then answers |
 * | `/huge [bytes]`, `/huge-tool [bytes]` | an answer, a tool's input, of so many bytes in one message |
 * | `/children` | starts a child in its process group and one outside of it, answers with their pids |
 * | `/read "path"`, `/write ["path", "text"]` | asks the client to, answers with what came of it |
 * | `/terminal {"command", "args", "cwd", "limit", "end": "kill" or "leave"}` | has the client run a command, answers with what came of it |
 * | `/environment`, `/where` | answers with the names of its variables; its pid and folder |
 * | `/session` | answers with the session's mode and tool servers, and how many sessions are open |
 * | `/flood [megabytes]` | streams so much |
 * | `/empty`, `/refuse`, `/max-tokens`, `/error [code] [message]` | ends its turn like that |
 *
 * How it begins is said by its arguments: see `settings.ts`.
 */
import type { AgentContext, ContentBlock, StopReason } from "@agentclientprotocol/sdk";
import { agent, methods, ndJsonStream, RequestError } from "@agentclientprotocol/sdk";
import { existsSync, writeFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import type { Work } from "./commands.ts";
import { actions, say } from "./commands.ts";
import type { AgentSession } from "./sessions.ts";
import { RememberedSessions } from "./sessions.ts";
import { settingsFrom } from "./settings.ts";

const settings = settingsFrom(process.argv.slice(2));
const sessions = new RememberedSessions(settings.sessions);

function mustBeSignedIn(what: "session" | "prompt"): void {
  if (settings.signedIn === "" || settings.refuses !== what || existsSync(settings.signedIn)) return;
  process.stderr.write(`refused a ${what}\n`);
  throw RequestError.authRequired();
}

async function answer(session: AgentSession, prompt: readonly ContentBlock[], client: AgentContext): Promise<StopReason> {
  if (prompt.some((block) => block.type !== "text")) {
    await say({ session, client, words: [], times: 0, open: 0 }, JSON.stringify(prompt));
    return "end_turn";
  }
  const texts = prompt.map((block) => (block.type === "text" ? block.text : `[${block.type}]`));
  for (const text of texts) session.add("user", text);
  const text = texts.at(-1) ?? "";
  session.cancelled = false;
  const [name = "", ...words] = text.startsWith("/") ? text.slice(1).split(" ") : [];
  const times = session.said.filter((said) => said.role === "user" && said.text === text).length;
  const work: Work = { session, client, words, times, open: sessions.count };
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action) return action(work);
  for (const word of `You said: ${text}`.split(/(?<= )/)) await say(work, word);
  return session.cancelled ? "cancelled" : "end_turn";
}

function recalled(id: string): AgentSession {
  const session = sessions.recall(id);
  if (!session) throw RequestError.resourceNotFound(id);
  return session;
}

agent({ name: "test-agent" })
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: settings.version,
    agentCapabilities: {
      loadSession: settings.offers.includes("load"),
      promptCapabilities: { image: settings.offers.includes("image"), embeddedContext: settings.offers.includes("context") },
      sessionCapabilities: {
        ...(settings.offers.includes("resume") ? { resume: {} } : {}),
        ...(settings.offers.includes("close") ? { close: {} } : {}),
      },
    },
    authMethods:
      settings.signedIn === ""
        ? []
        : [
            { id: "by-hand", name: "By hand" },
            { id: "by-key", name: "By key" },
          ],
  }))
  .onRequest(methods.agent.authenticate, ({ params }) => {
    if (params.methodId !== "by-key" || !process.env["AGENT_KEY"]) throw RequestError.authRequired(undefined, "AGENT_KEY is not set");
    writeFileSync(settings.signedIn, "");
    return {};
  })
  .onRequest(methods.agent.session.new, ({ params }) => {
    mustBeSignedIn("session");
    const session = sessions.begin();
    session.servers = params.mcpServers;
    return { sessionId: session.id };
  })
  .onRequest(methods.agent.session.setMode, ({ params }) => {
    const session = sessions.find(params.sessionId);
    if (params.modeId !== "plan" || !session) throw RequestError.invalidParams();
    session.mode = params.modeId;
    return {};
  })
  .onRequest(methods.agent.session.close, ({ params }) => {
    sessions.close(params.sessionId);
    return {};
  })
  .onRequest(methods.agent.session.load, async ({ params, client }) => {
    const session = recalled(params.sessionId);
    for (const { role, text } of session.said) {
      const sessionUpdate = role === "user" ? "user_message_chunk" : "agent_message_chunk";
      await client.notify(methods.client.session.update, {
        sessionId: session.id,
        update: { sessionUpdate, content: { type: "text", text } },
      });
    }
    return {};
  })
  .onRequest(methods.agent.session.resume, ({ params }) => {
    recalled(params.sessionId);
    return {};
  })
  .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
    mustBeSignedIn("prompt");
    const session = sessions.find(params.sessionId);
    if (!session) throw RequestError.resourceNotFound(params.sessionId);
    return { stopReason: await answer(session, params.prompt, client) };
  })
  .onNotification(methods.agent.session.cancel, ({ params }) => {
    const session = sessions.find(params.sessionId);
    if (!session) return;
    session.cancelled = true;
    session.onCancel();
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>));
