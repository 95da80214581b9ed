/**
 * Finds model servers on this machine, when somebody asks. Nothing of the question decides where is looked: the places are fixed, or named by
 * the owner's own environment.
 */
import type { Time } from "../time.ts";
import { type FoundServer, listPath, type Place, serverFrom } from "./model-server-places.ts";

export interface FoundModels {
  servers: FoundServer[];
  /** Where Ollama was looked for, for those who have it elsewhere. */
  ollamaUrl: string;
}

export interface ModelFinderOptions {
  /** Asked each time: the own port is known only after the start. */
  places: () => readonly Place[];
  time: Pick<Time, "now" | "after">;
}

const answerMs = 1000;
const keptMs = 3000;
const longestAnswer = 1024 * 1024;

/** The answer counts for three seconds, and those who ask meanwhile share it. Never rejects; takes a second at most. */
export function modelFinder({ places, time }: ModelFinderOptions): () => Promise<FoundModels> {
  let kept: { at: number; found: Promise<FoundModels> } | null = null;
  const look = async (): Promise<FoundModels> => {
    const all = places();
    const found = await Promise.all(all.map(async (place) => serverFrom(place, await listAt(place, time))));
    return { servers: found.filter((server) => server !== null), ollamaUrl: all.find(({ kind }) => kind === "ollama")?.url ?? "" };
  };
  return () => {
    if (!kept || time.now() - kept.at >= keptMs) kept = { at: time.now(), found: look() };
    return kept.found;
  };
}

/** @returns the answer as JSON; null when there is none that can be read. No redirects are followed. */
function listAt(place: Place, time: Pick<Time, "after">): Promise<unknown> {
  // Not `import`: see http/control.ts.
  const http = process.getBuiltinModule(place.url.startsWith("https:") ? "node:https" : "node:http");
  return new Promise((resolve) => {
    const request = http.get(place.url + listPath(place), { agent: false, headers: { accept: "application/json" } }, (response) => {
      const pieces: Buffer[] = [];
      let length = 0;
      response.on("data", (piece: Buffer) => {
        length += piece.length;
        if (length > longestAnswer) request.destroy();
        else pieces.push(piece);
      });
      response.on("error", () => {});
      response.on("end", () => end(response.statusCode === 200 ? parsed(Buffer.concat(pieces).toString("utf8")) : null));
    });
    const forget = time.after(answerMs, () => request.destroy());
    const end = (answer: unknown): void => {
      forget();
      resolve(answer);
    };
    request.on("error", () => {});
    request.on("close", () => end(null));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
