import type { Message } from "@skep/protocol";
import { expect, test } from "vitest";
import { createToken, startSkep } from "../../packages/bench/src/program/running-skep.ts";
import { skepApi } from "../../packages/bench/src/program/skep-api.ts";
import { temporaryFolder } from "../../packages/bench/src/program/temporary-folder.ts";
import { until } from "../../packages/bench/src/faults/fault-run.ts";

interface Running {
  state: string;
  queued: number;
  running: number;
}

test("[B1] [B3] after a kill -9 of the controller nothing is left running: every turn goes on, or has ended for all to see", async () => {
  await using folder = await temporaryFolder("skep-after-");
  const data = `${folder.path}/data`;
  const first = await startSkep({ data });
  const token = await createToken(data);
  let api = skepApi(first.url, token);
  const limits = { concurrency: 2 };
  await api.createBot({ name: "again", kind: "echo", limits });
  await api.createBot({ name: "once", kind: "echo", limits: { ...limits, delivery: "at-most-once" } });
  await api.createBot({ name: "away", kind: "echo" });
  await api.call("POST", "/api/bots/away/stop");
  const ask = async (bot: string, text: string): Promise<string> => {
    const { id } = await api.createConversation(bot);
    await api.call("POST", `/api/conversations/${id}/messages`, { text });
    return id;
  };
  // Each bot has two in work and one that waits.
  const again = [await ask("again", "/stream 100 20"), await ask("again", "/wait 1500"), await ask("again", "hello")];
  const once = [await ask("once", "/stream 100 20"), await ask("once", "/wait 1500"), await ask("once", "hello")];
  const away = await ask("away", "hello");
  const bot = (name: string): Promise<Running> => api.call<Running>("GET", `/api/bots/${name}`);
  for (const name of ["again", "once"]) await until(`${name} at work`, async () => (await bot(name)).running === 2);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await first.kill();
  api.close();

  await using second = await startSkep({ data });
  api = skepApi(second.url, token);
  const ends = (ids: readonly string[]): Promise<Message[]> =>
    until("all ended", async () => {
      const logs = await Promise.all(ids.map((id) => api.wholeLog(id)));
      return logs.every(({ messages }) => messages.length === 2) && logs.map(({ messages }) => messages[1] as Message);
    });
  expect((await ends(again)).map(({ outcome }) => outcome)).toEqual(["completed", "completed", "completed"]);
  const [cut, waited, queued] = await ends(once);
  for (const ended of [cut, waited]) {
    expect(ended).toMatchObject({ role: "system", outcome: "failed", text: expect.stringContaining("must not be repeated") });
  }
  expect(queued).toMatchObject({ outcome: "completed", text: "hello" });
  // What waits for a bot that somebody has stopped waits on, and says so.
  expect(await bot("away")).toMatchObject({ state: "stopped", queued: 1, running: 0 });
  await api.call("POST", "/api/bots/away/start");
  expect(await ends([away])).toMatchObject([{ outcome: "completed" }]);
  for (const name of ["again", "once", "away"]) expect(await bot(name)).toMatchObject({ state: "ready", queued: 0, running: 0 });
  api.close();
  await second.stop();
});
