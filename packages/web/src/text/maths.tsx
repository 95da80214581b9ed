import { createElement, memo, type ReactNode, useEffect, useState } from "react";
import type { MathsNode } from "./maths-tree.ts";
import { visible } from "./visible.tsx";

const kept = 500;

/** What was set last; null: no formula. So that one that is drawn anew does not blink. */
const known = new Map<string, MathsNode | null>();

let setter: typeof import("./maths-tree.ts") | null = null;

function set(tex: string, display: boolean): MathsNode | null | undefined {
  const name = `${display ? "=" : "-"}${tex}`;
  const found = known.get(name);
  if (found !== undefined || !setter) return found;
  const tree = setter.mathsTree(tex, display);
  known.set(name, tree);
  for (const oldest of known.keys()) {
    if (known.size <= kept) break;
    known.delete(oldest);
  }
  return tree;
}

/** A formula; as it was written while what sets it is not loaded, and for ever when it is none. `raw` has its signs. */
export const Maths = memo(function Maths({ raw, tex, display }: { raw: string; tex: string; display: boolean }): ReactNode {
  const [, loaded] = useState(setter !== null);
  const tree = set(tex, display);
  useEffect(() => {
    if (setter) return;
    let wanted = true;
    import("./maths-tree.ts").then(
      (module) => {
        setter = module;
        if (wanted) loaded(true);
      },
      // It can be read as it was written.
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, []);
  if (!tree) return <code className={display ? "maths-source block" : "maths-source"}>{visible(raw.trim())}</code>;
  const formula = elementOf(tree, 0);
  return display ? (
    // A wide one scrolls by itself; whoever uses the keyboard must be able to get there.
    <span className="maths block overflow-x-auto overflow-y-hidden" role="region" aria-label="Formula" tabIndex={0}>
      {formula}
    </span>
  ) : (
    formula
  );
});

const elementOf = ({ tag, attributes, style, children }: MathsNode, place: number): ReactNode => {
  const { class: className, ...rest } = attributes;
  return createElement(
    tag,
    { key: place, ...rest, ...(className === undefined ? {} : { className }), style },
    ...children.map((child, inside) => (typeof child === "string" ? child : elementOf(child, inside))),
  );
};
