/** Sends malformed frames and requests to the real program, and looks whether it minds: ends, fails, or grows. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { processMemory } from "../program/process-status.ts";
import { createToken, startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import { seededRandom } from "../seeded-random.ts";
import { frameMaker } from "./frames.ts";
import { type Description, requestMaker } from "./requests.ts";

export interface FuzzOptions {
  frames: number;
  requests: number;
  seed: number;
  say?: (line: string) => void;
}

export interface FuzzResult {
  seed: number;
  frames: number;
  requests: number;
  /** Connections that were opened anew, because what was sent ended the one before. */
  connections: number;
  /** How often each status was answered. */
  statuses: Record<string, number>;
  /** Answers with 5xx other than 503, and lines of the log that tell of a bug. */
  failures: string[];
  /** Did it answer a message afterwards, in the same process? */
  alive: boolean;
  /** Resident memory before, at its height, and after it was left in peace; null where the system does not tell. */
  memoryMiB: { before: number; highest: number; after: number } | null;
  seconds: number;
}

const framesAtOnce = 500;
const requestsAtOnce = 50;
/** Code that is compiled and buffers that are kept are there after so many. */
const warmUp = { frames: 5000, requests: 1000 };
/** So long an idle program may take to give memory back. */
const peaceMs = 30_000;

export async function fuzzRun({ frames, requests, seed, say = () => {} }: FuzzOptions): Promise<FuzzResult> {
  const beganAt = performance.now();
  const random = seededRandom(seed);
  await using home = await temporaryFolder("skep-fuzz-");
  const data = join(home.path, "data");
  await using skep = await startSkep({ data });
  const token = await createToken(data, "fuzz");
  const api = skepApi(skep.url, token);
  await api.createBot({ name: "bee", kind: "echo" });
  const { id } = await api.createConversation("bee");
  const description = await api.call<Description>("GET", "/openapi.json");
  const { host, hostname, port } = new URL(skep.url);
  const statuses: Record<string, number> = {};
  const failures: string[] = [];
  let connections = 0;
  const program = { ended: false };
  void skep.exited.then(() => (program.ended = true));

  const makeRequest = requestMaker(description, host, token, random.fork("requests"));
  const sendRequests = async (count: number): Promise<void> => {
    for (let done = 0; done < count && !program.ended;) {
      const batch: Buffer[] = [];
      while (batch.length < Math.min(requestsAtOnce, count - done)) {
        const { bytes, last } = makeRequest();
        batch.push(bytes);
        if (last) break;
      }
      const answered = await pipelined(hostname, Number(port), batch);
      connections++;
      for (const status of answered) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status.startsWith("5") && status !== "503")
          failures.push(`${status} among the answers to:\n${Buffer.concat(batch).toString("latin1").slice(0, 3000)}`);
      }
      // What stands behind one that ended the connection was not read: it is made up for.
      done += Math.max(1, Math.min(batch.length, answered.length));
    }
  };

  const sendFrame = frameMaker(random.fork("frames"), [id]);
  const sendFrames = async (count: number): Promise<void> => {
    let socket: WebSocket | null = null;
    for (let done = 0; done < count && !program.ended;) {
      if (socket?.readyState !== WebSocket.OPEN) {
        socket = new WebSocket(`${skep.url.replace("http", "ws")}/ws`, {
          headers: { authorization: `Bearer ${token}` },
          perMessageDeflate: false,
        });
        socket.on("error", () => {});
        socket.on("message", () => {});
        connections++;
        await Promise.race([once(socket, "open"), once(socket, "close")]).catch(() => {});
        if (socket.readyState !== WebSocket.OPEN) continue;
      }
      const open: WebSocket = socket;
      let sent = 0;
      while (sent < framesAtOnce && done + sent < count && open.readyState === WebSocket.OPEN) {
        sendFrame(open);
        sent++;
      }
      done += sent;
      // All of them are read when this is answered, or the connection has ended.
      await new Promise<void>((resolve) => {
        open.once("pong", resolve).once("close", () => resolve());
        if (open.readyState === WebSocket.OPEN) open.ping();
        else if (open.readyState === WebSocket.CLOSED) resolve();
      });
      open.removeAllListeners("pong").removeAllListeners("close");
    }
    socket?.terminate();
  };

  const rss = (): number | null => processMemory(skep.pid)?.rssMiB ?? null;
  await Promise.all([sendFrames(warmUp.frames), sendRequests(warmUp.requests)]);
  const before = rss();
  let highest = before ?? 0;
  const watch = setInterval(() => (highest = Math.max(highest, rss() ?? 0)), 500);
  const lanes = 4;
  const share = (count: number, lane: number): number => Math.floor(count / lanes) + (lane < count % lanes ? 1 : 0);
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) => [sendFrames(share(frames, lane)), sendRequests(share(requests, lane))]).flat(),
  );
  clearInterval(watch);
  say("all is sent; now it is left in peace");
  let after = rss();
  const bound = (before ?? 0) + 50;
  for (let waited = 0; waited < peaceMs && !program.ended && (after ?? 0) > bound; waited += 500) {
    await delay(500);
    after = Math.min(after ?? 0, rss() ?? 0);
  }

  const alive = !program.ended && (await answers(api).catch(() => false));
  api.close();
  await skep.stop();
  const log = join(home.path, "data.log");
  if (existsSync(log)) {
    for (const line of readFileSync(log, "utf8").split("\n")) {
      if (/"event":"(?:bug|request-failed)"|bug in it/.test(line)) failures.push(line.slice(0, 3000));
    }
  }
  return {
    seed,
    frames,
    requests,
    connections,
    statuses,
    failures,
    alive,
    memoryMiB: before === null || after === null ? null : { before, highest, after },
    seconds: (performance.now() - beganAt) / 1000,
  };
}

async function answers(api: ReturnType<typeof skepApi>): Promise<boolean> {
  await api.createBot({ name: "afterwards", kind: "echo" });
  const { id } = await api.createConversation("afterwards");
  const { answer } = await api.call<{ answer: { text: string } | null }>("POST", `/api/conversations/${id}/messages?wait=30`, {
    text: "still there?",
  });
  return answer?.text === "still there?";
}

/** Writes them one behind the other into one connection. @returns the statuses that came, until all are there or it is hung up on */
function pipelined(host: string, port: number, batch: readonly Buffer[]): Promise<string[]> {
  return new Promise((resolve) => {
    const statuses: string[] = [];
    let rest = "";
    const socket = connect(port, host, () => void socket.write(Buffer.concat(batch)));
    // A request that promises more than it sends is waited for; the program's own limit for that is another test's.
    socket.setTimeout(3000, () => socket.destroy());
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      rest += chunk;
      for (const match of rest.matchAll(/HTTP\/1\.1 (\d{3}) /g)) statuses.push(match[1] ?? "");
      rest = rest.slice(rest.lastIndexOf("HTTP/1.1 ") + 1).slice(-16);
      if (statuses.length >= batch.length) socket.destroy();
    });
    socket.on("error", () => {}).on("close", () => resolve(statuses));
  });
}
