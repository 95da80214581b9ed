import type { Permission } from "@skep/protocol";
import { ShieldQuestion } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import { sentenceOf } from "../state/queries.ts";
import { visibleToDecide } from "../text/visible.tsx";
import { Button } from "../ui/button.tsx";
import { showNotice } from "../ui/notices.tsx";

interface Props {
  feed: ConversationFeed;
  permission: Permission;
  online: boolean;
}

/** What a bot asks before it does it: a card with a button for each way to decide, a line once that is settled. */
export function PermissionCard({ feed, permission, online }: Props): ReactNode {
  const { id, bot, title, detail, options, state } = permission;
  const [sent, setSent] = useState<string | null>(null);
  const heading = useId();
  if (state !== "pending") return <Settled permission={permission} />;
  const decide = (option: string): void => {
    setSent(option);
    feed.conversation
      .decide(id, option)
      .catch((error: unknown) => showNotice(`Not decided: ${sentenceOf(error)}`, { bad: true }))
      .finally(() => setSent(null));
  };
  return (
    <section aria-labelledby={heading} className="permission mt-2 max-w-2xl rounded-2xl border border-wait bg-wait-back p-4">
      <p id={heading} className="question flex items-start gap-2.5">
        <ShieldQuestion size={19} className="mt-0.5 shrink-0 text-wait" aria-hidden="true" />
        <span className="min-w-0 wrap-anywhere">
          {`${bot} asks: `}
          <strong dir="auto" className="font-semibold">
            {visibleToDecide(title)}
          </strong>
        </span>
      </p>
      {detail === "" ? null : (
        <pre
          dir="auto"
          tabIndex={0}
          className="mt-3 max-h-72 overflow-auto rounded-lg border border-line bg-raised px-3 py-2 font-mono text-xs leading-relaxed whitespace-pre-wrap"
        >
          {visibleToDecide(detail)}
        </pre>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        {options.map((option) => (
          <Button
            key={option.id}
            look={option.effect === "allow" && !option.always ? "primary" : "plain"}
            disabled={!online || sent !== null}
            title={option.always ? "Also for later requests of this kind" : undefined}
            onClick={() => decide(option.id)}
          >
            {visibleToDecide(option.label)}
          </Button>
        ))}
      </div>
    </section>
  );
}

function Settled({ permission: { title, state, options, option, decidedBy } }: { permission: Permission }): ReactNode {
  const chosen = options.find(({ id }) => id === option);
  const outcome = {
    pending: "",
    expired: "Nobody decided in time",
    withdrawn: "Withdrawn",
    decided: `${chosen?.effect === "allow" ? "Allowed" : "Rejected"}${decidedBy === undefined ? " by the bot's policy" : ` by ${decidedBy}`}`,
  }[state];
  return (
    <p className="settled mt-1 text-sm text-soft">
      {outcome}: <span dir="auto">{visibleToDecide(title)}</span>
    </p>
  );
}
