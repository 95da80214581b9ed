import { visibleParts, visibleText as clientVisibleText } from "@skep/client";
import type { ReactNode } from "react";

/** For texts that people read. Those that they decide on go through `visibleToDecide`. */
export const visibleText = (text: string): string => clientVisibleText(text, "read");

/** A text for people to see: itself, or, when it holds characters that steer, with the names of those set apart. */
export const visible = (text: string): ReactNode => view(text, "read");

/** The same where people decide on it: also what is merely not seen is named. */
export const visibleToDecide = (text: string): ReactNode => view(text, "decide");

function view(text: string, purpose: "read" | "decide"): ReactNode {
  const parts = visibleParts(text, purpose);
  if (parts.every(({ names }) => names === null)) return text;
  return parts.map(({ text: shown, names }, place) =>
    names === null ? (
      shown
    ) : (
      <span key={place} className="control" title={`Control character U+${names.toString(16).toUpperCase().padStart(4, "0")}`}>
        {shown}
      </span>
    ),
  );
}
