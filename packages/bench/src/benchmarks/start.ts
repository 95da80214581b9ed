/**
 * How long does the program take from its start until it serves, with a million messages stored (R-F6)?
 *
 * From the spawn of the process to its line `ready`; after a clean end and after SIGKILL under load, when
 * the log of the database has to be taken up again.
 */
import { startSkep } from "../program/running-skep.ts";
import { skepApi } from "../program/skep-api.ts";
import { median, percentile } from "../percentile.ts";
import type { Figure } from "../results.ts";
import { seededData } from "../seed/seeded-data.ts";
import type { Benchmark } from "./benchmark.ts";

const starts = 7;

export const start: Benchmark = {
  name: "start",
  question: "How long does the program take from its start until it serves, with a million messages stored?",
  async run({ messages }, say) {
    const { data, bot, token } = await seededData(messages, say);
    const clean: number[] = [];
    const killed: number[] = [];
    const faults: string[] = [];
    for (let index = 0; index < starts; index++) {
      const skep = await startSkep({ data });
      clean.push(skep.readyMs);
      const api = skepApi(skep.url, token);
      const { id } = await api.createConversation(bot);
      // Something to take up again: hundreds of messages, the last ones not yet answered.
      const sends = Array.from({ length: 300 }, (_, n) => api.call("POST", `/api/conversations/${id}/messages`, { text: `message ${n}` }));
      await Promise.all(sends);
      await skep.kill();
      api.close();
      const again = await startSkep({ data });
      killed.push(again.readyMs);
      if (!(await again.stop())) faults.push("did not end within 15 s of SIGTERM");
    }
    // The first one read the files from the disk; it counts like the others, seven are enough for the median.
    const figures: Figure[] = [
      { name: "after a clean end, median", value: median(clean), unit: "ms", better: "lower", must: 400 },
      { name: "after a clean end, slowest", value: percentile(clean, 100), unit: "ms", better: "lower" },
      { name: "after SIGKILL, median", value: median(killed), unit: "ms", better: "lower", must: 400 },
      { name: "after SIGKILL, slowest", value: percentile(killed, 100), unit: "ms", better: "lower" },
    ];
    return { figures, faults, details: { messages, clean, killed } };
  },
};
