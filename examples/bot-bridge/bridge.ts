/**
 * Lets two bots talk to each other, each in a conversation of its own; you read along in the page.
 *   SKEP_TOKEN=$(npx skep token create --name bridge --role owner) node bridge.ts ONE TWO "What is a bee?" --rounds 5
 * What was begun goes on, with the same command and `--resume "$ONES_CONVERSATION $TWOS_CONVERSATION"` (printed at the start): also after kill -9, no message
 * is passed on twice, because the key under which it is sent is made of the answer that it comes from.
 */
import { parseArgs } from "node:util";
import { connect, type Conversation, type Message } from "@skep/client";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "3" }, resume: { type: "string" } },
});
const [one = "echo", two = one, opening = "Hello"] = positionals;
const rounds = Number(values.rounds);
const { SKEP_URL: url = "http://127.0.0.1:8000", SKEP_TOKEN: token } = process.env;
const client = connect({ url, token });

const begun = values.resume?.split(" ").map((id) => client.conversation(id));
const sides = begun ?? [await client.begin(one, { title: `With ${two}` }), await client.begin(two, { title: `With ${one}` })];
const [first, second] = sides as [Conversation, Conversation];
console.log(`--resume "${first.id} ${second.id}"`);

let text = opening;
let key = `bridge-${first.id}-${second.id}`;
for (let said = 0; said < 2 * rounds; said++) {
  const answer = await answerOf(said % 2 === 0 ? first : second);
  console.log(`${answer.author}: ${answer.text}`);
  if (answer.outcome !== "completed" || answer.text.trim() === "") break;
  text = answer.text;
  key = `bridge-${answer.id}`;
}
client.close();

async function answerOf(conversation: Conversation): Promise<Message> {
  for await (const part of conversation.ask(text, { key })) if (part.type === "answer") return part.message;
  throw new Error("the client was closed");
}
