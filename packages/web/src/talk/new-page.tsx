import type { MessageFile } from "@skep/protocol";
import { type ReactNode, useState } from "react";
import { BotDot } from "../fleet/bot-state.tsx";
import { FoundModels } from "../fleet/found-models.tsx";
import { NoBots } from "../fleet/no-bots.tsx";
import { sentenceOf, useBegin } from "../state/queries.ts";
import { addressOf, go } from "../state/route.ts";
import { useBots, useSkep } from "../state/skep.ts";
import { readStored, writeStored } from "../state/stored.ts";
import { visible } from "../text/visible.tsx";
import { showNotice } from "../ui/notices.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { botStateSentence } from "../ui/sentences.ts";
import { Composer } from "./composer.tsx";
import { NoServer } from "./no-server.tsx";
import { titleFrom } from "./title.ts";

const lastBot = "skep.bot";

/** The first message of a conversation that does not exist yet: choose who to talk to, say something. */
export function NewPage({ bot: wanted }: { bot: string }): ReactNode {
  const { client } = useSkep();
  const bots = useBots();
  const begin = useBegin();
  // Stays with the one that was offered first, whatever bots come meanwhile.
  const [offered, setOffered] = useState("");
  const name = [wanted, offered, readStored(lastBot) ?? "", ...bots.keys()].find((one) => bots.has(one)) ?? "";
  if (name !== offered) setOffered(name);
  const known = client.connection.name === "open" || bots.size > 0;

  const send = async (text: string, files: readonly MessageFile[]): Promise<boolean> => {
    try {
      const made = await begin.mutateAsync({ bot: name, title: titleFrom(text) || titleFrom(files[0]?.name ?? "") });
      client
        .conversation(made.id)
        .send(text, { files })
        .catch(() => {});
      writeStored(lastBot, name);
      go({ page: "conversation", id: made.id, seq: 0 });
      return true;
    } catch (error) {
      showNotice(`No new conversation: ${sentenceOf(error)}`, { bad: true });
      return false;
    }
  };
  if (!known) return <NoServer />;
  return (
    <>
      <PageHeader title={name === "" ? "Skep" : `New conversation with ${name}`} subtitle="" />
      {bots.size === 0 ? (
        <div className="min-h-0 flex-1 overflow-y-auto">
          <NoBots />
        </div>
      ) : (
        <>
          <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-4">
            <div className="m-auto w-full max-w-2xl py-8">
              <img src="/skep.svg" alt="" className="mx-auto mb-5 size-14" />
              <h2 className="mb-6 text-center text-xl font-semibold text-balance">
                {bots.size === 1 ? `Say something to ${name}` : "Who do you want to talk to?"}
              </h2>
              <ul
                id="choose-bot"
                aria-label="Bots"
                className={`mx-auto grid grid-cols-1 gap-2 ${bots.size === 1 ? "max-w-md" : "sm:grid-cols-2"}`}
              >
                {[...bots.values()].map((bot) => (
                  <li key={bot.name}>
                    <button
                      type="button"
                      aria-pressed={bot.name === name}
                      onClick={() => {
                        go({ page: "new", bot: bot.name }, { replace: true });
                        document.getElementById("text")?.focus();
                      }}
                      className={`flex w-full items-center gap-3 rounded-2xl border bg-raised px-4 py-3 text-start transition-colors hover:border-honey ${
                        bot.name === name ? "border-honey outline-1 outline-honey" : "border-line"
                      }`}
                    >
                      <BotDot bot={bot} />
                      <span className="min-w-0 flex-1">
                        <span className="block truncate font-medium">{bot.name}</span>
                        <span className="block truncate text-xs text-soft">
                          {bot.kind} · {visible(botStateSentence(bot))}
                        </span>
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
              {[...bots.values()].every(({ kind }) => kind === "echo") ? (
                <div className="mx-auto mt-10 max-w-md">
                  <FoundModels />
                  <a className="mt-3 inline-block text-sm font-medium text-honey hover:underline" href={addressOf({ page: "add-bot" })}>
                    Add another kind of bot
                  </a>
                </div>
              ) : null}
            </div>
          </div>
          <Composer
            key={name}
            place={`bot.${name}`}
            bot={name}
            takesFiles={bots.get(name)?.can.includes("files") ?? false}
            send={send}
            stop={null}
          />
        </>
      )}
    </>
  );
}
