import { Lexer, type Tokens } from "marked";
import { memo, type ReactNode, useRef } from "react";
import { type Block, type Blocks, blocksOf, type Links, noBlocks } from "./blocks.ts";
import { lexerOptions } from "./maths-rules.ts";
import { tokensView } from "./tokens.tsx";
import { visible } from "./visible.tsx";

/** @param live the text is still being written */
export const Markdown = memo(function Markdown({ text, live = false }: { text: string; live?: boolean }): ReactNode {
  const before = useRef<Blocks>(noBlocks);
  // Only a shorter way to the same result, so it may be kept from one drawing to the next.
  const { blocks, links } = (before.current = blocksOf(text, before.current));
  const last = blocks.length - 1;
  const grown = useRef(live);
  return (
    <div className={`prose ${grown.current ? "grown" : ""} ${live ? "writing" : ""}`}>
      {Array.from({ length: Math.ceil(blocks.length / together) }, (_, group) => (
        <BlockGroup
          key={group}
          blocks={blocks.slice(group * together, (group + 1) * together)}
          links={links}
          last={live && group === Math.floor(last / together) ? last % together : -1}
        />
      ))}
    </div>
  );
});

const together = 32;

interface Group {
  blocks: readonly Block[];
  links: Links | null;
  /** The place of the block that is being written; -1 for none. */
  last: number;
}

/** Blocks that are done are not even looked at again one by one, so that a long answer costs no more for each piece than a short one. */
const BlockGroup = memo(
  function BlockGroup({ blocks, links, last }: Group): ReactNode {
    return (
      <div>
        {blocks.map(({ at, raw, plain, fence }, place) => (
          <BlockView key={at} raw={raw} plain={plain} fence={fence} links={links} live={place === last} />
        ))}
      </div>
    );
  },
  (before, now) =>
    before.last === now.last &&
    before.links === now.links &&
    before.blocks.length === now.blocks.length &&
    before.blocks.every((block, place) => block === now.blocks[place]),
);

interface Shown {
  raw: string;
  plain: boolean;
  fence: string | undefined;
  links: Links | null;
  live: boolean;
}

const BlockView = memo(function BlockView({ raw, plain, fence, links, live }: Shown): ReactNode {
  if (plain) return <p className="whitespace-pre-wrap">{visible(raw)}</p>;
  if (fence !== undefined) return tokensView([openCode(raw, fence)], { live, depth: 0 });
  try {
    const lexer = new Lexer(lexerOptions());
    if (links) Object.assign(lexer.tokens.links, links);
    return tokensView(lexer.lex(raw), { live, depth: 0 });
  } catch {
    // Nested deeper than the lexer can follow: shown as it was written.
    return <p className="whitespace-pre-wrap">{visible(raw)}</p>;
  }
});

/** What the lexer makes of code that has no end yet. */
function openCode(raw: string, fence: string): Tokens.Code {
  const line = raw.indexOf("\n");
  return { type: "code", raw, lang: raw.slice(fence.length, line).trim(), text: raw.slice(line + 1).replace(/\n$/, "") };
}
