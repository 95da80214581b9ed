import type { Bot, BotWorker } from "@skep/protocol";
import type { ReactNode } from "react";
import { sentenceOf, useDrain } from "../state/queries.ts";
import { visible } from "../text/visible.tsx";
import { Button } from "../ui/button.tsx";
import { showNotice } from "../ui/notices.tsx";
import { stateWords } from "../ui/sentences.ts";
import { since } from "../ui/time.tsx";

const health: Record<BotWorker["health"], string> = { in: "", out: "out for a while, it failed too often", trial: "on trial" };

/** Each worker of a bot: how it is, what it carries; it can be taken out and back in by hand. */
export function BotWorkers({ bot }: { bot: Bot }): ReactNode {
  const { mutate, isPending } = useDrain();
  const several = bot.processes.length > 1;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a wide table is scrolled by keyboard
    <div className="relative overflow-x-auto" role="region" aria-label="Workers" tabIndex={0}>
      <table className="w-full text-sm [&_td]:py-1.5 [&_td]:pe-4 [&_th]:pe-4 [&_th]:pb-1 [&_th]:text-start [&_th]:text-xs [&_th]:font-normal [&_th]:text-soft">
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">State</th>
            <th scope="col">Process</th>
            <th scope="col">Memory</th>
            <th scope="col">Answering</th>
            <th scope="col">Running for</th>
            {several ? (
              <th scope="col">
                <span className="sr-only">Take out</span>
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {bot.processes.map((one) => (
            <tr key={one.name} className="border-t border-line">
              <td>{one.name}</td>
              <td>
                {[stateWords[one.state], one.drained ? "taken out" : "", health[one.health]].filter((text) => text !== "").join(" · ")}
                {one.reason === undefined || one.state === "ready" ? null : <span className="text-soft">: {visible(one.reason)}</span>}
              </td>
              <td className="tabular-nums">{one.pid ?? "–"}</td>
              <td className="tabular-nums">{one.memoryMb === null ? "–" : `${Math.round(one.memoryMb)} MB`}</td>
              <td className="tabular-nums">{one.running}</td>
              <td className="tabular-nums">{one.startedAt === null || one.pid === null ? "–" : since(one.startedAt)}</td>
              {several ? (
                <td className="text-end">
                  <Button
                    look="quiet"
                    disabled={isPending}
                    onClick={() =>
                      mutate(
                        { bot: bot.name, worker: one.name, drain: !one.drained },
                        { onError: (error) => showNotice(sentenceOf(error), { bad: true }) },
                      )
                    }
                  >
                    {one.drained ? "Take back in" : "Take out"}
                  </Button>
                </td>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
