import { Refusal } from "@skep/client";
import { Download, FileJson, MoreHorizontal, Pencil, Trash2 } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { BotDot } from "../fleet/bot-state.tsx";
import { sentenceOf, useConversation } from "../state/queries.ts";
import { addressOf, go } from "../state/route.ts";
import { markSeen } from "../state/seen.ts";
import { useBots, useSkep } from "../state/skep.ts";
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
  const [asked, setAsked] = useState<"rename" | "erase" | null>(null);
  const turn = tail.findLast((row) => row.kind === "turn")?.turn ?? null;
  const gone = phase === "gone" ? reason : error instanceof Refusal && error.status === 404 ? "This conversation does not exist." : null;

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
            {bot ? ` · ${botStateSentence(bot)}` : ""}
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
        edit={(text, files) => composer.current?.putBack(text, files)}
      />
      <BotTrouble name={name} />
      <Composer
        ref={composer}
        place={id}
        bot={name || "the bot"}
        takesFiles={bot?.can.includes("files") ?? false}
        send={(text, files) => {
          // What becomes of it shows in the list.
          feed.conversation.send(text, { files }).catch(() => {});
          return true;
        }}
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
