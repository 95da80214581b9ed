/** How the coding agent for tests is to behave, from its command line. */
import { parseArgs } from "node:util";

export interface AgentSettings {
  /** Where sessions are kept, so that a restarted agent knows them. Empty: it forgets them. */
  sessions: string;
  /** What it offers besides prompts: "load", "resume", "close", "image", "context". */
  offers: readonly string[];
  /** It is signed in when this file exists. Empty: it needs no sign-in. */
  signedIn: string;
  /** What it refuses while it is not signed in. */
  refuses: "session" | "prompt";
  /** The version of the protocol that it says it speaks. */
  version: number;
}

export function settingsFrom(args: readonly string[]): AgentSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sessions: { type: "string", default: "" },
      offers: { type: "string", default: "load" },
      "signed-in": { type: "string", default: "" },
      refuses: { type: "string", default: "session" },
      version: { type: "string", default: "1" },
    },
  });
  return {
    sessions: values.sessions,
    offers: values.offers.split(","),
    signedIn: values["signed-in"],
    refuses: values.refuses as AgentSettings["refuses"],
    version: Number(values.version),
  };
}
