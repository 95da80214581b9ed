#!/usr/bin/env node
// A Skep bot that runs anywhere and connects in (docs/bot-protocol.md, "A bot elsewhere"). Node 22 or newer, nothing to install.
//
//   skep bot add far --kind remote
//   SKEP_BOT_TOKEN=$(skep bot token far) node bot.js ws://127.0.0.1:8000/bots
//
// It says everything back, word by word. When the connection is lost it comes again, at once and then less and less often.

const url = process.argv[2] ?? "ws://127.0.0.1:8000/bots";
const token = process.env.SKEP_BOT_TOKEN;
if (!token) throw new Error("SKEP_BOT_TOKEN is not set; `skep bot token NAME` makes a token");

let failures = 0;

function connect() {
  const socket = new WebSocket(url);
  const cancelled = new Set();
  const say = (line) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(line));

  async function answer({ turn, text }) {
    for (const word of `You said: ${text}`.match(/\s*\S+|\s+$/g)) {
      if (cancelled.delete(turn)) return say({ type: "failure", turn, reason: "Cancelled", retry: false });
      say({ type: "delta", turn, text: word });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    say({ type: "answer", turn });
  }

  socket.onopen = () => say({ type: "authenticate", token });
  socket.onmessage = ({ data }) => {
    for (const line of data.split("\n").map((text) => JSON.parse(text))) {
      if (line.type === "hello") {
        failures = 0;
        console.log(`Connected as ${line.bot}`);
        say({ type: "hello", protocol: 1, concurrency: 8, heartbeat: true });
      } else if (line.type === "turn") void answer(line);
      else if (line.type === "cancel") cancelled.add(line.turn);
      else if (line.type === "ping") say({ type: "heartbeat" });
    }
  };
  socket.onclose = ({ code, reason }) => {
    console.log(`The connection ended (${code}${reason && `: ${reason}`})`);
    // These do not get better by themselves: a wrong token, another program in this one's place.
    if (code >= 4500) process.exit(1);
    // The first try is at once, then pauses grow to 15 s. Random, so that many bots do not come all together.
    setTimeout(connect, failures === 0 ? 0 : Math.random() * Math.min(15_000, 250 * 2 ** failures));
    failures++;
  };
}

connect();
