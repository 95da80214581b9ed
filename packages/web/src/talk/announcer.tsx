import { type ReactNode, useEffect, useRef, useState } from "react";
import type { ConversationFeed } from "../state/conversation-feed.ts";
import { visibleText } from "../text/visible.tsx";

const spoken = 300;

/** Says new answers to those who listen to the page. The list itself says nothing: rows that are scrolled into view are no news. */
export function Announcer({ feed, head }: { feed: ConversationFeed; head: number }): ReactNode {
  const [text, setText] = useState("");
  const last = useRef(0);
  useEffect(() => {
    const message = feed.message(head);
    if (last.current > 0 && head > last.current && message && message.role !== "person") {
      setText(`${message.author}: ${visibleText(message.text).slice(0, spoken)}`);
    }
    last.current = head;
  }, [feed, head]);
  return (
    <p className="sr-only" role="log" aria-live="polite" aria-label="New answers">
      {text}
    </p>
  );
}
