/** One question to several bots, each in a conversation of its own, side by side. */
import type { ReactNode } from "react";
import { ChooseBots } from "./choose-bots.tsx";
import { SideBySide } from "./side-by-side.tsx";

export const ComparePage = ({ ids }: { ids: readonly string[] }): ReactNode =>
  ids.length === 0 ? <ChooseBots /> : <SideBySide key={ids.join(" ")} ids={ids} />;
