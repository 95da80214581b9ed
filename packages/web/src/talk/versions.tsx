import type { Fork } from "@skep/protocol";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { go } from "../state/route.ts";
import { IconButton } from "../ui/button.tsx";

/** The arrow that was pressed last has the focus again in the conversation that it leads to: it can be pressed on and on. */
let pressed: { conversation: string; seq: number; step: 1 | -1 } | null = null;

/** The ways in which something was said, each in a conversation of its own: which of them this is, and the way to the others. */
export function Versions({ fork, id }: { fork: Fork; id: string }): ReactNode {
  const { seq, conversations, shown } = fork;
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // After the message field, which takes the focus when a conversation opens.
    const frame = requestAnimationFrame(() => {
      if (pressed?.conversation !== id || pressed.seq !== seq) return;
      const [back, on] = group.current?.querySelectorAll("button") ?? [];
      const wanted = pressed.step === 1 ? on : back;
      (wanted?.disabled ? (pressed.step === 1 ? back : on) : wanted)?.focus();
      pressed = null;
    });
    return () => cancelAnimationFrame(frame);
  }, [id, seq]);
  const to = (step: 1 | -1): void => {
    const conversation = conversations[shown + step];
    if (conversation === undefined) return;
    pressed = { conversation, seq, step };
    go({ page: "conversation", id: conversation, seq });
  };
  return (
    <div ref={group} className="versions flex items-center text-soft" role="group" aria-label="Versions of this message">
      <IconButton label="The version before" disabled={shown === 0} onClick={() => to(-1)}>
        <ChevronLeft size={16} />
      </IconButton>
      <span className="tabular-nums">
        {shown + 1} of {conversations.length}
      </span>
      <IconButton label="The next version" disabled={shown === conversations.length - 1} onClick={() => to(1)}>
        <ChevronRight size={16} />
      </IconButton>
    </div>
  );
}
