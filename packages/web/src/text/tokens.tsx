/**
 * Tokens of markdown as elements. Only what is named here becomes an element, and text only ever becomes text: markup in a message is
 * shown, not obeyed, and pictures are links, since fetching one would tell somebody that the message was read (R-B9).
 */
import type { MarkedToken, Token, Tokens } from "marked";
import type { ReactNode } from "react";
import { CodeBlock } from "./code-block.tsx";
import { decodeEntities } from "./entities.ts";
import { Maths } from "./maths.tsx";
import type { MathsToken } from "./maths-rules.ts";
import { OutsideLink } from "./outside-link.tsx";
import { visible } from "./visible.tsx";

export interface Surroundings {
  /** The text is still being written. */
  live: boolean;
  /** How many tokens this one is in. */
  depth: number;
}

/** What is nested deeper is shown as it was written. */
const deepest = 40;

export function tokensView(tokens: readonly Token[] | undefined, { live, depth }: Surroundings): ReactNode[] {
  const inside = { live, depth: depth + 1 };
  // Tokens have no name but their place: a block is drawn anew as a whole.
  return (tokens ?? []).map((token, place) =>
    depth > deepest ? visible(token.raw) : <TokenView key={place} token={token as MarkedToken | MathsToken} inside={inside} />,
  );
}

const plainOf = (tokens: readonly Token[]): string =>
  tokens
    .map((token) => ("tokens" in token && token.tokens ? plainOf(token.tokens) : "text" in token ? String(token["text"]) : token.raw))
    .join("");

function TokenView({ token, inside }: { token: MarkedToken | MathsToken; inside: Surroundings }): ReactNode {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "heading":
      return <Heading depth={token.depth}>{tokensView(token.tokens, inside)}</Heading>;
    case "paragraph":
      return <p dir="auto">{tokensView(token.tokens, inside)}</p>;
    case "blockquote":
      return <blockquote>{tokensView(token.tokens, inside)}</blockquote>;
    case "code":
      return <CodeBlock code={token.text} language={token.lang ?? ""} live={inside.live} />;
    case "list":
      return <List list={token} inside={inside} />;
    case "list_item":
      return tokensView(token.tokens, inside);
    case "table":
      return <Table table={token} inside={inside} />;
    case "html":
      return token.block ? <p className="whitespace-pre-wrap">{visible(token.raw)}</p> : visible(token.raw);
    case "strong":
      return <strong>{tokensView(token.tokens, inside)}</strong>;
    case "em":
      return <em>{tokensView(token.tokens, inside)}</em>;
    case "del":
      return <del>{tokensView(token.tokens, inside)}</del>;
    case "codespan":
      return <code>{visible(token.text)}</code>;
    case "link":
      return (
        <OutsideLink href={token.autolink ? token.href : decodeEntities(token.href)} label={plainOf(token.tokens)}>
          {tokensView(token.tokens, inside)}
        </OutsideLink>
      );
    case "image":
      return (
        <OutsideLink href={decodeEntities(token.href)} label="">
          Picture: {visible(decodeEntities(token.text) || "without a name")}
        </OutsideLink>
      );
    case "checkbox":
      return (
        <span aria-label={token.checked ? "done" : "to do"} role="img">
          {token.checked ? "☑ " : "☐ "}
        </span>
      );
    case "escape":
      return visible(token.text);
    case "maths":
      return <Maths raw={token.raw} tex={token.text} display={token.display} />;
    case "text":
      return "tokens" in token && token.tokens ? tokensView(token.tokens, inside) : visible(decodeEntities(token.text));
    default:
      return visible((token as Token).raw);
  }
}

/** The page's own headings are the first two. */
function Heading({ depth, children }: { depth: number; children: ReactNode }): ReactNode {
  const Tag = depth <= 1 ? "h3" : depth === 2 ? "h4" : depth === 3 ? "h5" : "h6";
  return <Tag dir="auto">{children}</Tag>;
}

function List({ list, inside }: { list: Tokens.List; inside: Surroundings }): ReactNode {
  const items = list.items.map((item, place) => (
    <li key={place} dir="auto" className={item.task ? "task" : undefined}>
      {tokensView(item.tokens, inside)}
    </li>
  ));
  return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table, inside }: { table: Tokens.Table; inside: Surroundings }): ReactNode {
  const cell = (one: Tokens.TableCell): ReactNode => tokensView(one.tokens, inside);
  const side = (one: Tokens.TableCell): { style?: { textAlign: "left" | "right" | "center" } } =>
    one.align ? { style: { textAlign: one.align } } : {};
  return (
    // A wide table scrolls by itself; whoever uses the keyboard must be able to get there.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="overflow-x-auto" role="region" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {table.header.map((one, place) => (
              <th key={place} scope="col" dir="auto" {...side(one)}>
                {cell(one)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, line) => (
            <tr key={line}>
              {row.map((one, place) => (
                <td key={place} dir="auto" {...side(one)}>
                  {cell(one)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
