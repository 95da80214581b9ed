/** How the stand-in can (mis)behave. A model's name chooses; a control call can set one over any model for a while. */
export const behaviours = {
  "stand-in": "answers at once, word by word",
  slow: "waits 500 ms before it answers",
  silent: "takes the request and never says a byte; the health check answers",
  "silent-midway": "goes silent in the middle of its answer; the health check answers",
  "silent-down": "never says a byte, and as long as such a request is open the health check does not answer either",
  loading: "is silent for the loading time (7 s), then answers",
  cut: "closes the connection in the middle of its answer",
  "cut-early": "closes the connection before a byte of the answer",
  "ends-early": "ends its answer properly, but before it is complete",
  garbage: "answers with something that is not its protocol",
  html: "answers with a web page, as a wrong address often does",
  "error-midway": "reports an error in the middle of its answer",
  missing: "does not have this model (404)",
  redirect: "redirects to another address (307)",
  split: "sends every byte by itself, with CRLF line ends where the protocol allows them",
  thinking: "thinks aloud before it answers",
  tools: "asks for a tool beside its answer",
  "tools-only": "asks for a tool and says nothing",
  empty: "gives an empty answer",
  whole: "does not stream, whatever it was asked (not Ollama)",
  long: "answers with 2,000 words",
  "error-400": "refuses the request",
  "error-401": "does not accept the key",
  "error-403": "does not let this key in",
  "error-429": "has too much to do",
  "error-500": "fails",
  "error-503": "is overloaded",
  "error-529": "is overloaded, as Anthropic says it",
} as const;

export type Behaviour = keyof typeof behaviours;

export const isBehaviour = (name: string): name is Behaviour => Object.hasOwn(behaviours, name);

/** Ollama shows names with a tag: `slow:latest` is `slow`. Names that mean nothing here are models that just answer. */
export function behaviourOf(model: string): Behaviour {
  const name = model.split(":")[0] ?? "";
  return isBehaviour(name) ? name : "stand-in";
}
