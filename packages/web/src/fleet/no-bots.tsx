import type { ReactNode } from "react";
import { CopyButton } from "../ui/copy-button.tsx";

const commands = [
  ["A bot that repeats what you say, to try things out", "skep bot add echo --kind echo"],
  ["A model of your Ollama", "skep bot add llama --kind ollama --option model=llama3.2"],
] as const;

/** What to do first, where there is nothing yet. */
export const NoBots = (): ReactNode => (
  <section className="mx-auto max-w-xl px-6 py-16 text-center">
    <h2 className="text-lg font-semibold">No bots yet</h2>
    <p className="mt-1 text-soft">Add one where Skep runs. It appears here by itself.</p>
    <dl className="mt-6 space-y-4 text-start">
      {commands.map(([what, command]) => (
        <div key={command}>
          <dt className="mb-1 text-sm text-soft">{what}</dt>
          <dd className="flex items-center justify-between gap-2 rounded-xl border border-line bg-sunken py-1.5 ps-4 pe-2 font-mono text-sm">
            <span className="wrap-anywhere">{command}</span>
            <CopyButton text={command} what="command" />
          </dd>
        </div>
      ))}
    </dl>
  </section>
);
