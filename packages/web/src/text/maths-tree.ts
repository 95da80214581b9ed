/**
 * From TeX to MathML, as a tree of what is known to be harmless: no string of markup exists, and only the elements, attributes and styles that are
 * named here get through. Loaded with the first formula (50 kB, gzip).
 */
import temml, { type Options as TemmlOptions } from "temml";
import "temml/dist/Temml-Local.css";
import "./maths.css";
import { visibleText } from "./visible.tsx";

export interface MathsNode {
  tag: string;
  attributes: Readonly<Record<string, string>>;
  /** Names as the DOM writes them: `borderTop`. */
  style: Readonly<Record<string, string>>;
  children: readonly (MathsNode | string)[];
}

/** What the library makes: elements, fragments of them, and text. */
interface Made {
  type?: string;
  attributes?: Record<string, unknown>;
  classes?: string[];
  style?: Record<string, unknown>;
  children?: Made[];
  text?: string;
}

const elements = new Set(
  (
    "math mrow mi mn mo ms mspace mtext mfrac msqrt mroot mstyle mphantom mpadded menclose msub msup msubsup mmultiscripts mprescripts none " +
    "munder mover munderover mtable mtr mtd"
  ).split(" "),
);
const attributes = new Set(
  (
    "display displaystyle scriptlevel mathvariant stretchy fence form separator symmetric largeop movablelimits accent accentunder lspace rspace " +
    "minsize maxsize width height depth voffset linethickness columnalign columnspacing rowspacing columnspan rowspan notation"
  ).split(" "),
);
const styles = new Set(
  (
    "color borderTop borderBottom borderLeft borderRight border borderColor padding paddingLeft paddingRight paddingTop paddingBottom textAlign " +
    "verticalAlign mathDepth mathShift mathStyle fontStyle fontWeight"
  ).split(" "),
);
const classes = /^(tml-(?!cancelto)[a-z-]+|menclose|math(cal|scr)|upstrike|downstrike|sout)$/;
/** No address, no function, no end of the declaration. */
const harmless = /^[\w\s.#%+-]{0,60}$/;

/** Its types speak of its CommonJS form, where this has another name. */
const { __renderToMathMLTree: treeOf } = temml as unknown as { __renderToMathMLTree: (tex: string, options: TemmlOptions) => Made };

const longest = 8000;
const deepest = 80;
/** What one formula may define could make a few letters into millions. */
const defines = /\\(?:[gex]?def|global|let|futurelet|(?:new|renew|provide)(?:command|environment)|DeclareMathOperator)(?![a-zA-Z])/;

/** @returns null for what is no formula, or too much for one: it is shown as it was written */
export function mathsTree(tex: string, display: boolean): MathsNode | null {
  if (tex.length > longest || defines.test(tex)) return null;
  try {
    const made = treeOf(tex, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      strict: false,
      maxExpand: 300,
      maxSize: [20, 20],
      macros: {},
    });
    const [tree] = nodesOf(made, 0);
    return typeof tree === "object" && tree.tag === "math" ? tree : null;
  } catch {
    return null;
  }
}

function nodesOf(made: Made, depth: number): (MathsNode | string)[] {
  if (depth > deepest) throw new RangeError("nested too deep");
  if (made.text !== undefined && made.children === undefined) return [visibleText(made.text)];
  const children = (made.children ?? []).flatMap((child) => nodesOf(child, depth + 1));
  const { type } = made;
  if (type === undefined || !elements.has(type)) return children;
  const known = keep(made.attributes, attributes);
  const names = (made.classes ?? []).filter((name) => classes.test(name));
  if (names.length > 0) known["class"] = names.join(" ");
  return [{ tag: type, attributes: known, style: keep(made.style, styles), children }];
}

function keep(given: Record<string, unknown> | undefined, wanted: ReadonlySet<string>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    if (wanted.has(name) && (typeof value === "string" || typeof value === "number") && harmless.test(String(value)))
      kept[name] = String(value);
  }
  return kept;
}
