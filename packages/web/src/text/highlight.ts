import { useEffect, useState } from "react";

export interface Colored {
  content: string;
  color: string;
}

export type ColoredLines = readonly (readonly Colored[])[];

const settledMs = 150;
const longestWaitMs = 1000;
const spareMs = 7;
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

let loaded: Promise<typeof import("./highlighter.ts")> | null = null;

/** Asked for once: each `import` looks through the whole page for what it has to load, also when it is there. */
function loadHighlighter(): Promise<typeof import("./highlighter.ts")> {
  loaded ??= import("./highlighter.ts").catch((error: unknown) => {
    loaded = null;
    throw error;
  });
  return loaded;
}

/** Until this frame has time to spare: one in which much was drawn has not, though it may have a moment. @param until when it is done all the same */
function idle(until: number): Promise<void> {
  return new Promise((resolve) => {
    if (!("requestIdleCallback" in globalThis)) setTimeout(resolve);
    else
      requestIdleCallback(
        (deadline) => {
          const now = deadline.didTimeout || deadline.timeRemaining() >= spareMs || performance.now() >= until;
          resolve(now ? undefined : idle(until));
        },
        { timeout: longestWaitMs },
      );
  });
}

let before: Promise<unknown> = Promise.resolve();

/** One after the other, each when the page has nothing better to do: many at once would hold up an answer that is being written. */
function inTurn(work: () => Promise<void>): void {
  before = before
    .then(() => idle(performance.now() + longestWaitMs))
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
        const found = await (await loadHighlighter()).highlight(code, language);
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
