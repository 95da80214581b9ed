import { type ReactNode, useState } from "react";
import { BotDot } from "../fleet/bot-state.tsx";
import { NoBots } from "../fleet/no-bots.tsx";
import { sentenceOf, useBegin, useErase } from "../state/queries.ts";
import { addressOf, go, mostCompared } from "../state/route.ts";
import { useBots, useSkep } from "../state/skep.ts";
import { readStored, writeStored } from "../state/stored.ts";
import { showNotice } from "../ui/notices.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { botStateSentence } from "../ui/sentences.ts";
import { Composer } from "./composer.tsx";
import { titleFrom } from "./title.ts";

const lastCompared = "skep.compared";

/** "a", "a and b", "a, b and c". */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** Who is asked, and what: then each bot gets it in a conversation of its own. */
export function ChooseBots(): ReactNode {
  const { client } = useSkep();
  const bots = useBots();
  const begin = useBegin();
  const erase = useErase();
  const [picked, setPicked] = useState<readonly string[]>(() => (readStored(lastCompared) ?? "").split(" "));
  const chosen = picked.filter((name) => bots.has(name)).slice(0, mostCompared);
  const full = chosen.length === mostCompared;
  const toggle = (name: string): void => setPicked(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);

  const send = async (text: string): Promise<boolean> => {
    const begun = await Promise.allSettled(chosen.map((bot) => begin.mutateAsync({ bot, title: titleFrom(text) })));
    const made = begun.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = begun.find((one) => one.status === "rejected");
    if (failed) {
      showNotice(`Nobody was asked: ${sentenceOf(failed.reason)}`, { bad: true });
      for (const { id } of made) erase.mutate(id);
      return false;
    }
    for (const { id } of made)
      client
        .conversation(id)
        .send(text)
        .catch(() => {});
    writeStored(lastCompared, chosen.join(" "));
    go({ page: "compare", ids: made.map(({ id }) => id) });
    return true;
  };
  if (bots.size === 0)
    return (
      <>
        <PageHeader title="Compare" subtitle="" />
        <div className="min-h-0 flex-1 overflow-y-auto">{client.connection.name === "open" ? <NoBots /> : null}</div>
      </>
    );
  return (
    <>
      <PageHeader title={chosen.length < 2 ? "Compare bots" : `Compare ${listed(chosen)}`} subtitle="" />
      <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-4">
        <div className="m-auto w-full max-w-2xl py-8">
          <h2 className="mb-1.5 text-center text-xl font-semibold text-balance">Who is to be asked?</h2>
          <p id="how-many" className="mb-6 text-center text-sm text-balance text-soft">
            {bots.size === 1 ? (
              <>
                A comparison takes two bots.{" "}
                <a className="font-medium text-honey hover:underline" href={addressOf({ page: "add-bot" })}>
                  Add another one
                </a>
              </>
            ) : (
              `Choose 2 to ${mostCompared} bots. Each gets your question in a conversation of its own.`
            )}
          </p>
          <ul id="choose-bots" aria-label="Bots" className="mx-auto grid gap-2 sm:grid-cols-2">
            {[...bots.values()].map((bot) => {
              const place = chosen.indexOf(bot.name) + 1;
              return (
                <li key={bot.name}>
                  <button
                    type="button"
                    aria-pressed={place > 0}
                    disabled={full && place === 0}
                    onClick={() => toggle(bot.name)}
                    className={`flex w-full items-center gap-3 rounded-2xl border bg-raised px-4 py-3 text-start transition-colors enabled:hover:border-honey disabled:opacity-60 ${
                      place > 0 ? "border-honey outline-1 outline-honey" : "border-line"
                    }`}
                  >
                    <BotDot bot={bot} />
                    <span className="min-w-0 flex-1">
                      <span className="block truncate font-medium">{bot.name}</span>
                      <span className="block truncate text-xs text-soft">
                        {bot.kind} · {botStateSentence(bot)}
                      </span>
                    </span>
                    {place > 0 ? (
                      <span aria-hidden="true" className="size-6 rounded-full bg-honey text-center text-sm leading-6 text-on-honey">
                        {place}
                      </span>
                    ) : null}
                  </button>
                </li>
              );
            })}
          </ul>
        </div>
      </div>
      <Composer
        place="compare"
        bot={listed(chosen) || "the bots"}
        disabled={chosen.length < 2}
        send={send}
        takesFiles={false}
        stop={null}
      />
    </>
  );
}
