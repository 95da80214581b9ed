/** What does the least that any server could do to answer a page of 100 messages cost: objects that it has at hand made into text and sent. */
import { createServer } from "node:http";

const messages = Array.from({ length: 100 }, (_, index) => ({
  seq: index + 1,
  id: `c0123456789abcdef01234567.${index + 1}`,
  role: index % 2 === 0 ? "person" : "bot",
  author: "somebody",
  text: "As long as people write, a hundred and fifty characters, more or less, and so on. ".repeat(2),
  createdAt: "2026-01-01T00:00:00.000Z",
  turn: `t${index + 1}`,
}));

const server = createServer((_request, response) => {
  const body = JSON.stringify({ epoch: "0", head: 100, messages });
  response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) console.log(`ready http://127.0.0.1:${address.port}`);
});
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
