/**
 * A program that gives its outbox one message after another, and keeps it in a file; to be killed.
 *   node sending-program.ts URL CONVERSATION FILE RUN COUNT   (the token in SKEP_TOKEN)
 * Says "open" when it is connected, waits for a line, then says "given I" once message I is in the outbox, "accepted DUPLICATE" for every
 * answer, and ends when nothing waits any more.
 */
import { once } from "node:events";
import { connect } from "@skep/client";
import { fileStorage } from "@skep/client/node";

const [url = "", id = "", file = "", run = "", count = "0"] = process.argv.slice(2);
const client = connect({ url, token: process.env["SKEP_TOKEN"] ?? "", storage: fileStorage(file) });
const conversation = client.conversation(id);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const send = async (text: string, key?: string): Promise<void> => {
  const { duplicate } = await conversation.send(text, key === undefined ? {} : { key });
  say(`accepted ${duplicate}`);
};

const sent = conversation.pending.map(({ key, text }) => send(text, key));
say(`left ${sent.length}`);
client.onConnection(({ name }) => say(name));
await once(process.stdin, "data");
process.stdin.pause();
for (let i = 1; i <= Number(count); i++) {
  sent.push(send(`${run}:${i}`));
  // It is saved at the end of the tick.
  await new Promise(setImmediate);
  say(`given ${i}`);
}
await Promise.all(sent);
client.close();
