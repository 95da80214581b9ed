/**
 * What is the limit? The least that any server could do with these messages: parse each, make text of each, send it
 * back. No names, no log, no bots. A frame with several messages is answered by one frame, as the real program does.
 */
import { WebSocketServer } from "ws";

const single = process.argv[2] === "single";
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as unknown;
    if (Array.isArray(frame) && single) for (const message of frame) socket.send(JSON.stringify(message));
    else if (Array.isArray(frame)) socket.send(`[${frame.map((message) => JSON.stringify(message)).join(",")}]`);
    else socket.send(JSON.stringify(frame));
  });
});
server.on("listening", () => {
  const address = server.address();
  if (typeof address === "object" && address) console.log(`ready ws://127.0.0.1:${address.port}`);
});
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
