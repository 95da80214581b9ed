import type { ReactNode } from "react";
import { addressOf } from "../state/route.ts";
import { useConnection, useSkep } from "../state/skep.ts";
import { visible } from "../text/visible.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { Late } from "../ui/late.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { titleFrom } from "./title.ts";

const command = "skep start";

/** Instead of what only the server knows: where it is, what can be done meanwhile, and what waits to be sent. */
export function NoServer(): ReactNode {
  const { client } = useSkep();
  const connection = useConnection();
  const tried = "tries" in connection && connection.tries > 0;
  const waiting = client.unsent.map((id) => ({ id, sends: client.conversation(id).pending }));
  return (
    <>
      <PageHeader title="Skep" subtitle="" />
      <div className="min-h-0 flex-1 overflow-y-auto px-4">
        {tried ? (
          <section id="no-server" className="mx-auto max-w-md py-16">
            <img src="/skep.svg" alt="" className="mb-5 size-14" />
            <h2 className="text-lg font-semibold">Skep does not answer</h2>
            <p className="mt-1 text-soft">
              Nothing is lost. This page goes on by itself as soon as {location.host} answers again. If it was stopped, start it where it
              runs:
            </p>
            <div className="mt-3 flex items-center justify-between gap-2 rounded-xl border border-line bg-sunken py-1.5 ps-4 pe-2 font-mono text-sm">
              <code>{command}</code>
              <CopyButton text={command} what="command" />
            </div>
            {waiting.length > 0 ? (
              <>
                <h3 className="mt-8 mb-2 text-sm font-semibold">Waits to be sent</h3>
                <ul id="unsent" className="space-y-2">
                  {waiting.map(({ id, sends }) => (
                    <li key={id}>
                      <a
                        href={addressOf({ page: "conversation", id, seq: 0 })}
                        className="flex items-baseline gap-3 rounded-xl border border-line bg-raised px-4 py-2.5 text-sm hover:border-honey"
                      >
                        <span className="min-w-0 flex-1 truncate" dir="auto">
                          {visible(titleFrom(sends[0]?.text ?? ""))}
                        </span>
                        <span className="text-xs text-soft">{sends.length === 1 ? "1 message" : `${sends.length} messages`}</span>
                      </a>
                    </li>
                  ))}
                </ul>
              </>
            ) : null}
          </section>
        ) : (
          <Late>
            <p role="status" className="py-16 text-center text-soft">
              Connecting…
            </p>
          </Late>
        )}
      </div>
    </>
  );
}
