/**
 * The REST door and the page. Thin: a request is held against the host and origin rules, the person and the schemas of its route; then
 * one call, and the answer is encoded. Does not listen: server.ts does, and tests inject.
 */
import type { TLSSocket } from "node:tls";
import { Refusal } from "@skep/protocol/errors";
import { limits, parseWith } from "@skep/protocol";
import Fastify from "fastify";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Access, SignedIn } from "../access/access.ts";
import { controlCredential } from "../access/access.ts";
import { AddressRates } from "../access/address-rates.ts";
import type { Caller } from "../access/caller.ts";
import { callerOf, trustedProxies } from "../access/caller.ts";
import { checkAct, checkHost, checkOrigin, checkRead } from "../access/origin.ts";
import { mustBeAllowed, owner } from "../access/permission.ts";
import type { FleetApi } from "../bots/api.ts";
import type { Config } from "../config.ts";
import type { ConversationsApi } from "../conversations/api.ts";
import type { FilesApi } from "../files/api.ts";
import type { Log } from "../log.ts";
import type { FoundModels } from "../operations/found-models.ts";
import type { Address } from "../own-address.ts";
import { ownName, ownUrl } from "../own-address.ts";
import type { Assets } from "./assets.ts";
import type { Certificate } from "./certificate.ts";
import type { EventStreams } from "./event-stream.ts";
import { eventStreamType } from "./event-stream.ts";
import { isControl } from "./control.ts";
import { answerBrokenRequest, checkHead, createServer } from "./hardened.ts";
import { MalformedJson, parseJsonBody } from "./json-body.ts";
import { openApiOf } from "./open-api.ts";
import { bug, problemOf, problemType, refusalOf } from "./problem.ts";
import type { Method, Route } from "./route.ts";
import { anyType, bytes, nobody } from "./route.ts";
import { botRoutes } from "./routes/bots.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { fileRoutes } from "./routes/files.ts";
import { foundRoutes } from "./routes/found.ts";
import { messageRoutes } from "./routes/messages.ts";
import type { Readiness } from "./routes/operations.ts";
import { operationRoutes } from "./routes/operations.ts";
import type { OverviewApi } from "./routes/overview.ts";
import { overviewRoutes } from "./routes/overview.ts";
import { permissionRoutes } from "./routes/permissions.ts";
import { searchRoutes } from "./routes/search.ts";
import { sessionRoutes } from "./routes/session.ts";
import { encryptedHeaders, securityHeaders } from "./security-headers.ts";

export interface HttpParts {
  conversations: ConversationsApi;
  streams: EventStreams;
  fleet: FleetApi;
  files: FilesApi;
  access: Access;
  config: Pick<Config, "port"> & Address;
  /** For TLS; null: in plain text. */
  certificate: Certificate | null;
  log: Log;
  assets: Assets;
  version: string;
  now: () => number;
  ready: () => Readiness;
  /** In Prometheus' text format. */
  metrics: () => Promise<string>;
  /** Looks for model servers on this machine. Never rejects. */
  findModels: () => Promise<FoundModels>;
  overview: OverviewApi;
  /** Makes a new sign-in link for an address such as http://127.0.0.1:8000. */
  newLink: (url: string) => Promise<{ url: string; expiresAt: number }>;
}

export interface Http {
  app: FastifyInstance;
  /** The address people use; with the port that is really listened on. */
  url: () => string;
  port: () => number;
  /** The checks that come before everything else, for the WebSocket door. @throws Refusal `host_refused`, `origin_refused` */
  checkUpgrade: (request: FastifyRequest["raw"]) => void;
  /** Who is at the other end, as far as the way shows. */
  whoCalls: (request: FastifyRequest["raw"]) => Caller;
  /** Who asks; null for someone unknown. */
  identify: (request: FastifyRequest["raw"]) => SignedIn | null;
}

/** Of a body that was refused. */
const readOutBytes = 32 * 1024 * 1024;
export const bodyLimit = limits.frameBytes;
/** Requests of one address that nobody stands behind; the page's own files do not count. */
const unknownPerMinute = 100;
const assetPaths = ["/", "/assets/*", "/icons/*", "/skep.svg", "/theme.js", "/manifest.webmanifest", "/service-worker.js"];
const nothing = z.strictObject({});
const controlPerson: SignedIn = { ...owner, credential: controlCredential };

