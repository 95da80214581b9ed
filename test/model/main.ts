/** `npm run model`: the stand-in model server for people who want to try things out without a model. */
import { parseArgs } from "node:util";
import { behaviours } from "./behaviours.ts";
import { startModelServer } from "./model-server.ts";

const usage = `Usage: npm run model -- [options]

A stand-in for a model server. It speaks Ollama's API (/api/chat), OpenAI's (/v1/chat/completions) and
Anthropic's (/v1/messages).

  --port <number>      port on 127.0.0.1; 0 takes a free one (default 11434, the same as Ollama's)
  --token-ms <number>  time between two words of an answer (default 25)
  --load-ms <number>   how long the model "loading" takes to load (default 7000)
  --key <text>         ask for this key on /v1
  --help               this text

Models, each with its own (mis)behaviour:
${Object.entries(behaviours)
  .map(([name, what]) => `  ${name.padEnd(14)} ${what}`)
  .join("\n")}

Any other name is a model that just answers. POST /stand-in/behave {"as": "silent", "times": 3} changes what every
model does for the next requests; {"as": null} ends it.
`;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "11434" },
    "token-ms": { type: "string", default: "25" },
    "load-ms": { type: "string", default: "7000" },
    key: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function figure(name: "port" | "token-ms" | "load-ms", most: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  process.stderr.write(`--${name} must be a whole number from 0 to ${most}, not "${values[name]}"\n`);
  process.exit(2);
}

if (values.help) {
  process.stdout.write(usage);
} else {
  const server = await startModelServer({
    port: figure("port", 65_535),
    tokenMs: figure("token-ms", 3_600_000),
    loadMs: figure("load-ms", 3_600_000),
    ...(values.key !== undefined && { key: values.key }),
  }).catch((error: NodeJS.ErrnoException) => {
    const taken = error.code === "EADDRINUSE";
    process.stderr.write(taken ? `Port ${values.port} is taken (by Ollama itself?); try --port 11435\n` : `${error.message}\n`);
    process.exit(1);
  });
  process.stdout.write(`The stand-in model server listens on ${server.url}

Add bots that talk to it:
  skep bot add local --kind ollama --option url=${server.url} --option model=stand-in
  skep bot add hosted --kind openai --option baseUrl=${server.url}/v1 --option model=stand-in
  skep bot add claude --kind anthropic --option baseUrl=${server.url} --option model=stand-in --option apiKeyEnv=

Other models misbehave: ${Object.keys(behaviours).slice(1, 8).join(", ")}… (--help lists them all). Ctrl-C ends it.
`);
  const stop = (): void => void server.close().then(() => process.exit(0));
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
