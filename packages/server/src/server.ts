import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Server as TlsServer } from "node:tls";
import { Refusal, botCreateSchema } from "@skep/protocol";
import { Access } from "./access/access.ts";
import { UnknownSockets } from "./access/unknown-sockets.ts";
import { newSignInLink, signInLinkAtStart } from "./access/sign-in-link.ts";
import { kinds } from "./bots/kinds/index.ts";
import type { Config } from "./config.ts";
import { Core } from "./core.ts";
import { Assets } from "./http/assets.ts";
import { EventStreams } from "./http/event-stream.ts";
import { openControl } from "./http/control.ts";
import type { CertificateFiles } from "./http/certificate.ts";
import { readCertificate, watchCertificate } from "./http/certificate.ts";
import { createServer, hardened } from "./http/hardened.ts";
import { closeServer, listenToo } from "./http/further-address.ts";
import { createHttp } from "./http/http.ts";
import { securityHeaders } from "./http/security-headers.ts";
import type { Log } from "./log.ts";
import { modelFinder } from "./operations/found-models.ts";
import { listeningHosts } from "./own-address.ts";
import { giveBackIdleMemory } from "./operations/idle-memory.ts";
import { watchLoopDelay } from "./operations/loop-delay.ts";
import { createMetrics } from "./operations/metrics.ts";
import { placesToLook } from "./operations/model-server-places.ts";
import { memoryLimitMb, OverviewKeeper } from "./operations/overview.ts";
import { openDataFolder } from "./store/sqlite/data-folder.ts";
import { SqliteStore } from "./store/sqlite/sqlite-store.ts";
import { realTime } from "./time.ts";
import { BotDoor } from "./ws/bot-door.ts";
import { attachUpgrades } from "./ws/upgrades.ts";
import { WebSocketDoor } from "./ws/websocket.ts";

/** Running attempts get this long to end at a stop (R-G9). */
const stopGraceMs = 3000;

export interface Surroundings {
  /** The program that runs this one. */
  node: string;
  variables: Readonly<Record<string, string | undefined>>;
  version: string;
  log: Log;
}

export interface RunningServer {
  url: string;
  port: number;
  /** For people who have not signed in yet; null when somebody has. */
  signinLink: string | null;
  /** Ends everything in an order that loses nothing. */
  stop(reason: string): Promise<void>;
}

/**
 * Builds the parts and opens the doors, in this order: data folder, store, what was left to do, doors. The only file that knows which parts there are.
 * @throws DataFolderError, SchemaError, or the error of listening, each with a text for people.
 */
