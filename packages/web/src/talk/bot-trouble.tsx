import type { Bot } from "@skep/protocol";
import type { ReactNode } from "react";
import { sentenceOf, useBotAction } from "../state/queries.ts";
import { addressOf } from "../state/route.ts";
import { useBots } from "../state/skep.ts";
import { visible } from "../text/visible.tsx";
import { Button } from "../ui/button.tsx";
import { showNotice } from "../ui/notices.tsx";

const troubles: Partial<Record<Bot["state"], string>> = {
  failed: "has failed",
  stopped: "is stopped",
  "login-needed": "waits for a sign-in",
};

/** Why there will be no answer for now, and what to do about it. What is sent meanwhile is kept. */
export function BotTrouble({ name }: { name: string }): ReactNode {
  const bots = useBots();
  const bot = bots.get(name);
  const { mutate, isPending } = useBotAction();
  const trouble = bot ? troubles[bot.state] : "is not there any more";
  if (name === "" || bots.size === 0 || trouble === undefined) return null;
  const start = (): void =>
    mutate(
      { bot: name, action: "start" },
      { onError: (error) => showNotice(`${name} was not started: ${sentenceOf(error)}`, { bad: true }) },
    );
  const reason = bot?.reason === undefined || bot.state === "stopped" ? "" : `: ${bot.reason.replace(/[.\s]+$/, "")}`;
  return (
    <div id="bot-trouble" role="status" className="mx-auto w-full max-w-3xl px-3 pb-2 side:px-7">
      <div className="flex items-center gap-3 rounded-2xl bg-bad-back px-4 py-2.5 text-sm">
        <span className="min-w-0 flex-1 wrap-anywhere">
          {visible(`${name} ${trouble}${reason}. `)}
          {bot ? "What you send is kept, and answered when it runs." : "The conversation can be read."}
        </span>
        {bot ? (
          <a className="font-medium text-honey hover:underline" href={addressOf({ page: "bot", name })}>
            Why
          </a>
        ) : null}
        {bot && bot.state !== "login-needed" ? (
          <Button disabled={isPending} onClick={start}>
            Start it
          </Button>
        ) : null}
      </div>
    </div>
  );
}
