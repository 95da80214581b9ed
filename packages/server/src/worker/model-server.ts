/**
 * The connection to one model server: kept open between turns, no redirects, no cookies, no proxies.
 * `getBuiltinModule` and not `import`: the module facade of `node:http` reads every export, which loads fetch and its 15 MB.
 */
import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { explainError } from "./model-failure.ts";

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

export function modelServer(address: string, headers: Record<string, string>, probePath: string): ModelServer {
  const base = new URL(address);
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
      const request = http.get(probeUrl, { agent: false, headers }, (response) => {
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
        { method: "POST", agent, headers: { ...headers, "content-type": "application/json", "content-length": length } },
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
