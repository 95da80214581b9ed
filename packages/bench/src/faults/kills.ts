/**
 * A bot killed in the middle of an answer: how soon do its readers know, when is the answer complete, and is there exactly one (R-C3)?
 *
 * kill -9 of the bot's process at a random moment of its answer (20 pieces in 200 ms), again and again. Told: the moment at which a reader gets
 * `stream-ended` or the turn's new state; complete: the message, which a new process has written from its first word.
 */
import type { Message } from "@skep/protocol";
import type { SkepApi } from "../program/skep-api.ts";
import { seededRandom } from "../seeded-random.ts";
import type { FaultRun } from "./fault-run.ts";
import { durations, started, until } from "./fault-run.ts";
import { WatchingReader } from "./watching-reader.ts";

const pieces = 20;
const pieceMs = 10;

export const kills: FaultRun = {
  name: "kills",
  question: "A bot killed in mid-answer: how soon do readers know, when is the answer complete, and is there exactly one?",
  times: 1000,
  async run({ times }, say) {
    await using run = await started();
    const { skep, token, api } = run;
    await api.createBot({ name: "victim", kind: "echo", restart: { maxRestarts: 1_000_000 } });
    const { id } = await api.createConversation("victim");
    const reader = await WatchingReader.open(skep.url, token, id);
    const random = seededRandom(7);
    const told: number[] = [];
    const complete: number[] = [];
    const faults: string[] = [];
    let last = 0;
    let sent = 0;
    while (told.length < times) {
      const pid = await pidOf(api, "victim", last);
      last = pid;
      const begun = reader.when((message) => message.type === "delta");
      const known = reader.when((message) => message.type === "stream-ended" || (message.type === "turn" && message.state === "retrying"));
      const answered = reader.when((message) => message.type === "message" && message.message.role !== "person");
      reader.send(`/stream ${pieces} ${pieceMs}`);
      sent++;
      await begun;
      await new Promise((resolve) => setTimeout(resolve, random.between(0, pieces * pieceMs * 0.7)));
      const at = performance.now();
      process.kill(pid, "SIGKILL");
      const first = await known;
      const end = await answered;
      // On a busy machine the answer is complete before the kill now and then: that was none in mid-answer.
      if (first.at < at || (first.message.type === "stream-ended" && first.message.outcome !== "interrupted")) continue;
      told.push(first.at - at);
      complete.push(end.at - at);
      if (told.length % 100 === 0) say(`${told.length} kills`);
    }
    faults.push(...doubtful((await api.wholeLog(id)).messages, sent));
    reader.close();
    await run.stop();
    return {
      figures: [
        { name: "kills", value: times, unit: "", better: "higher" },
        ...durations("readers told", told, 100),
        ...durations("answer complete", complete, 1000),
      ],
      faults,
      details: { sent, told, complete },
    };
  },
};

/** Of a ready worker, not the one that was just killed. */
export const pidOf = (api: SkepApi, bot: string, not: number): Promise<number> =>
  until(`${bot} ready`, async () => {
    const { processes } = await api.call<{ processes: { pid: number | null; state: string }[] }>("GET", `/api/bots/${bot}`);
    const one = processes[0];
    return one?.state === "ready" && one.pid !== null && one.pid !== not && one.pid;
  });

/** Every message has one answer, right behind it, whole. */
function doubtful(messages: readonly Message[], times: number): string[] {
  const faults: string[] = [];
  if (messages.length !== 2 * times) faults.push(`${messages.length} messages in the log, ${2 * times} expected`);
  const answers = new Set<string>();
  for (const [index, { seq, role, turn, outcome, text }] of messages.entries()) {
    if (seq !== index + 1) faults.push(`seq ${seq} at place ${index + 1}`);
    if (role === "person") continue;
    if (outcome !== "completed") faults.push(`seq ${seq}: ${outcome} ${text}`);
    if (turn === undefined || answers.has(turn) || messages[index - 1]?.turn !== turn)
      faults.push(`seq ${seq}: not the one answer of its turn`);
    if (turn !== undefined) answers.add(turn);
  }
  return faults;
}
