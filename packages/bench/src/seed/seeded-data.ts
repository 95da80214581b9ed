/** A data folder with many messages that belong to the owner of a bearer token, made once and shared by the benchmarks of a run. */
import { join } from "node:path";
import { once } from "node:events";
import type { ServerMessage } from "@skep/protocol";
import { WebSocket } from "ws";
import { createToken, startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import { temporaryFolder } from "../program/temporary-folder.ts";
import { seedFolder, type Seeded } from "./seed-folder.ts";

export interface SeededData extends Seeded {
  data: string;
  token: string;
  bot: string;
  remove(): Promise<void>;
}

const bot = "seeded";
const made = new Map<number, Promise<SeededData>>();

export function seededData(messages: number, say: (line: string) => void): Promise<SeededData> {
  let data = made.get(messages);
  if (!data) made.set(messages, (data = makeSeededData(messages, say)));
  return data;
}

export async function removeSeededData(): Promise<void> {
  for (const data of made.values()) await (await data.catch(() => null))?.remove();
}

async function makeSeededData(messages: number, say: (line: string) => void): Promise<SeededData> {
  const home = await temporaryFolder("skep-seeded-");
  const data = join(home.path, "data");
  const skep = await startSkep({ data });
  const token = await createToken(data);
  const api = skepApi(skep.url, token);
  await api.createBot({ name: bot, kind: "echo" });
  api.close();
  const person = await personOf(skep.url, token);
  await skep.stop();
  const began = performance.now();
  const seeded = await seedFolder({ data, person, bot, messages, say });
  say(`${messages} messages in ${Math.round((performance.now() - began) / 1000)} s`);
  return { ...seeded, data, token, bot, remove: () => home.remove() };
}

async function personOf(url: string, token: string): Promise<string> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers: { authorization: `Bearer ${token}` } });
  const [data] = (await once(socket, "message")) as [Buffer];
  socket.terminate();
  const frame = JSON.parse(data.toString()) as ServerMessage | ServerMessage[];
  const hello = (Array.isArray(frame) ? frame : [frame]).find((message) => message.type === "hello");
  if (!hello) throw new Error("the first frame has no hello");
  return hello.person;
}
