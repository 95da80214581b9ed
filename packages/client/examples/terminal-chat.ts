/**
 * Talks to a bot from the terminal:
 *   SKEP_TOKEN=$(npx skep token create --name terminal --role owner) node packages/client/examples/terminal-chat.ts BOT
 * SKEP_URL is the server's address if it is not http://127.0.0.1:8000.
 */
import { createInterface } from "node:readline";
import { connect } from "@skep/client";

const [bot = "echo"] = process.argv.slice(2);
const token = process.env["SKEP_TOKEN"];
const client = connect({ url: process.env["SKEP_URL"] ?? "http://127.0.0.1:8000", ...(token ? { token } : {}) });
client.onConnection(({ name }) => {
  if (name === "waiting") process.stderr.write("\n(connection lost, retrying…)\n");
});

const { id } = (await client.call("POST", "/api/conversations", { bot })) as { id: string };
const conversation = client.conversation(id);
process.stdout.write("> ");
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== "") {
    for await (const part of conversation.ask(line)) {
      if (part.type === "delta") process.stdout.write(part.text);
      else if (part.type === "restart") process.stdout.write("\n(interrupted, once more)\n");
      else if (part.type === "answer") process.stdout.write(part.message.outcome === "completed" ? "\n" : `${part.message.text}\n`);
    }
  }
  process.stdout.write("> ");
}
client.close();
