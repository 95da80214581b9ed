import { Refusal } from "@skep/client";
import { Download, FileJson, GitBranch, MoreHorizontal, Pencil, Trash2 } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { BotDot } from "../fleet/bot-state.tsx";
import { sentenceOf, useConversation } from "../state/queries.ts";
import { addressOf, go } from "../state/route.ts";
import { markSeen } from "../state/seen.ts";
import { useBots, useSkep } from "../state/skep.ts";
import { visible } from "../text/visible.tsx";
import { Menu } from "../ui/menu.tsx";
import { showNotice } from "../ui/notices.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { botStateSentence } from "../ui/sentences.ts";
import { BotTrouble } from "./bot-trouble.tsx";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { EraseDialog, RenameDialog } from "./conversation-dialogs.tsx";
import { exportConversation } from "./export.ts";
import { MessageList } from "./message-list.tsx";
import { titleOf } from "./title.ts";
import { stopTurn } from "./turn-row.tsx";

export function ConversationPage({ id, seq }: { id: string; seq: number }): ReactNode {
  const { client, feeds } = useSkep();
  const feed = useMemo(() => feeds.get(id), [feeds, id]);
  const { phase, head, tail, reason } = useSyncExternalStore(feed.subscribe, () => feed.view);
  const { data: conversation, error } = useConversation(id);
  const bot = useBots().get(conversation?.bot ?? "");
  const composer = useRef<ComposerHandle>(null);
  const [editing, setEditing] = useState<number | null>(null);
  const [asked, setAsked] = useState<"rename" | "erase" | null>(null);
  const turn = tail.findLast((row) => row.kind === "turn")?.turn ?? null;
  const gone = phase === "gone" ? reason : error instanceof Refusal && error.status === 404 ? "This conversation does not exist." : null;

  const begins = conversation?.from?.seq ?? 1;
  useEffect(() => feed.begins(begins), [feed, begins]);
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === "visible" && phase === "ready") markSeen(id, head);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [id, head, phase]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || turn === null) return;
      if (!document.querySelector("dialog[open], [popover]:popover-open")) void stopTurn(feed, turn);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [feed, turn]);

  if (gone !== null) return <Gone reason={gone} />;
  const save = (format: "markdown" | "json"): void => {
    if (!conversation) return;
    showNotice("The file is being put together…");
    exportConversation(client, conversation, format).catch((failure: unknown) =>
      showNotice(`There is no file: ${sentenceOf(failure)}`, { bad: true }),
    );
  };
  const name = conversation?.bot ?? "";
  return (
    <>
      <PageHeader
        title={conversation ? titleOf(conversation) : "…"}
        subtitle={
          <>
            <BotDot bot={bot} /> {name}
            {bot ? visible(` · ${botStateSentence(bot)}`) : ""}
            {conversation?.from ? <BranchOf from={conversation.from} /> : null}
          </>
        }
      >
        <Menu
          label="More"
          icon={<MoreHorizontal size={20} />}
          items={[
            { label: "Rename…", icon: <Pencil size={16} />, run: () => setAsked("rename") },
            { label: "Save as Markdown", icon: <Download size={16} />, run: () => save("markdown") },
            { label: "Save as JSON", icon: <FileJson size={16} />, run: () => save("json") },
            { label: "Erase…", icon: <Trash2 size={16} />, run: () => setAsked("erase"), danger: true },
          ]}
        />
      </PageHeader>
      <MessageList
        key={feed.id}
        feed={feed}
        bot={name || "the bot"}
        seq={seq}
        putBack={(text, files) => composer.current?.putBack(text, files)}
        editing={editing}
        edit={setEditing}
      />
      <BotTrouble name={name} />
      <Composer
        ref={composer}
        place={id}
        bot={name || "the bot"}
        takesFiles={bot?.can.includes("files") ?? false}
        send={(text, files) => {
          feed.send(text, files);
          return true;
        }}
        editLast={() => setEditing(feed.newestOwn || null)}
        stop={turn === null ? null : () => void stopTurn(feed, turn)}
      />
      {asked === "rename" && conversation ? <RenameDialog conversation={conversation} close={() => setAsked(null)} /> : null}
      {asked === "erase" && conversation ? (
        <EraseDialog
          conversation={{ ...conversation, head }}
          close={() => setAsked(null)}
          erased={() => go({ page: "home" }, { replace: true })}
        />
      ) : null}
    </>
  );
}

/** What it is a branch of, and the way there. */
function BranchOf({ from }: { from: { conversation: string | null; seq: number } }): ReactNode {
  const { data: origin } = useConversation(from.conversation ?? "");
  return (
    <span className="branch-of flex min-w-0 items-center gap-1">
      · <GitBranch size={12} className="shrink-0" aria-hidden="true" />
      {from.conversation === null ? (
        "branch of an erased conversation"
      ) : (
        <a
          href={addressOf({ page: "conversation", id: from.conversation, seq: from.seq })}
          className="truncate text-honey underline-offset-2 hover:underline"
        >
          branch of {origin ? visible(`“${titleOf(origin)}”`) : "another conversation"}
        </a>
      )}
    </span>
  );
}

const Gone = ({ reason }: { reason: string }): ReactNode => (
  <>
    <PageHeader title="Skep" subtitle="" />
    <div id="gone" className="m-auto p-8 text-center">
      <p>{reason}</p>
      <a className="mt-4 inline-block font-medium text-honey hover:underline" href={addressOf({ page: "new", bot: "" })}>
        Begin a new conversation
      </a>
    </div>
  </>
);