export async function startServer(config: Config, { node, variables, version, log }: Surroundings): Promise<RunningServer> {
  const files = certificateFiles(config);
  const certificate = files && readCertificate(files);
  const folder = openDataFolder(config.data);
  const store = await SqliteStore.open(folder, realTime.now, (event, reason) => log.error(event, { reason })).catch((error: unknown) => {
    folder.release();
    throw error;
  });
  const metrics = createMetrics({
    connections: () => door.connections,
    pendingTurns: () => core.conversations.turns.pendingCount,
    activeConversations: () => core.conversations.active.size,
    waitingOperations: () => core.commit.waiting,
    bots: () =>
      core.fleet.list().map(({ name, state, running, queued, processes }) => ({
        name,
        state,
        running,
        queued,
        restarts: processes.reduce((sum, one) => sum + one.restarts, 0),
      })),
  });
  const loopDelay = watchLoopDelay();
  const overview = new OverviewKeeper({
    time: realTime,
    limits: { delayMs: config.alertDelayMs, answerMs: config.alertAnswerMs },
    memoryLimitMb: memoryLimitMb(config.memoryMb),
    onAlert: ({ id }, now) => log.warn(now === "begins" ? "alert-begins" : "alert-ends", { reason: id }),
    sources: {
      connections: () => door.connections,
      waitingOperations: () => ({ used: core.commit.waiting, limit: core.commit.mostWaiting }),
      bots: () => core.fleet.list(),
      placesOf: (bot) => core.fleet.placesOf(bot),
      down: (bot) => core.fleet.down(bot),
      storeBroken: () => core.commit.broken?.message ?? null,
      memory: () => process.memoryUsage.rss(),
      loopDelayMs: () => loopDelay.read(),
      disk: async () => {
        const { bsize, blocks, bavail } = await statfs(folder.path);
        return { size: blocks * bsize, free: bavail * bsize };
      },
    },
  });
  const core: Core = await Core.open({
    store,
    folder: folder.path,
    kinds,
    launch: { node, compileCache: variables["NODE_COMPILE_CACHE"] ?? join(folder.path, "cache"), environment: variables },
    time: realTime,
    messageBytes: config.messageBytes,
    filesBytes: config.filesBytes,
    onFilesError: (reason) => log.error("files-failed", { reason }),
    onError: (event, { turn, conversation, bot, reason }) =>
      log.warn(event, { reason, ...(turn ? { turn } : {}), ...(conversation ? { conversation } : {}), ...(bot ? { bot } : {}) }),
    onClosed: (outcome, milliseconds, bot, sinceAccepted) => {
      metrics.turnEnded(outcome, milliseconds);
      overview.turnEnded(outcome, bot, sinceAccepted);
    },
    onSent: (code) => {
      if (code !== null) return metrics.refused(code);
      metrics.accepted();
      overview.accepted();
    },
    onStored: (ms, operations) => overview.stored(ms, operations),
    // What a bot writes may hold messages: only what Skep itself says about it goes into the log.
    onBotLog: (bot, line) => {
      if (line.source === "skep") log[line.level]("bot-note", { bot, reason: line.text, ...(line.pid === null ? {} : { pid: line.pid }) });
    },
    onStrays: (count) => log.warn("strays-ended", { count }),
    onStoreFailure: (failure) => {
      if (failure.reason === "full") overview.diskIsFull();
      log.error("store-failed", { reason: `${failure.reason}, ${failure.outcome}: ${failure.message}` });
    },
  });
  const access = new Access({ credentials: await store.credentials(), save: (operation) => core.commit.add(operation), now: realTime.now });
  const streams = new EventStreams({
    conversations: core.conversations,
    tick: core.tick,
    isValid: (credential) => access.isValid(credential),
    now: realTime.now,
  });
  let stopping = false;
  const http = createHttp({
    conversations: core.conversations,
    streams,
    fleet: core.fleet,
    files: core.files,
    access,
    config,
    certificate,
    log,
    assets: new Assets(),
    version,
    now: realTime.now,
    ready: () => {
      if (stopping) return { ok: false, reason: "Skep is stopping" };
      return core.commit.broken ? { ok: false, reason: `The store has stopped: ${core.commit.broken.message}` } : { ok: true };
    },
    metrics: () => metrics.text(),
    findModels: modelFinder({
      places: () => placesToLook(variables["OLLAMA_HOST"], Number(new URL(http.url()).port)),
      time: realTime,
    }),
    overview,
    newLink: (url) => newSignInLink(access, folder.path, url),
  });
  const unknown = new UnknownSockets();
  const door = new WebSocketDoor({
    conversations: core.conversations,
    fleet: core.fleet,
    tick: core.tick,
    node: randomUUID().slice(0, 8),
    messageBytes: config.messageBytes,
    messagesPerMinute: config.messagesPerMinute,
    now: realTime.now,
    authenticateToken: (token) => access.authenticateToken(token),
    unknown,
    addressOf: (request) => http.whoCalls(request).address,
    authenticate: http.identify,
    onBug: (error) => log.error("bug", { error }),
  });
  const botDoor = new BotDoor({
    authenticate: (authorization) => access.authenticateBot(authorization),
    authenticateToken: (token) => access.authenticateBotToken(token),
    unknown,
    addressOf: (request) => http.whoCalls(request).address,
    connect: (bot, program) => core.fleet.connect(bot, program),
    now: realTime.now,
  });
  const upgrades = { doors: { "/ws": door, "/bots": botDoor }, check: http.checkUpgrade, headers: securityHeaders };
  access.onEnded((credential) => {
    door.closeCredential(credential);
    streams.closeCredential(credential);
    botDoor.closeCredential(credential);
  });

  const stop = async (reason: string): Promise<void> => {
    stopping = true;
    stopGivingBack();
    stopWatching();
    overview.stop();
    loopDelay.stop();
    log.info("server-stopping", { reason });
    // New requests are refused while those under way end; then nobody is left who could be told anything.
    botDoor.refuse();
    streams.close();
    await door.close();
    const closed = Promise.all([http.app.close(), control?.close(), ...further.map(closeServer)]);
    // Bots elsewhere get the same time as processes to end their work.
    await core.close(stopGraceMs);
    await botDoor.close();
    await closed;
    log.info("server-stopped");
    log.flush();
  };
  let stopGivingBack = (): void => {};
  let stopWatching = (): void => {};
  /** Servers for addresses besides the first. */
  const further: Server[] = [];
  let control: Awaited<ReturnType<typeof openControl>> | undefined;
  try {
    await http.app.ready();
    control = await openControl(folder.path, (request, response) => http.app.routing(request, response));
    attachUpgrades(control.server, upgrades);
    attachUpgrades(http.app.server, upgrades);
    if (config.echoBot && core.fleet.list().length === 0) await core.fleet.add(botCreateSchema.parse({ name: "echo", kind: "echo" }));
    const [first, ...others] = listeningHosts(config);
    await http.app.listen({ host: first, port: config.port });
    for (const host of others) {
      const server = createServer(certificate, (request, response) => http.app.routing(request, response));
      hardened(server);
      attachUpgrades(server, upgrades);
      if (await listenToo(server, host, http.port(), config.port === 0)) further.push(server);
    }
    if (files) stopWatching = watchCertificate(files, () => [http.app.server, ...further] as unknown as TlsServer[], log);
  } catch (error) {
    await stop("could not start");
    throw listeningError(error, config);
  }
  const url = http.url();
  stopGivingBack = giveBackIdleMemory({
    activity: () => core.commit.committed,
    busy: () => core.conversations.turns.pendingCount > 0,
    now: realTime.now,
  });
  overview.run();
  log.info("server-ready", { count: core.recovered.turns });
  if (core.recovered.processes > 0) log.warn("leftovers-ended", { count: core.recovered.processes });
  return { url, port: http.port(), signinLink: await signInLinkAtStart(access, folder.path, url), stop };
}

const certificateFiles = ({ tlsCertificate, tlsKey }: Config): CertificateFiles | null =>
  tlsCertificate === null || tlsKey === null ? null : { certificate: tlsCertificate, key: tlsKey };

function listeningError(error: unknown, { host, port }: Config): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "EADDRINUSE") {
    return new Refusal("state_conflict", `Port ${port} on ${host} is in use. Stop what runs there, or choose another one with --port.`);
  }
  if (code === "EACCES")
    return new Refusal("not_allowed", `Port ${port} may not be opened by this account. Choose one above 1023 with --port.`);
  return error;
}
