import type { PlacedPart } from "@skep/protocol";
import { memo, type ReactNode } from "react";
import { Markdown } from "../text/markdown.tsx";
import { visible } from "../text/visible.tsx";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { PartView } from "./part-view.tsx";

interface Props {
  text: string;
  /** In order of their beginning. */
  parts: readonly PlacedPart[];
  live?: boolean;
}

/** An answer: its text, and between it what the bot thought, did and planned, each where it began. */
export const AnswerBody = memo(function AnswerBody({ text, parts, live = false }: Props): ReactNode {
  const pieces: ReactNode[] = [];
  let from = 0;
  for (const [index, { at, part }] of parts.entries()) {
    if (at > from) {
      pieces.push(<Text key={`text-${from}`} text={text.slice(from, at)} live={false} />);
      from = Math.min(at, text.length);
    }
    pieces.push(<PartView key={`part-${index}`} part={part} />);
  }
  if (from < text.length) pieces.push(<Text key={`text-${from}`} text={text.slice(from)} live={live} />);
  return <div className="said space-y-1.5">{pieces}</div>;
});

const Text = ({ text, live }: { text: string; live: boolean }): ReactNode => (
  <ErrorBoundary instead={<AsWritten text={text} />}>
    <Markdown text={text} live={live} />
  </ErrorBoundary>
);

/** Drawn only when it is needed: to look through all of a long text takes time. */
const AsWritten = ({ text }: { text: string }): ReactNode => <p className="whitespace-pre-wrap">{visible(text)}</p>;
