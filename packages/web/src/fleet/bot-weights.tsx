import type { Balance, Bot, BotPatch } from "@skep/protocol";
import { type ReactNode, useId, useState } from "react";
import { percent } from "../overview/figures.ts";
import { sentenceOf, useChangeBot } from "../state/queries.ts";
import { Button } from "../ui/button.tsx";
import { showNotice } from "../ui/notices.tsx";
import { parts, sharesOf, withWeights } from "./shares.ts";

const ways: Record<Balance, { name: string; about: string }> = {
  "least-busy": {
    name: "To the least busy",
    about: "A worker with twice the weight takes twice the work before it counts as equally busy.",
  },
  "round-robin": { name: "One after the other", about: "All get the same; weights do not count." },
  weighted: { name: "By weight, exactly", about: "Over every round each worker gets exactly its part." },
  "sticky-conversation": { name: "A conversation stays with its worker", about: "Which worker a new conversation gets goes by weight." },
  "sticky-person": { name: "A person stays with their worker", about: "Which worker a new person gets goes by weight." },
};

/** How the messages of a bot are shared among its workers. What is set counts from the next message on; the workers go on as they are. */
export function BotWeights({ bot }: { bot: Bot }): ReactNode {
  const id = useId();
  const { mutateAsync, isPending } = useChangeBot();
  const [draft, setDraft] = useState<{ weights: number[]; balance: Balance } | null>(null);
  const stored = sharesOf(bot);
  const balance = draft?.balance ?? bot.balance;
  const shares = stored.map((share, i) => ({ ...share, weight: draft?.weights[i] ?? share.weight }));
  const changed = balance !== bot.balance || shares.some(({ weight }, i) => weight !== stored[i]?.weight);
  const counts = balance !== "round-robin";
  const part = parts(counts ? shares : shares.map((share) => ({ ...share, weight: 1 })));

  const set = (weights: number[], way: Balance): void => setDraft({ weights, balance: way });
  const weights = shares.map(({ weight }) => weight);

  const save = async (patch: BotPatch, before: BotPatch | null): Promise<void> => {
    try {
      await mutateAsync({ bot: bot.name, patch });
      setDraft(null);
      if (before === null) showNotice(`${bot.name} shares its messages as it did before.`);
      else {
        showNotice(`Saved: ${bot.name} shares its messages anew from the next one on. Its workers go on as they are.`, {
          action: { label: "Undo", run: () => void save(before, null) },
        });
      }
    } catch (error) {
      showNotice(`The weights of ${bot.name} were not saved: ${sentenceOf(error)}`, { bad: true });
    }
  };
  return (
    <section aria-labelledby={id} className="weights rounded-2xl border border-line bg-raised p-4">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 id={id} className="font-semibold">
          Shares
        </h2>
        <select
          aria-label="How messages are shared among the workers"
          value={balance}
          onChange={(event) => set(weights, event.target.value as Balance)}
          className="h-9 max-w-full rounded-lg border border-line bg-paper px-2 text-sm"
        >
          {Object.entries(ways).map(([value, { name }]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <p className="mt-1 text-sm text-soft">{ways[balance].about}</p>
      <ul className="mt-3 space-y-2">
        {shares.map(({ name, weight, count }, i) => (
          <li key={name} className="grid grid-cols-[5rem_1fr_auto] sm:grid-cols-[8rem_1fr_auto] items-center gap-3 text-sm">
            <label htmlFor={`${id}-${i}`} className="truncate" title={name}>
              {name}
              {count > 1 ? <span className="text-soft"> ({count} workers)</span> : null}
            </label>
            <input
              id={`${id}-${i}`}
              type="range"
              min={1}
              max={100}
              value={weight}
              disabled={!counts || isPending}
              aria-valuetext={`weight ${weight}, ${percent(part[i] ?? 0)} of the messages`}
              onChange={(event) =>
                set(
                  weights.map((one, at) => (at === i ? event.target.valueAsNumber : one)),
                  balance,
                )
              }
              className="min-h-6 w-full min-w-0"
            />
            <span className="w-24 text-end tabular-nums">
              <span className="text-soft">{weight} · </span>
              {percent(part[i] ?? 0)}
            </span>
          </li>
        ))}
      </ul>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button
          look="primary"
          disabled={!changed || isPending}
          onClick={() => {
            const { workers } = bot;
            void save({ workers: withWeights(workers, weights), balance }, { workers, balance: bot.balance });
          }}
        >
          {isPending ? "Saving…" : "Save"}
        </Button>
        <Button look="quiet" disabled={!changed || isPending} onClick={() => setDraft(null)}>
          Discard
        </Button>
      </div>
    </section>
  );
}
