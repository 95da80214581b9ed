import type { Bot } from "@skep/protocol";
import { Play, RotateCw, Square, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { sentenceOf, useBotAction } from "../state/queries.ts";
import { go } from "../state/route.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { showNotice } from "../ui/notices.tsx";

type Action = "start" | "stop" | "restart" | "remove";

const done: Record<Action, string> = { start: "started", stop: "stopped", restart: "restarted", remove: "removed" };

/** What can be done to a bot now. It asks first where work is lost: an answer that is being written, a bot that is forgotten. */
export function BotActions({ bot }: { bot: Bot }): ReactNode {
  const { mutateAsync, isPending } = useBotAction();
  const [asked, setAsked] = useState<Action | null>(null);
  const run = async (action: Action): Promise<void> => {
    try {
      await mutateAsync({ bot: bot.name, action });
      if (action === "remove") {
        showNotice(`${bot.name} was removed. Its conversations stay.`);
        go({ page: "bots" }, { replace: true });
      }
    } catch (error) {
      showNotice(`${bot.name} was not ${done[action]}: ${sentenceOf(error)}`, { bad: true });
    }
  };
  const press = (action: Action): void => {
    if (action === "remove" || (action !== "start" && bot.running > 0)) setAsked(action);
    else void run(action);
  };
  const isDown = bot.state === "stopped" || bot.state === "failed";
  const answers = bot.running === 1 ? "one answer" : `${bot.running} answers`;
  return (
    <div className="contents">
      {isDown ? (
        <Button look="primary" disabled={isPending} onClick={() => press("start")}>
          <Play size={14} /> Start
        </Button>
      ) : (
        <>
          <Button disabled={isPending} onClick={() => press("restart")}>
            <RotateCw size={14} /> Restart
          </Button>
          <Button disabled={isPending} onClick={() => press("stop")}>
            <Square size={13} /> Stop
          </Button>
        </>
      )}
      <Button look="quiet" className="hover:text-bad" disabled={isPending} onClick={() => press("remove")}>
        <Trash2 size={14} /> Remove
      </Button>
      {asked === null ? null : (
        <Confirm
          title={`${asked === "remove" ? "Remove" : asked === "stop" ? "Stop" : "Restart"} ${bot.name}?`}
          action={asked === "remove" ? "Remove" : asked === "stop" ? "Stop" : "Restart"}
          run={() => run(asked)}
          close={() => setAsked(null)}
        >
          {asked === "remove"
            ? `Its process ends and its definition is forgotten. Conversations with ${bot.name} stay and can be read.`
            : `It is writing ${answers} now. ${asked === "stop" ? "They wait until it is started again." : "They are begun again by the new process."}`}
        </Confirm>
      )}
    </div>
  );
}
