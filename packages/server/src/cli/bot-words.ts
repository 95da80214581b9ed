/** How bots are written out and asked for. */
import { styleText } from "node:util";
import type { BotState } from "@skep/protocol";

export const pathOf = (name: string): string => `/api/bots/${encodeURIComponent(name)}`;
export const json = (value: unknown): string => JSON.stringify(value, null, 2);

const colours = {
  ready: "green",
  starting: "yellow",
  "login-needed": "yellow",
  hung: "yellow",
  backoff: "yellow",
  stopping: "yellow",
  failed: "red",
  stopped: "gray",
} as const satisfies Record<BotState, string>;
export const coloured = (state: BotState): string => styleText(colours[state], state);
