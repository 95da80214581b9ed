/**
 * The connection to one model server: kept open between turns, no redirects, no cookies, no proxies. It goes to the host that the bot's
 * definition names and nowhere else, and so does the key: what a server or a model says never becomes an address. Of the addresses that the
 * name has, only those are connected to that it may have (`outbound.ts`), without asking again.
 * `getBuiltinModule` and not `import`: the module facade of `node:http` reads every export, which loads fetch and its 15 MB.
 */
import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { explainError, ModelFailure } from "./model-failure.ts";
import { mayBeAt, serverProblem } from "./outbound.ts";

export interface ModelServer {
  /** For sentences: without path, user or password. */
  readonly origin: string;
  /**
   * Sends a request and gives the head of the answer. `opened` gets the request, to end it early: `destroy` it with a ModelFailure.
   * @throws ModelFailure
   */
  post(path: string, body: string, opened: (request: ClientRequest) => void): Promise<IncomingMessage>;
  /** Is anybody there? One check at a time, however many turns ask. Never rejects. */
  probe(): Promise<boolean>;
}

const probeMs = 2000;

/** All addresses of a name, as the system knows them. */
export type Resolve = (host: string, told: (error: Error | null, found: LookupAddress[]) => void) => void;

const systemResolve: Resolve = (host, told) => process.getBuiltinModule("node:dns").lookup(host, { all: true }, told);

export interface ServerPlace {
  /** May its name be one of a private network? */
  privateNetwork: boolean;
  resolve?: Resolve;
}

/** @throws ModelFailure for an address where no server may be */
export function modelServer(
  address: string,
  headers: Record<string, string>,
  probePath: string,
  { privateNetwork, resolve = systemResolve }: ServerPlace,
): ModelServer {
  const problem = serverProblem(address);
  if (problem !== null) throw new ModelFailure(`The address of the model server ${problem}`, false);
  const base = new URL(address);
  const lookup: LookupFunction = (host, options, told) =>
    resolve(host, (error, found) => {
      if (error) return told(error, "");
      const good = found.filter((one) => mayBeAt(host, one.address, privateNetwork));
      const [first] = good;
      if (!first) return told(elsewhere(host, found), "");
      if (options.all) told(null, good);
      else told(null, first.address, first.family);
    });
  const http = base.protocol === "https:" ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
  const agent: Agent = new http.Agent({ keepAlive: true });
  const urlOf = (path: string): URL => {
    const url = new URL(base);
    url.pathname = base.pathname.replace(/\/+$/, "") + path;
    return url;
  };
  const urls = new Map<string, URL>();
  const probeUrl = urlOf(probePath);
  let probing: Promise<boolean> | null = null;

  const check = (): Promise<boolean> =>
    new Promise((resolve) => {
      // Its own connection: a shared one may be the one that is stuck.
      const request = http.get(probeUrl, { agent: false, headers, lookup }, (response) => {
        response.resume();
        response.on("error", () => {});
        clearTimeout(limit);
        resolve((response.statusCode ?? 500) < 500);
        request.destroy();
      });
      const limit = setTimeout(() => request.destroy(new Error("no answer")), probeMs);
      request.on("error", () => {
        clearTimeout(limit);
        resolve(false);
      });
    });

  const post: ModelServer["post"] = (path, body, opened) =>
    new Promise((resolve, reject) => {
      let url = urls.get(path);
      if (!url) urls.set(path, (url = urlOf(path)));
      let answered = false;
      const length = String(Buffer.byteLength(body));
      const request = http.request(
        url,
        { method: "POST", agent, lookup, headers: { ...headers, "content-type": "application/json", "content-length": length } },
        (response) => {
          answered = true;
          resolve(response);
        },
      );
      opened(request);
      request.on("error", (error: NodeJS.ErrnoException) => {
        // The server closed a kept connection just as it was used again: nothing was answered, so ask once more on a new one.
        if (request.reusedSocket && !answered && error.code === "ECONNRESET") resolve(post(path, body, opened));
        else reject(explainError(error, base.origin, false));
      });
      request.end(body);
    });

  return {
    origin: base.origin,
    post,
    probe: () => (probing ??= check().finally(() => (probing = null))),
  };
}

const elsewhere = (host: string, found: readonly LookupAddress[]): ModelFailure =>
  new ModelFailure(
    `The name ${host} leads to ${found.map(({ address }) => address).join(", ")}, which is not a public address, so nothing was sent; ` +
      'if it is your own server, set the option "privateNetwork" or give its address',
    false,
  );
