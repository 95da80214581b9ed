/**
 * Do the controller and five bots stay inside 256 MB while they work, and does a bot that takes too much leave the others alone (R-C9)?
 *
 * Memory is the proportional set size of all of them together, looked at every 100 ms. Halfway one bot takes 60 MB more, which is over its limit.
 * `npm run bench -- --only memory-pressure` lets the kernel keep the limit, page cache included.
 */
import type { Bot } from "@skep/protocol";
import { processMemory } from "../program/process-status.ts";
import type { FaultRun } from "./fault-run.ts";
import { started, until } from "./fault-run.ts";

const bots = 5;
const limitMb = 256;

export const pressure: FaultRun = {
  name: "pressure",
  question: "Do the controller and five bots stay inside 256 MB while they work and one of them takes too much?",
  times: 5000,
  async run({ times }, say) {
    await using run = await started();
    const { skep, api } = run;
    const names = (await api.bots()).map(({ name }) => name);
    while (names.length < bots) {
      const name = `working-${names.length}`;
      await api.createBot({ name, kind: "echo", limits: { memoryMb: 50 } });
      names.push(name);
    }
    let atMost = 0;
    let answered = 0;
    const look = async (): Promise<void> => {
      const pids = [
        skep.pid,
        ...(await api.bots()).flatMap(({ processes }) => processes.flatMap(({ pid }) => (pid === null ? [] : [pid]))),
      ];
      const sum = pids.reduce((all, pid) => all + ((processMemory(pid)?.pssMiB ?? 0) * 2 ** 20) / 1e6, 0);
      atMost = Math.max(atMost, sum);
    };
    const done = new AbortController();
    const watch = async (): Promise<void> => {
      while (!done.signal.aborted) {
        await look();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const faults: string[] = [];
    const work = async (name: string): Promise<void> => {
      const { id } = await api.createConversation(name);
      while (answered < times) {
        const { answer } = await api.call<{ answer: { outcome: string } | null }>("POST", `/api/conversations/${id}/messages?wait=60`, {
          text: "How are the bees? ".repeat(20),
        });
        answered++;
        if (answer?.outcome !== "completed") faults.push(`${name}: ${answer?.outcome ?? "no answer"}`);
        if (answered % 1000 === 0) say(`${answered} answers, at most ${Math.round(atMost)} MB`);
      }
    };
    const greedy = async (): Promise<void> => {
      const name = names.at(-1) ?? "";
      await until("halfway", async () => answered >= times / 2, 300_000);
      const { id } = await api.createConversation(name);
      await api.call("POST", `/api/conversations/${id}/messages?wait=60`, { text: "/memory 60" });
      await until("replaced", async () => ((await api.call<Bot>("GET", `/api/bots/${name}`)).processes[0]?.restarts ?? 0) > 0);
    };
    const worked = Promise.all([...names.map(work), greedy()]).finally(() => done.abort());
    await Promise.all([worked, watch()]);
    await run.stop();
    return {
      figures: [
        { name: "answers", value: answered, unit: "", better: "higher", must: times },
        { name: "controller and five bots, at most", value: atMost, unit: "MB", better: "lower", must: limitMb },
      ],
      faults,
      details: {},
    };
  },
};
