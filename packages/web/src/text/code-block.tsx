import { memo, type ReactNode } from "react";
import { CopyButton } from "../ui/copy-button.tsx";
import { useHighlighted } from "./highlight.ts";
import { visible, visibleText } from "./visible.tsx";

/** Languages of drawings. What draws them weighs more than the whole page, so they are shown as they were written. */
const diagrams = new Set(["mermaid", "dot", "graphviz", "plantuml", "puml", "d2", "nomnoml", "wavedrom", "ditaa", "svgbob"]);

/** @param live it is still being written: colours come when it stands still */
export const CodeBlock = memo(function CodeBlock({ code, language, live }: { code: string; language: string; live: boolean }): ReactNode {
  const name = visibleText(language.trim().split(/[\s{,]/, 1)[0] ?? "").slice(0, 30);
  const diagram = diagrams.has(name.toLowerCase());
  const title = diagram ? `Diagram, as text · ${name}` : name || "text";
  const lines = useHighlighted(code, name.toLowerCase(), live);
  return (
    <div className="code-block overflow-hidden rounded-xl border border-line bg-sunken">
      <div className="flex items-center justify-between gap-2 border-b border-line py-0.5 ps-3.5 pe-1 text-xs text-soft">
        <span>{title}</span>
        <CopyButton text={code} what={diagram ? "diagram" : "code"} />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls sideways, also by keyboard */}
      <pre
        className="overflow-x-auto px-3.5 py-2.5 text-[0.86rem] leading-relaxed"
        tabIndex={0}
        role="region"
        aria-label={diagram ? title : `Code${name ? `, ${name}` : ""}`}
        dir="ltr"
      >
        <code className="font-mono">
          {lines
            ? lines.map((line, number) => (
                <span key={number}>
                  {line.map(({ content, color }, place) => (
                    <span key={place} style={{ color }}>
                      {visible(content)}
                    </span>
                  ))}
                  {number < lines.length - 1 ? "\n" : null}
                </span>
              ))
            : live
              ? piecesOf(code).map((piece, place) => <Piece key={place} text={piece} />)
              : visible(code)}
        </code>
      </pre>
    </div>
  );
});

const pieceLength = 3000;

/** Code that is being written is laid out in pieces of whole lines: of a long one, only the last changes. */
const Piece = memo(function Piece({ text }: { text: string }): ReactNode {
  return <span className="block">{visible(text)}</span>;
});

function piecesOf(code: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  while (code.length - at > pieceLength) {
    const end = code.indexOf("\n", at + pieceLength) + 1;
    if (end === 0) break;
    pieces.push(code.slice(at, end));
    at = end;
  }
  pieces.push(code.slice(at));
  return pieces;
}
