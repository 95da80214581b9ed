import { Plus } from "lucide-react";
import type { ReactNode } from "react";
import { addressOf } from "../state/route.ts";
import { FoundModels } from "./found-models.tsx";
import { CopyButton } from "../ui/copy-button.tsx";

const command = "skep bot add llama --kind ollama --option model=llama3.2";

/** What to do first, where there is nothing yet. */
export const NoBots = (): ReactNode => (
  <section className="mx-auto max-w-xl px-6 py-16 text-center">
    <img src="/skep.svg" alt="" className="mx-auto mb-5 size-14" />
    <h2 className="text-lg font-semibold">No bots yet</h2>
    <p className="mt-1 text-soft">A model of your Ollama, a hosted one, a coding agent, a script: add one, and talk to it.</p>
    <a
      href={addressOf({ page: "add-bot" })}
      className="mt-5 inline-flex min-h-10 items-center gap-1.5 rounded-xl bg-honey px-5 font-medium text-on-honey hover:brightness-110"
    >
      <Plus size={18} /> Add a bot
    </a>
    <div className="mt-8">
      <FoundModels />
    </div>
    <p className="mt-8 mb-1 text-sm text-soft">Or where Skep runs:</p>
    <div className="flex items-center justify-between gap-2 rounded-xl border border-line bg-sunken py-1.5 ps-4 pe-2 text-start font-mono text-sm">
      <span className="wrap-anywhere">{command}</span>
      <CopyButton text={command} what="command" />
    </div>
  </section>
);
