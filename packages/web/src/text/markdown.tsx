import { Lexer } from "marked";
import { memo, type ReactNode, useRef } from "react";
import { type Blocks, blocksOf, type Links, noBlocks } from "./blocks.ts";
import { lexerOptions } from "./maths-rules.ts";
import { tokensView } from "./tokens.tsx";
import { visible } from "./visible.tsx";

/** @param live the text is still being written */
export const Markdown = memo(function Markdown({ text, live = false }: { text: string; live?: boolean }): ReactNode {
  const before = useRef<Blocks>(noBlocks);
  // Only a shorter way to the same result, so it may be kept from one drawing to the next.
  const { blocks, links } = (before.current = blocksOf(text, before.current));
  const last = blocks.length - 1;
  return (
    <div className={live ? "prose writing" : "prose"}>
      {blocks.map(({ at, raw, plain }, place) => (
        <BlockView key={at} raw={raw} plain={plain} links={links} live={live && place === last} />
      ))}
    </div>
  );
});

const BlockView = memo(function BlockView(props: { raw: string; plain: boolean; links: Links | null; live: boolean }): ReactNode {
  const { raw, plain, links, live } = props;
  if (plain) return <p className="whitespace-pre-wrap">{visible(raw)}</p>;
  try {
    const lexer = new Lexer(lexerOptions());
    if (links) Object.assign(lexer.tokens.links, links);
    return tokensView(lexer.lex(raw), { live, depth: 0 });
  } catch {
    // Nested deeper than the lexer can follow: shown as it was written.
    return <p className="whitespace-pre-wrap">{visible(raw)}</p>;
  }
});
