/**
 * Does a thousand restarts of bots leave anything behind: file handles, memory, processes (R-C10)?
 *
 * Half of them asked for by hand, half by kill -9. The controller is looked at after a tenth of them and after all, each time at rest.
 */
import { readdirSync } from "node:fs";
import { processMemory, processStatus } from "../program/process-status.ts";
import type { FaultRun, Started } from "./fault-run.ts";
import { started, until } from "./fault-run.ts";
import { pidOf } from "./kills.ts";

const bots = 4;
/** The store opens its last files after some of them; that is no growth. */
const messagesBefore = 1200;
/** After 10 s without work the controller gives back what it does not need. A short run, which judges no memory, does not wait for that. */
const restMs = (times: number): number => (times >= 100 ? 13_000 : 2000);
/** The collector gives pages back when it likes; less than this is no growth. */
const memorySlackMiB = 16;
/**
 * What is still in use after a collection is known better; less than this is no growth. Measured with nothing leaked: -0.7 MiB; with 5 kB leaked at each
 * restart, which the pages do not show: 3.8 MiB.
 */
const heapSlackMiB = 2;

interface Look {
  handles: number;
  memoryMiB: number;
  heapMiB: number;
  processes: number;
}

export const restarts: FaultRun = {
  name: "restarts",
  question: "Do a thousand restarts of bots leave anything behind: file handles, memory, processes?",
  times: 1000,
  async run({ times }, say) {
    await using run = await started(bots);
    const { skep, api } = run;
    // The first look at the figures loads what they are made with; that is no growth.
    await heapOf(run);
    const names = Array.from({ length: bots }, (_, index) => `again-${index}`);
    for (const name of names) await api.createBot({ name, kind: "echo", restart: { maxRestarts: 1_000_000 } });
    const conversations = new Map<string, string>();
    for (const name of names) conversations.set(name, (await api.createConversation(name)).id);
    const ask = (name: string): Promise<unknown> =>
      api.call("POST", `/api/conversations/${conversations.get(name) ?? ""}/messages?wait=30`, { text: "hello" });
    for (let index = 0; index < messagesBefore; index++) await ask(names[index % bots] ?? "");
    const last = new Map<string, number>();
    const restart = async (name: string, byHand: boolean): Promise<void> => {
      const pid = await pidOf(api, name, last.get(name) ?? 0);
      last.set(name, pid);
      if (byHand) await api.call("POST", `/api/bots/${name}/restart`);
      else process.kill(pid, "SIGKILL");
      // A bot that is killed before it has answered comes back later and later; one that has answered at once.
      const next = await pidOf(api, name, pid);
      await ask(name);
      last.set(name, next === pid ? pid : 0);
    };
    let done = 0;
    const some = async (until: number): Promise<void> => {
      await Promise.all(
        names.map(async (name) => {
          while (done < until) {
            done++;
            await restart(name, done % 2 === 0);
            if (done % 100 === 0) say(`${done} restarts`);
          }
        }),
      );
    };
    const rest = async (): Promise<Look> => {
      await until("all ready", async () => (await api.bots()).every(({ state }) => state === "ready"));
      await new Promise((resolve) => setTimeout(resolve, restMs(times)));
      return { ...look(skep.pid), heapMiB: await heapOf(run) };
    };
    await some(Math.max(bots, Math.floor(times / 10)));
    const early = await rest();
    await some(times);
    const late = await rest();
    const faults = (await run.stop()) ? [] : ["did not end within 15 s of SIGTERM"];
    return {
      figures: [
        { name: "restarts", value: done, unit: "", better: "higher", must: times },
        { name: "file handles more than after a tenth", value: late.handles - early.handles, unit: "", better: "lower", must: 2 },
        { name: "processes more than after a tenth", value: late.processes - early.processes, unit: "", better: "lower", must: 0 },
        {
          name: "memory more than after a tenth",
          value: late.memoryMiB - early.memoryMiB,
          unit: "MiB",
          better: "lower",
          must: memorySlackMiB,
        },
        { name: "heap more than after a tenth", value: late.heapMiB - early.heapMiB, unit: "MiB", better: "lower", must: heapSlackMiB },
      ],
      faults,
      details: { early, late },
    };
  },
};

/** What of the controller's heap is in use. At rest that is what is left after a collection. */
async function heapOf({ skep, token }: Started): Promise<number> {
  const answer = await fetch(`${skep.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(await answer.text())?.[1]) / 2 ** 20;
}

function look(pid: number): Omit<Look, "heapMiB"> {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return {
    handles: readdirSync(`/proc/${pid}/fd`).length,
    memoryMiB: processMemory(pid)?.rssMiB ?? Number.NaN,
    processes: all.filter((name) => processStatus(Number(name))?.parent === pid).length,
  };
}
