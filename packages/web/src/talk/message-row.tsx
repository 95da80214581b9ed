import type { Fork, Message, MessageFile } from "@skep/protocol";
import { Pencil, RefreshCw, RotateCcw } from "lucide-react";
import { memo, type ReactNode } from "react";
import { sentenceOf } from "../state/queries.ts";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import { visible } from "../text/visible.tsx";
import { Button, IconButton } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { showNotice } from "../ui/notices.tsx";
import { ClockTime, dayName } from "../ui/time.tsx";
import type { Face } from "./answer-row.tsx";
import { EditMessage } from "./edit-message.tsx";
import { Versions } from "./versions.tsx";
import { MessageFiles } from "./message-files.tsx";

const noParts: Message["parts"] & {} = [];

export const DayMark = ({ at }: { at: string }): ReactNode => (
  <div className="my-5 flex items-center gap-3 text-xs text-soft" role="separator" aria-label={dayName(at)}>
    <span className="h-px flex-1 bg-line" />
    <span>{dayName(at)}</span>
    <span className="h-px flex-1 bg-line" />
  </div>
);

const endings = { completed: "", cancelled: "Stopped", failed: "No answer" } as const;

interface PersonProps {
  /** The conversation's. */
  id: string;
  message: Message;
  /** Somebody came here to see this one. */
  looked: boolean;
  /** The other ways in which it was said. */
  fork: Fork | undefined;
  editing: boolean;
  /** null: no message any more. Not there where messages are not edited. */
  edit: ((seq: number | null) => void) | null;
}

interface AnswerProps {
  feed: ConversationFeed;
  message: Message;
  mayRetry: boolean;
  looked: boolean;
  /** Asks the question of this answer once more, in a branch; null where there is none. */
  askAgain: ((answer: Message) => void) | null;
}

const Details = ({ message: { createdAt, text } }: { message: Message }): ReactNode => (
  <>
    <ClockTime at={createdAt} />
    {text === "" ? null : <CopyButton text={text} what="message" />}
  </>
);

/** A message of a person. */
export const PersonRow = memo(function PersonRow({ id, message, looked, fork, editing, edit }: PersonProps): ReactNode {
  if (editing && edit) return <EditMessage id={id} message={message} close={() => edit(null)} />;
  return (
    <PersonText
      text={message.text}
      files={message.files}
      details={
        <>
          <Details message={message} />
          {edit ? (
            <IconButton label="Rewrite in a branch" onClick={() => edit(message.seq)}>
              <Pencil size={14} />
            </IconButton>
          ) : null}
        </>
      }
      looked={looked}
      versions={fork ? <Versions fork={fork} id={id} /> : null}
    />
  );
});

/** An answer that is in the log, or why there is none. */
export function answerFace({ feed, message, mayRetry, looked, askAgain }: AnswerProps): Face {
  const { role, outcome, turn, text } = message;
  const ending = outcome === undefined ? "" : endings[outcome];
  const retry = (): void => {
    if (turn !== undefined)
      feed.conversation.retry(turn).catch((error: unknown) => showNotice(`It was not tried again: ${sentenceOf(error)}`, { bad: true }));
  };
  const below =
    ending === "" ? null : (
      <div className={`status mt-2 flex items-center gap-3 text-sm ${outcome === "failed" ? "text-bad" : "text-soft"}`}>
        <span>{ending}</span>
        {mayRetry ? (
          <Button onClick={retry}>
            <RotateCcw size={14} /> Try again
          </Button>
        ) : null}
      </div>
    );
  return {
    author: message.insteadOf === undefined ? message.author : `${message.author}, instead of ${message.insteadOf}`,
    note: role === "system" ? text === "" ? <></> : <p className="said whitespace-pre-wrap">{visible(text)}</p> : null,
    text,
    parts: message.parts ?? noParts,
    draft: null,
    below,
    details:
      text === "" ? null : (
        <>
          <Details message={message} />
          {askAgain ? (
            <IconButton label="Ask again" onClick={() => askAgain(message)}>
              <RefreshCw size={14} />
            </IconButton>
          ) : null}
        </>
      ),
    looked,
  };
}

const shownOnLook = "opacity-0 group-hover:opacity-100 group-focus-within:opacity-100 pointer-coarse:opacity-100";
const found = "rounded-xl outline-2 outline-offset-4 outline-honey";

interface PersonTextProps {
  text: string;
  files: readonly MessageFile[] | undefined;
  details: ReactNode;
  looked?: boolean;
  /** Seen without looking for it. */
  versions?: ReactNode;
  /** It is not in the log yet. */
  faded?: boolean;
  /** A long one scrolls in itself, so that what stands around it can be seen. */
  short?: boolean;
}

/** What a person wrote, as it was written. */
export function PersonText({
  text,
  files,
  details,
  looked = false,
  versions = null,
  faded = false,
  short = false,
}: PersonTextProps): ReactNode {
  return (
    <article className={`group flex flex-col items-end py-1.5 ${looked ? found : ""}`} aria-label="You">
      {files ? <MessageFiles files={files} /> : null}
      {text === "" ? null : (
        <div
          data-role="person"
          dir="auto"
          {...(short ? { tabIndex: 0 } : {})}
          className={`text said max-w-[85%] rounded-2xl rounded-ee-md bg-own px-4 py-2 whitespace-pre-wrap wrap-anywhere ${faded ? "opacity-70" : ""} ${short ? "max-h-40 overflow-y-auto" : ""}`}
        >
          {visible(text)}
        </div>
      )}
      <div className="flex min-h-7 items-center gap-1 text-xs text-soft">
        <div className={`flex items-center gap-1 transition-opacity ${faded ? "" : shownOnLook}`}>{details}</div>
        {versions}
      </div>
    </article>
  );
}

interface BotTextProps {
  author: string;
  /** The line below: as high whatever stands in it, so that nothing moves when an answer is complete. */
  details: ReactNode;
  children: ReactNode;
  looked?: boolean;
  /** The line below is seen without looking for it. */
  always?: boolean;
}

export function BotText({ author, details, children, looked = false, always = false }: BotTextProps): ReactNode {
  return (
    <article className={`group py-1.5 ${looked ? found : ""}`} aria-label={author}>
      <div className="mb-0.5 text-xs font-medium text-soft">{visible(author)}</div>
      <div data-role="bot" className="text">
        {children}
      </div>
      <div className={`flex min-h-7 items-center gap-1 text-xs text-soft transition-opacity ${always ? "" : shownOnLook}`}>{details}</div>
    </article>
  );
}
