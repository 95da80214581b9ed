import { expect } from "vitest";
import type { Json, StartedServer } from "./started-server.ts";

/** What tests of bots with several workers do again and again. The server may be another one after a restart. */
export function echoBots(get: () => StartedServer) {
  /** Workers whose answers begin with their names. */
  const named = (names: string, weights: readonly number[] = [], options: object = {}): object[] =>
    names.split("").map((name, i) => ({ name, weight: weights[i] ?? 1, options: { ...options, prefix: `${name}:` } }));

  const bot = async (name: string): Promise<Json> => (await get().call("GET", `/api/bots/${name}`)).body;

  /** Asks again until there is something; the bound is for a bug, not for a measurement. */
  async function until<T>(look: () => Promise<T | undefined | false>, ms = 30_000): Promise<T> {
    const end = Date.now() + ms;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > end) throw new Error(`waited ${ms} ms in vain`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const ready = (name: string): Promise<true> =>
    until(async () => (await bot(name)).processes.every((worker: Json) => worker.state === "ready") && true);

  /** An echo bot, when all of its workers are ready. */
  async function add(name: string, fields: object): Promise<void> {
    const { limits, restart, ...rest } = fields as { limits?: object; restart?: object };
    const body = { name, kind: "echo", restart: { maxRestarts: 10_000, ...restart }, limits: { attempts: 100, ...limits }, ...rest };
    const made = await get().call("POST", "/api/bots", body);
    expect(made.body).toMatchObject({ name });
    await ready(name);
  }

  const conversation = async (name: string): Promise<string> => (await get().call("POST", "/api/conversations", { bot: name })).body.id;
  const ask = async (id: string, text = "hi"): Promise<Json> =>
    (await get().call("POST", `/api/conversations/${id}/messages?wait=60`, { text })).body.answer;
  /** The names of the workers that answered, one after the other. */
  async function answerers(id: string, times: number): Promise<string> {
    let names = "";
    for (let i = 0; i < times; i++) names += (await ask(id)).text.slice(0, 1);
    return names;
  }
  const counts = (names: Iterable<string>): Record<string, number> => {
    const all: Record<string, number> = {};
    for (const name of names) all[name] = (all[name] ?? 0) + 1;
    return all;
  };
  const kill = async (name: string, worker: string): Promise<void> => {
    const { pid } = (await bot(name)).processes.find((one: Json) => one.name === worker);
    process.kill(pid, "SIGKILL");
  };
  /** @returns false when it was gone already. */
  function killed(pid: number): boolean {
    try {
      return process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  }
  const drain = (name: string, worker: string, verb = "drain"): ReturnType<StartedServer["call"]> =>
    get().call("POST", `/api/bots/${name}/workers/${worker}/${verb}`);

  return { named, bot, until, ready, add, conversation, ask, answerers, counts, kill, killed, drain };
}
