import type { Bot, BotsOverview } from "@skep/protocol";
import { ArrowLeft, MessageSquarePlus, Plus } from "lucide-react";
import type { ReactNode } from "react";
import { duration, megabytes } from "../overview/figures.ts";
import { useBotsOverview } from "../state/queries.ts";
import { addressOf } from "../state/route.ts";
import { useFreshBots } from "../state/queries.ts";
import { visible } from "../text/visible.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { botWorkSentence, isBusy } from "../ui/sentences.ts";
import { since } from "../ui/time.tsx";
import { BotActions } from "./bot-actions.tsx";
import { BotDot } from "./bot-state.tsx";
import { BotToken } from "./bot-token.tsx";
import { BotTimeline } from "./bot-timeline.tsx";
import { BotWeights } from "./bot-weights.tsx";
import { BotWorkers } from "./bot-workers.tsx";
import { BotLogs } from "./bot-logs.tsx";
import { NoBots } from "./no-bots.tsx";
import { Sparkline } from "./sparkline.tsx";

type Hour = BotsOverview["bots"][number];

/** Everything that runs, at a glance. */
export function BotsPage(): ReactNode {
  const bots = [...useFreshBots().values()];
  const hours = new Map(useBotsOverview()?.bots.map((hour) => [hour.name, hour]));
  return (
    <>
      <PageHeader title="Bots" subtitle={summary(bots)}>
        <a
          href={addressOf({ page: "add-bot" })}
          className="inline-flex min-h-8 items-center gap-1.5 rounded-lg bg-honey px-3 text-sm font-medium text-on-honey hover:brightness-110"
        >
          <Plus size={16} /> Add a bot
        </a>
      </PageHeader>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <ul id="fleet" className="mx-auto grid max-w-5xl gap-3 p-4 side:grid-cols-2 side:p-8">
          {bots.map((bot) => (
            <li key={bot.name} className="rounded-2xl border border-line bg-raised p-4">
              <BotCard bot={bot} hour={hours.get(bot.name)} />
            </li>
          ))}
        </ul>
        {bots.length === 0 ? <NoBots /> : null}
      </div>
    </>
  );
}

function BotCard({ bot, hour }: { bot: Bot; hour: Hour | undefined }): ReactNode {
  return (
    <div className="flex h-full flex-col gap-3">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="truncate font-semibold">
            <a className="hover:underline" href={addressOf({ page: "bot", name: bot.name })}>
              {bot.name}
            </a>
          </h2>
          <p className="flex items-center gap-2 text-sm">
            <BotDot bot={bot} busy={isBusy(bot)} />
            <span className={bot.state === "failed" ? "text-bad" : "text-soft"}>{visible(botWorkSentence(bot))}</span>
          </p>
        </div>
        <span className="rounded-md bg-sunken px-2 py-0.5 text-xs text-soft">{bot.kind}</span>
      </div>
      <Figures bot={bot} />
      <div className="grid grid-cols-2 gap-4">
        <Sparkline name="Memory" values={hour?.memoryMb ?? []} write={megabytes} />
        <Sparkline name="Answers, p95" values={hour?.answerP95 ?? []} write={duration} />
      </div>
      <div className="mt-auto flex flex-wrap items-center gap-2 pt-1">
        <a
          href={addressOf({ page: "new", bot: bot.name })}
          className="inline-flex min-h-8 items-center gap-1.5 rounded-lg border border-line px-3 text-sm font-medium hover:border-honey"
        >
          <MessageSquarePlus size={14} /> Talk
        </a>
        <BotActions bot={bot} />
        {bot.kind === "remote" ? <BotToken bot={bot.name} /> : null}
      </div>
    </div>
  );
}

function Figures({ bot }: { bot: Bot }): ReactNode {
  const restarts = bot.processes.reduce((sum, one) => sum + one.restarts, 0);
  const started = Math.min(...bot.processes.flatMap(({ startedAt, pid }) => (startedAt === null || pid === null ? [] : [startedAt])));
  const figures: [string, string][] = [
    ["Answering", String(bot.running)],
    ["Waiting", String(bot.queued)],
    ["Restarts", String(restarts)],
    ["Running for", Number.isFinite(started) ? since(started) : "–"],
  ];
  return (
    <dl className="grid grid-cols-4 gap-2 text-sm">
      {figures.map(([name, figure]) => (
        <div key={name}>
          <dt className="text-xs text-soft">{name}</dt>
          <dd className="tabular-nums">{figure}</dd>
        </div>
      ))}
    </dl>
  );
}

/** One bot: what it is, what can be done, what it says. */
export function BotPage({ name }: { name: string }): ReactNode {
  const bots = useFreshBots();
  const bot = bots.get(name);
  const hour = useBotsOverview(name)?.bots[0];
  const back = (
    <a
      href={addressOf({ page: "bots" })}
      aria-label="All bots"
      title="All bots"
      className="inline-flex size-8 items-center justify-center rounded-lg text-soft hover:bg-hover hover:text-ink"
    >
      <ArrowLeft size={18} />
    </a>
  );
  if (!bot) {
    return (
      <>
        <PageHeader title={name} subtitle="" before={back} />
        {bots.size > 0 ? <p className="p-8 text-center text-soft">There is no bot named “{visible(name)}”.</p> : null}
      </>
    );
  }
  return (
    <>
      <PageHeader title={bot.name} subtitle={visible(`${bot.kind} · ${botWorkSentence(bot)}`)} before={back} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex min-h-full max-w-5xl flex-col gap-5 p-4 side:p-8">
          <div className="rounded-2xl border border-line bg-raised p-4">
            <BotCard bot={bot} hour={hour} />
          </div>
          <BotWorkers bot={bot} />
          {bot.processes.length > 1 ? <BotWeights bot={bot} /> : null}
          <details className="text-sm">
            <summary className="w-fit rounded-lg py-1 font-medium text-soft hover:text-ink">Definition</summary>
            <dl className="mt-2 grid gap-x-6 gap-y-1 sm:grid-cols-[auto_1fr]">
              {Object.entries(bot.options).map(([key, value]) => (
                <div key={key} className="contents">
                  <dt className="text-soft">{key}</dt>
                  <dd className="mb-1 font-mono wrap-anywhere">
                    {visible(typeof value === "string" ? value || "–" : JSON.stringify(value))}
                  </dd>
                </div>
              ))}
            </dl>
          </details>
          <BotTimeline bot={bot.name} />
          <BotLogs bot={bot.name} />
        </div>
      </div>
    </>
  );
}

function summary(bots: readonly Bot[]): string {
  const ready = bots.filter(({ state }) => state === "ready").length;
  const failed = bots.filter(({ state }) => state === "failed").length;
  if (bots.length === 0) return "";
  return `${ready} of ${bots.length} ready${failed > 0 ? ` · ${failed} failed` : ""}`;
}
