/** Speaks to the running server over its control socket: no token is needed, who can open the socket is the owner. */
import { createRequire } from "node:module";
import { findControl } from "../http/control.ts";
import type { Problem } from "../http/problem.ts";
import { exitCodes, Failure } from "./failure.ts";

// Not `import`: see http/control.ts.
const { request } = createRequire(import.meta.url)("node:http") as typeof import("node:http");

export interface ControlAnswer {
  status: number;
  type: string;
  text: string;
}

/** No one is there to answer. */
export class NotRunning extends Failure {
  override name = "NotRunning";

  constructor(data: string) {
    super(
      `No server is running with the data folder ${data}. Start it with \`skep start\`, or name the folder of a running one with --data.`,
      exitCodes.notRunning,
    );
  }
}

const absent = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK"]);

/** One request, whatever its answer; a body is sent as JSON, bytes as they are. @throws NotRunning, Failure */
export function askControl(data: string, method: string, path: string, body?: unknown): Promise<ControlAnswer> {
  const socketPath = findControl(data);
  if (socketPath === null) return Promise.reject(new NotRunning(data));
  return new Promise((resolve, reject) => {
    const bytes = body instanceof Uint8Array;
    const payload = body === undefined ? null : bytes ? body : JSON.stringify(body);
    const type = bytes ? "application/octet-stream" : "application/json";
    const sent = request(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: payload === null ? {} : { "content-type": type, "content-length": Buffer.byteLength(payload) },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers["content-type"] ?? "",
            text: Buffer.concat(pieces).toString("utf8"),
          }),
        );
      },
    );
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (absent.has(error.code ?? "")) reject(new NotRunning(data));
      else if (error.code === "EACCES") reject(new Failure(`The data folder ${data} belongs to another account.`));
      else reject(new Failure(`The server did not answer: ${error.message}. If it was just stopped, start it again with \`skep start\`.`));
    });
    sent.end(payload ?? undefined);
  });
}

/** One request, and the JSON of its answer. @throws NotRunning, Failure with what the server said */
export async function callControl<T>(data: string, method: string, path: string, body?: unknown): Promise<T> {
  const { status, text } = await askControl(data, method, path, body);
  const json: unknown = text === "" ? undefined : JSON.parse(text);
  if (status < 400) return json as T;
  const { title, detail, code } = json as Problem;
  throw new Failure(detail === "" ? `${title} (${code})` : detail);
}
