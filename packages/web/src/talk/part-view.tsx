import type { Part } from "@skep/protocol";
import {
  Brain,
  ChevronRight,
  Circle,
  CircleCheck,
  CircleDot,
  FileText,
  Globe,
  ListChecks,
  type LucideIcon,
  Move,
  Pencil,
  Search,
  Terminal,
  Trash2,
  Wrench,
} from "lucide-react";
import { memo, type ReactNode } from "react";
import { visible } from "../text/visible.tsx";

type Tool = Extract<Part, { type: "tool" }>;
type Plan = Extract<Part, { type: "plan" }>;

const icons: Record<Tool["tool"], LucideIcon> = {
  read: FileText,
  edit: Pencil,
  delete: Trash2,
  move: Move,
  search: Search,
  execute: Terminal,
  think: Brain,
  fetch: Globe,
  other: Wrench,
};
const toolStates: Record<Tool["state"], { word: string; color: string }> = {
  pending: { word: "waiting", color: "text-wait" },
  running: { word: "running", color: "text-wait pulse" },
  completed: { word: "done", color: "text-good" },
  failed: { word: "failed", color: "text-bad" },
};
const steps: Record<Plan["steps"][number]["state"], { word: string; icon: LucideIcon; color: string }> = {
  pending: { word: "to do", icon: Circle, color: "text-soft" },
  running: { word: "now", icon: CircleDot, color: "text-wait" },
  completed: { word: "done", icon: CircleCheck, color: "text-good" },
};

/** Folded: what it was in one line, the rest for who wants it. A plan is short, and what it is for is to be seen. */
export const PartView = memo(function PartView({ part }: { part: Part }): ReactNode {
  switch (part.type) {
    case "thought":
      return (
        <Fold kind="thought" icon={Brain} title="Thought">
          <div dir="auto" className="whitespace-pre-wrap text-soft">
            {visible(part.text)}
          </div>
        </Fold>
      );
    case "plan":
      return <PlanView plan={part} />;
    case "tool":
      return <ToolView tool={part} />;
  }
});

function ToolView({ tool }: { tool: Tool }): ReactNode {
  const { word, color } = toolStates[tool.state];
  const inside = [tool.paths?.join("\n"), tool.input, tool.output].filter((text) => text !== undefined && text !== "");
  return (
    <Fold kind="tool" icon={icons[tool.tool]} title={visible(tool.title)} state={<span className={`state text-xs ${color}`}>{word}</span>}>
      {inside.map((text, place) => (
        <pre
          key={place}
          dir="auto"
          tabIndex={0}
          className="max-h-72 overflow-auto rounded-lg bg-sunken px-3 py-2 font-mono text-xs leading-relaxed whitespace-pre-wrap"
        >
          {visible(text ?? "")}
        </pre>
      ))}
    </Fold>
  );
}

function PlanView({ plan }: { plan: Plan }): ReactNode {
  const done = plan.steps.filter(({ state }) => state === "completed").length;
  return (
    <Fold kind="plan" icon={ListChecks} title={`Plan, ${done} of ${plan.steps.length} done`} open>
      <ol className="space-y-0.5">
        {plan.steps.map(({ text, state }, place) => {
          const { word, icon: Icon, color } = steps[state];
          return (
            <li key={place} className={`${state} flex items-start gap-2 ${state === "completed" ? "text-soft" : ""}`}>
              <Icon size={14} className={`mt-1 shrink-0 ${color}`} aria-hidden="true" />
              <span className="sr-only">{word}: </span>
              <span dir="auto">{visible(text)}</span>
            </li>
          );
        })}
      </ol>
    </Fold>
  );
}

interface FoldProps {
  kind: Part["type"];
  icon: LucideIcon;
  title: ReactNode;
  state?: ReactNode;
  open?: boolean;
  children: ReactNode;
}

const Fold = ({ kind, icon: Icon, title, state, open = false, children }: FoldProps): ReactNode => (
  <details className={`part ${kind} group/part text-sm`} open={open}>
    <summary className="flex w-fit max-w-full list-none items-center gap-2 rounded-lg py-1 pe-3 ps-1.5 text-soft hover:bg-hover hover:text-ink [&::-webkit-details-marker]:hidden">
      <ChevronRight size={14} className="shrink-0 transition-transform group-open/part:rotate-90" aria-hidden="true" />
      <Icon size={15} className="shrink-0" aria-hidden="true" />
      <span className="title truncate text-ink" dir="auto">
        {title}
      </span>
      {state}
    </summary>
    <div className="ms-3 mt-1 mb-2 space-y-2 border-s-2 border-line ps-4">{children}</div>
  </details>
);
