/** A chat in the terminal: SKEP_TOKEN=$(npx skep token create --name chat --role owner) node chat.ts BOT   (SKEP_URL: where Skep is) */
import { createInterface } from "node:readline";
import { connect, Refusal } from "@skep/client";

const client = connect({ url: process.env["SKEP_URL"] ?? "http://127.0.0.1:8000", token: process.env["SKEP_TOKEN"] });
const write = (text: string): void => void process.stdout.write(text);
client.onConnection(({ name }) => name === "waiting" && write("\n(connection lost, trying again; what was sent is safe)\n"));

const conversation = await client.begin(process.argv[2] ?? "echo");
write("> ");
for await (const line of createInterface({ input: process.stdin })) {
  try {
    for await (const part of conversation.ask(line)) {
      if (part.type === "delta") write(part.text);
      else if (part.type === "restart") write("\n(interrupted, once more)\n");
      else if (part.type === "answer") write(part.message.outcome === "completed" ? "\n" : `${part.message.text}\n`);
    }
  } catch (error) {
    write(`${error instanceof Refusal ? error.message : String(error)}\n`);
  }
  write("> ");
}
client.close();
