import type { Bot } from "@skep/protocol";
import { Plus, RotateCw } from "lucide-react";
import { type ReactNode, useState } from "react";
import { type FoundServer, sentenceOf, useAddBot, useFound } from "../state/queries.ts";
import { go } from "../state/route.ts";
import { useBots } from "../state/skep.ts";
import { visible } from "../text/visible.tsx";
import { Button } from "../ui/button.tsx";
import { showNotice } from "../ui/notices.tsx";
import { freeName, nameOfModel, sizeOf } from "./bot-names.ts";

const shownAtFirst = 4;

/** Model servers that run on this machine, each model with a button that makes a bot of it. */
export function FoundModels(): ReactNode {
  const { data, isPending, isFetching, error, refetch } = useFound();
  const bots = [...useBots().values()];
  return (
    <section id="found" aria-label="Models on this machine" aria-busy={isFetching} className="space-y-2 text-start">
      <header className="flex min-h-8 items-center justify-between gap-2">
        <h2 className="text-sm font-semibold">Models on this machine</h2>
        <Button look="quiet" disabled={isFetching} onClick={() => void refetch()}>
          <RotateCw size={14} /> {isFetching ? "Looking…" : "Look again"}
        </Button>
      </header>
      {isPending ? <p className="text-sm text-soft">Looking for Ollama and others…</p> : null}
      {error ? <p className="text-sm text-bad">{sentenceOf(error)}</p> : null}
      {data?.servers.map((server) => (
        <Server key={server.url + server.kind} server={server} bots={bots} />
      ))}
      {!data || data.servers.some(({ kind }) => kind === "ollama") ? null : (
        <p className="text-sm text-soft">
          No Ollama was found at {visible(data.ollamaUrl.replace(/^https?:\/\//, ""))}: get it from{" "}
          <a className="text-honey underline" href="https://ollama.com/download" target="_blank" rel="noopener noreferrer">
            ollama.com
          </a>
          , run <code className="font-mono">ollama pull llama3.2</code>, and look again.
        </p>
      )}
    </section>
  );
}

const madeFrom = ({ kind, options }: FoundServer, model: string, bot: Bot): boolean =>
  bot.kind === kind && bot.options["model"] === model && Object.entries(options).every(([name, value]) => bot.options[name] === value);

function Server({ server, bots }: { server: FoundServer; bots: readonly Bot[] }): ReactNode {
  const [all, setAll] = useState(false);
  const { title, models, url, kind } = server;
  const count = models.length === 1 ? "one model" : `${models.length} models`;
  const unused = models.some(({ name }) => !bots.some((bot) => madeFrom(server, name, bot)));
  return (
    <div className="rounded-2xl border border-line bg-raised p-4">
      <p className="font-medium" title={url}>
        {visible(title)} is running here
        {models.length === 0 ? ", but has no model yet" : ` with ${count}${unused ? ": add one" : ""}`}
      </p>
      {models.length === 0 ? (
        <p className="mt-1 text-sm text-soft">
          {kind === "ollama" ? (
            <>
              Get one with <code className="font-mono">ollama pull llama3.2</code>, and look again.
            </>
          ) : (
            "Load one there, and look again."
          )}
        </p>
      ) : null}
      <ul className="mt-2 divide-y divide-line">
        {models.slice(0, all ? models.length : shownAtFirst).map(({ name, bytes }) => (
          <li key={name} className="flex min-h-11 items-center gap-3">
            <span className="min-w-0 flex-1 truncate text-sm" title={name}>
              {visible(name)}
            </span>
            {bytes === null ? null : <span className="text-xs text-soft tabular-nums">{sizeOf(bytes)}</span>}
            <AddModel server={server} model={name} has={bots.find((bot) => madeFrom(server, name, bot))} />
          </li>
        ))}
      </ul>
      {models.length > shownAtFirst && !all ? (
        <Button look="quiet" onClick={() => setAll(true)}>
          Show all {models.length}
        </Button>
      ) : null}
    </div>
  );
}

function AddModel({ server, model, has }: { server: FoundServer; model: string; has: Bot | undefined }): ReactNode {
  const bots = useBots();
  const { mutateAsync, isPending } = useAddBot();
  if (has) {
    return (
      <Button aria-label={`Talk to ${has.name}`} onClick={() => go({ page: "new", bot: has.name })}>
        Talk
      </Button>
    );
  }
  // What follows is not left to this button: the new bot may be heard of first, and takes the whole list off the page.
  const add = (): void =>
    void mutateAsync({ name: freeName(nameOfModel(model), bots), kind: server.kind, options: { ...server.options, model } }).then(
      ({ name }) => {
        showNotice(`${name} was added.`);
        go({ page: "new", bot: name });
      },
      (error: unknown) => showNotice(`${model} was not added: ${sentenceOf(error)}`, { bad: true }),
    );
  return (
    <Button look="primary" aria-label={`Add ${model}`} disabled={isPending} onClick={add}>
      <Plus size={14} /> {isPending ? "Adding…" : "Add"}
    </Button>
  );
}
