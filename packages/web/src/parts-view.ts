import type { Part, PlacedPart } from "@skep/protocol";
import { make } from "./element.ts";

const toolStates = { pending: "waiting", running: "running", completed: "done", failed: "failed" } as const;
const stepStates = { pending: "to do", running: "now", completed: "done" } as const;

/** Thoughts, tool calls and plans of an answer, folded; what a person has opened stays open while it changes. */
export class PartsView {
  readonly element = make("div", { className: "parts" });
  readonly #shown: { part: Part; fold: HTMLDetailsElement }[] = [];

  constructor(parts: readonly PlacedPart[] = []) {
    this.show(parts);
  }

  show(parts: readonly PlacedPart[]): void {
    this.element.hidden = parts.length === 0;
    for (const { fold } of this.#shown.splice(parts.length)) fold.remove();
    for (const [index, { part }] of parts.entries()) {
      const shown = this.#shown[index];
      if (shown?.part === part) continue;
      const made = foldOf(part, shown?.fold);
      this.#shown[index] = { part, fold: made };
      if (made !== shown?.fold) {
        shown?.fold.remove();
        this.element.append(made);
      }
    }
  }
}

/** Changes the fold that is there, if it is of the same kind. */
function foldOf(part: Part, before: HTMLDetailsElement | undefined): HTMLDetailsElement {
  const fold = before?.classList.contains(part.type) ? before : make("details", { className: `part ${part.type}` }, make("summary"));
  const summary = fold.firstElementChild as HTMLElement;
  // A plan is short, and what it is for is to be seen.
  if (fold !== before) fold.open = part.type === "plan";
  switch (part.type) {
    case "thought":
      summary.textContent = "Thought";
      fold.replaceChildren(summary, block("div", part.text));
      return fold;
    case "plan": {
      const done = part.steps.filter(({ state }) => state === "completed").length;
      summary.textContent = `Plan, ${done} of ${part.steps.length} done`;
      const steps = part.steps.map(({ text, state }) => {
        const step = make(
          "li",
          { className: state },
          make("span", { className: "unseen", text: `${stepStates[state]}: ` }),
          block("span", text),
        );
        return step;
      });
      fold.replaceChildren(summary, make("ol", {}, ...steps));
      return fold;
    }
    case "tool": {
      fold.dataset["state"] = part.state;
      summary.replaceChildren(block("span", part.title), make("span", { className: "state", text: toolStates[part.state] }));
      const inside = [part.paths?.join("\n"), part.input, part.output].filter((text): text is string => text !== undefined && text !== "");
      fold.replaceChildren(summary, ...inside.map((text) => block("pre", text)));
    }
  }
  return fold;
}

function block<K extends "div" | "span" | "pre">(tag: K, text: string): HTMLElementTagNameMap[K] {
  const element = make(tag, { text });
  element.dir = "auto";
  return element;
}