export function createHttp(parts: HttpParts): Http {
  const { access, assets, certificate, config, log } = parts;

  const port = (): number => {
    const address = app.server.address();
    return address !== null && typeof address === "object" ? address.port : config.port;
  };
  const url = (): string => ownUrl(config, port());
  const trusted = trustedProxies(config.trustProxy);
  const whoCalls = (request: FastifyRequest["raw"]): Caller =>
    callerOf(
      {
        remote: request.socket.remoteAddress ?? "",
        encrypted: (request.socket as Partial<TLSSocket>).encrypted === true,
        forwardedFor: request.headers["x-forwarded-for"]?.toString(),
        forwardedProto: request.headers["x-forwarded-proto"]?.toString(),
      },
      trusted,
    );
  const checkedHost = (request: FastifyRequest["raw"]): void => {
    const allowedHosts = [...config.allowedHosts, ownName(config, port())];
    if (checkHost(request.headers.host, { port: port(), allowedHosts }) === null) return;
    throw new Refusal("host_refused", "Open this server by its own address, or name this host with --allowed-hosts.");
  };
  const checkedWay = ({ exposed }: Caller): void => {
    if (exposed) throw new Refusal("not_allowed", "Come through this server's proxy: what goes past it is not encrypted.");
  };
  const checkedOrigin = ({ headers, method }: FastifyRequest["raw"], caller: Caller, page: boolean): void => {
    const reads = method === "GET" || method === "HEAD" || method === "OPTIONS";
    const refused = reads ? checkRead(headers, caller, page) : checkAct(headers, caller);
    if (refused === "header_missing") throw new Refusal("origin_refused", "A request with the cookie needs the header Skep-Request: 1");
    if (refused !== null) throw new Refusal(refused);
  };
  const identify = (request: FastifyRequest["raw"]): SignedIn | null =>
    isControl(request) ? controlPerson : access.authenticate(request.headers);

  const unknownRates = new AddressRates(unknownPerMinute, parts.now);
  /** Who asks, found once. @throws Refusal `busy` for somebody unknown who asks too often */
  const admit = (request: FastifyRequest, { address }: Caller): void => {
    const person = identify(request.raw);
    if (person) return void people.set(request.raw, person);
    if (assetPaths.includes(request.routeOptions.url ?? "")) return;
    const retryAfterMs = unknownRates.take(address);
    if (retryAfterMs !== null) {
      throw new Refusal("busy", `Without signing in, ${unknownPerMinute} requests a minute are answered`, { retryAfterMs });
    }
  };

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    // Who hangs up in the middle of a body hears no answer, and is no bug of ours.
    const hungUp = request.raw.readableAborted;
    const refusal = hungUp ? new Refusal("json_malformed", "The request ended before it was whole") : refusalOf(error, bodyLimit);
    const route = `${request.method} ${request.routeOptions?.url ?? ""}`;
    if (!refusal) log.error("request-failed", { route, error });
    else if (refusal instanceof MalformedJson) log.info("body-malformed", { route, error: refusal.cause });
    else if (refusal.status >= 500) log.warn("request-failed", { route, code: refusal.code });
    const problem = problemOf(refusal ?? bug());
    if (problem.retryAfterMs !== undefined) reply.header("retry-after", String(Math.ceil(problem.retryAfterMs / 1000)));
    if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="skep"');
    // After a body that was not read to its end, the rest of the connection cannot be understood.
    if (problem.code === "body_too_large") reply.header("connection", "close");
    reply
      .code(problem.status)
      .headers(securityHeaders)
      .header("cache-control", "no-store")
      .type(problemType)
      .send(Buffer.from(JSON.stringify(problem)));
  }

  const app = Fastify({
    logger: false,
    bodyLimit,
    serverFactory: (handle) => createServer(certificate, handle),
    forceCloseConnections: "idle",
    return503OnClosing: false,
    // Requests are checked by the route table; the compilers that would be loaded for nothing take 10 MB.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    // Names that are too long get the answer that names the rule, not a 404.
    routerOptions: { maxParamLength: 8192 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => answerError(error, request as FastifyRequest, reply as FastifyReply),
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_request: FastifyRequest, body: Buffer) =>
    parseJsonBody(body),
  );

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(securityHeaders);
    const caller = whoCalls(request.raw);
    callers.set(request.raw, caller);
    if (caller.secure) reply.headers(encryptedHeaders);
    if (!isControl(request.raw)) {
      checkHead(request.raw);
      checkedWay(caller);
      checkedHost(request.raw);
      checkedOrigin(request.raw, caller, request.routeOptions.url === "/");
    }
    admit(request, caller);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply));

  let described: string | null = null;
  const routes: Route[] = [
    ...botRoutes(parts),
    ...foundRoutes(parts.findModels),
    ...conversationRoutes(parts.conversations),
    ...messageRoutes(parts.conversations, parts.streams),
    ...fileRoutes(parts.files),
    ...permissionRoutes(parts.conversations),
    ...searchRoutes(parts.conversations),
    ...sessionRoutes({ access, now: parts.now, newLink: () => parts.newLink(url()) }),
    ...overviewRoutes({ fleet: parts.fleet, overview: parts.overview }),
    ...operationRoutes({
      fleet: parts.fleet,
      version: parts.version,
      startedAt: parts.now(),
      url,
      ready: parts.ready,
      metrics: parts.metrics,
      openApi: () => (described ??= JSON.stringify(openApiOf(routes, parts.version))),
    }),
  ];
  for (const route of routes) if (route.body !== bytes) addRoute(app, route);
  void app.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    // A media type that is none counts as not given: the bytes are taken all the same.
    raw.addHook("preParsing", async ({ headers }) => {
      if (!/^[\w.+-]+\/[\w.+-]+/.test(headers["content-type"] ?? "")) delete headers["content-type"];
    });
    raw.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    for (const route of routes) if (route.body === bytes) addRoute(raw, route);
  });

  const methodsAt = methodTable(routes);
  app.setNotFoundHandler((request, reply) => {
    const path = request.raw.url?.split("?", 1)[0] ?? "";
    const methods = path === "/" || path.startsWith("/assets/") || assets.has(path) ? ["GET"] : methodsAt(path);
    if (methods.includes("GET")) methods.push("HEAD");
    if (methods.length === 0 || methods.includes(request.method)) throw new Refusal("not_found");
    reply.header("allow", methods.join(", "));
    throw new Refusal("method_not_allowed");
  });

  const serveAsset = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const path = request.raw.url?.split("?", 1)[0] ?? "";
    const asset = assets.get(path, /\bgzip\b/.test(request.headers["accept-encoding"] ?? ""));
    if (!asset) throw new Refusal("not_found", path === "/" ? "The page is not built: run `npm run build` and start again." : undefined);
    reply.header("etag", asset.etag).header("cache-control", asset.cacheControl).header("vary", "accept-encoding");
    if (asset.policy !== null) reply.header("content-security-policy", asset.policy).header("x-dns-prefetch-control", "off");
    if (request.headers["if-none-match"]?.includes(asset.etag)) return reply.code(304).send();
    const body = await asset.body();
    if (asset.encoding !== null) reply.header("content-encoding", asset.encoding);
    return reply.type(asset.type).send(body);
  };
  for (const address of assetPaths) app.get(address, serveAsset);

  return {
    app,
    url,
    port,
    identify,
    whoCalls,
    checkUpgrade: (request) => {
      if (isControl(request)) return;
      const caller = whoCalls(request);
      checkHead(request);
      checkedWay(caller);
      checkedHost(request);
      if (checkOrigin(request.headers, caller) !== null) throw new Refusal("origin_refused");
    },
  };
}

