import type { Bot } from "@skep/protocol";
import type { ReactNode } from "react";
import { visibleText } from "../text/visible.tsx";
import { botStateSentence } from "../ui/sentences.ts";

const colors: Record<Bot["state"], string> = {
  ready: "bg-good",
  starting: "bg-wait pulse",
  "login-needed": "bg-wait",
  hung: "bg-bad pulse",
  backoff: "bg-wait pulse",
  stopping: "bg-wait pulse",
  failed: "bg-bad",
  stopped: "border-2 border-edge bg-transparent",
};

/** The state of a bot as a dot. Never the only sign of it: the words stand beside it, or are its name. */
export const BotDot = ({ bot, named = false, busy = false }: { bot: Bot | undefined; named?: boolean; busy?: boolean }): ReactNode => (
  <span
    className={`dot inline-block size-2 shrink-0 rounded-full ${bot ? colors[bot.state] : "border-2 border-edge"} ${busy ? "pulse" : ""}`}
    data-state={bot?.state}
    {...(named ? { role: "img", "aria-label": bot ? visibleText(botStateSentence(bot)) : "removed" } : { "aria-hidden": true })}
  />
);
