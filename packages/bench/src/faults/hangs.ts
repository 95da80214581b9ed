/**
 * A bot that hangs, alive but silent: how soon is it replaced (R-C4)?
 *
 * `/hang 1` blocks the bot's event loop in the first attempt. Replaced: the moment at which another process is ready, as the bot's timeline has it;
 * answered: a reader has the answer of the second attempt.
 */
import type { BotEvent } from "@skep/protocol";
import type { FaultRun } from "./fault-run.ts";
import { durations, started, until } from "./fault-run.ts";
import { pidOf } from "./kills.ts";
import { WatchingReader } from "./watching-reader.ts";

/** What a definition has that says nothing else, and what R-C4 allows. */
const limitMs = 2000;
/** So many bots hang at a time, each once in this many runs. */
const together = 4;

export const hangs: FaultRun = {
  name: "hangs",
  question: "A bot that hangs: how soon is it seen and replaced?",
  times: 100,
  async run({ times }, say) {
    await using run = await started();
    const { skep, token, api } = run;
    const seen: number[] = [];
    const replaced: number[] = [];
    const answered: number[] = [];
    const faults: string[] = [];
    let left = times;

    const one = async (name: string): Promise<void> => {
      await api.createBot({ name, kind: "echo", restart: { maxRestarts: 1_000_000 } });
      const { id } = await api.createConversation(name);
      const reader = await WatchingReader.open(skep.url, token, id);
      let before = 0;
      while (left > 0) {
        left--;
        before = await pidOf(api, name, before);
        const answer = reader.when((message) => message.type === "message" && message.message.role !== "person");
        const [at, began] = [performance.now(), Date.now()];
        reader.send("/hang 1");
        answered.push((await answer).at - at);
        const { entries } = await api.call<{ entries: BotEvent[] }>("GET", `/api/bots/${name}/timeline?limit=4`);
        const time = (what: BotEvent["what"]): number => Date.parse(entries.findLast((entry) => entry.what === what)?.at ?? "") - began;
        seen.push(time("replaced"));
        replaced.push(time("ready"));
        if (!entries.some((entry) => entry.what === "replaced" && entry.reason.includes("it hangs")))
          faults.push(`${name}: not seen as a hang`);
        if (answered.length % 20 === 0) say(`${answered.length} hangs`);
      }
      const { messages } = await api.wholeLog(id);
      for (const { role, outcome, text } of messages) if (role !== "person" && outcome !== "completed") faults.push(`${outcome}: ${text}`);
      reader.close();
    };
    await Promise.all(Array.from({ length: together }, (_, index) => one(`hangs-${index}`)));
    await until("all ready again", async () => (await api.bots()).every(({ state }) => state === "ready"));
    await run.stop();
    return {
      figures: [
        { name: "hangs", value: answered.length, unit: "", better: "higher", must: times },
        ...durations("seen", seen, limitMs),
        ...durations("another one ready", replaced, limitMs),
        ...durations("answered by it", answered, limitMs + 1000),
      ],
      faults,
      details: { seen, replaced, answered },
    };
  },
};