function addRoute(app: FastifyInstance, route: Route): void {
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    // An answer without an end has no size that could be told.
    exposeHeadRoute: route.type !== eventStreamType,
    // Before the body is read: someone unknown cannot make the server hold one.
    onRequest: async (request) => {
      if (route.permission === null) return;
      const person = people.get(request.raw);
      if (!person) {
        throw new Refusal("not_signed_in", "Sign in with a link from `skep signin`, or send a token from `skep token create` as a bearer.");
      }
      mustBeAllowed(person, route.permission);
    },
    handler: async (request, reply) => {
      const raw = route.body === bytes;
      const body = raw
        ? request.body
        : route.body === undefined
          ? parseWith(nothing, request.body ?? {})
          : checkedBody(route.body, request.body);
      const answering = route.handler({
        person: people.get(request.raw) ?? nobody,
        caller: callers.get(request.raw) ?? noCaller,
        params: parseWith(route.params ?? nothing, request.params),
        query: parseWith(route.query ?? nothing, request.query),
        body,
        header: (name) => {
          const value = request.headers[name];
          return typeof value === "string" ? value : undefined;
        },
        setHeader: (name, value) => void reply.header(name, value),
      });
      const answer = await (raw ? answering.catch((error: unknown) => readOut(request.raw, error)) : answering);
      reply.code(route.status);
      if (route.type === anyType) return answer === null ? reply.code(304).send() : reply.send(answer);
      reply.header("cache-control", "no-store");
      if (route.status === 204) return reply.send();
      if (route.type !== undefined) return reply.type(route.type).send(answer);
      return reply.type("application/json; charset=utf-8").send(JSON.stringify(answer));
    },
  });
}

/** Who is refused while still sending may hear the answer only when all is sent; too much of it is cut off. @throws the refusal */
async function readOut(request: FastifyRequest["raw"], refusal: unknown): Promise<never> {
  let left = readOutBytes;
  await new Promise<void>((resolve) => {
    if (request.readableEnded || request.destroyed) return resolve();
    request.on("data", (piece: Buffer) => {
      left -= piece.length;
      if (left < 0) resolve();
    });
    for (const end of ["end", "close", "error"]) request.once(end, () => resolve());
  });
  throw refusal;
}

const noCompiler = () => (): never => {
  throw new Error("a route has a fastify schema; the checks belong in the route table");
};

const people = new WeakMap<FastifyRequest["raw"], SignedIn>();
const callers = new WeakMap<FastifyRequest["raw"], Caller>();
const noCaller: Caller = { address: "", secure: false, exposed: false };

function checkedBody(schema: z.ZodType, body: unknown): unknown {
  if (body === undefined) throw new Refusal("field_invalid", "This request needs a JSON body");
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refusal("field_invalid", "The body must be a JSON object");
  }
  return parseWith(schema, body);
}

/** Which methods an address has: for 405. Made when it is first needed. */
function methodTable(routes: readonly Route[]): (path: string) => string[] {
  let table: { pattern: RegExp; method: Method }[] | null = null;
  return (path) => {
    table ??= routes.map(({ path, method }) => ({
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+").replaceAll(".", "\\.")}$`),
      method,
    }));
    return table.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  };
}
