import { useEffect, useState } from "react";

export interface Colored {
  content: string;
  color: string;
}

export type ColoredLines = readonly (readonly Colored[])[];

const settledMs = 150;
const longest = 30_000;
const kept = 200;

/** What was coloured last, so that code that is drawn anew (scrolled back to, or at the end of its answer) does not blink. */
const known = new Map<string, ColoredLines>();

function keep(name: string, lines: ColoredLines): void {
  known.set(name, lines);
  for (const oldest of known.keys()) {
    if (known.size <= kept) break;
    known.delete(oldest);
  }
}

let before: Promise<unknown> = Promise.resolve();

/** One after the other, each when the page has nothing better to do: many at once would hold up an answer that is being written. */
function inTurn(work: () => Promise<void>): void {
  before = before
    .then(
      () =>
        new Promise((resolve) =>
          "requestIdleCallback" in globalThis ? requestIdleCallback(resolve, { timeout: 1000 }) : setTimeout(resolve),
        ),
    )
    .then(work)
    // Without colours the code can be read all the same.
    .catch(() => {});
}

/** @returns lines in colours; null while there are none: not loaded yet, a language that is not known, or the code is still being written */
export function useHighlighted(code: string, language: string, live: boolean): ColoredLines | null {
  const name = `${language} ${code}`;
  const lines = known.get(name) ?? null;
  const [, redraw] = useState(0);
  useEffect(() => {
    if (live || lines || language === "" || code.length > longest) return;
    let wanted = true;
    const timer = setTimeout(() => {
      inTurn(async () => {
        if (!wanted) return;
        const found = await (await import("./highlighter.ts")).highlight(code, language);
        if (!found) return;
        keep(name, found);
        if (wanted) redraw((n) => n + 1);
      });
    }, settledMs);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [code, language, live, lines, name]);
  return lines;
}
