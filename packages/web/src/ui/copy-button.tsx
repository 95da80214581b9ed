import { Check, Copy } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { showNotice } from "./notices.tsx";

/** Where the page is not on a secure origin, browsers have no clipboard for it, only what is selected. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "fixed opacity-0";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser did not copy");
}

/** @param text what is copied, exactly as it was written @param what "code", "message": for the label */
export function CopyButton({ text, what, className = "" }: { text: string | (() => string); what: string; className?: string }): ReactNode {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  const press = (): void => {
    copy(typeof text === "string" ? text : text()).then(
      () => setDone(true),
      () => showNotice("The browser did not allow to copy.", { bad: true }),
    );
  };
  return (
    <button
      type="button"
      onClick={press}
      aria-label={done ? "Copied" : `Copy ${what}`}
      title={`Copy ${what}`}
      className={`inline-flex h-7 items-center gap-1 rounded-md px-1.5 text-xs text-soft hover:bg-hover hover:text-ink ${className}`}
    >
      {done ? <Check size={14} className="text-good" /> : <Copy size={14} />}
      {done ? <span>Copied</span> : null}
    </button>
  );
}
