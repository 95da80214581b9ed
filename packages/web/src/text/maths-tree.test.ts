import { expect, test } from "vitest";
import { type MathsNode, mathsTree } from "./maths-tree.ts";

const textOf = (node: MathsNode | string): string => (typeof node === "string" ? node : node.children.map(textOf).join(""));
const all = (node: MathsNode | string): MathsNode[] => (typeof node === "string" ? [] : [node, ...node.children.flatMap(all)]);

test.each([
  ["x^2", "x2"],
  ["\\frac{a}{b} \\le \\sqrt[3]{c}", "ab≤c3"],
  ["\\begin{pmatrix}1 & 2\\\\3 & 4\\end{pmatrix}", "(1234)"],
  ["\\sum_{i=1}^n i", "∑i=1ni"],
  ["\\text{if } x \\in \\mathbb{R}", "if x∈ℝ"],
  ["\\begin{aligned}a &= b\\\\ &= c\\end{aligned}", "a=b=c"],
])("%s is set as a formula", (tex, text) => {
  const tree = mathsTree(tex, true);
  expect(tree?.tag).toBe("math");
  expect(textOf(tree as MathsNode).replaceAll(/[\u00a0\u2061-\u2064]/g, (c) => (c === "\u00a0" ? " " : ""))).toBe(text);
});

test.each([
  "\\href{javascript:alert(1)}{x}",
  "\\url{https://evil.example}",
  "\\includegraphics{https://evil.example/x.png}",
  "\\class{hidden}{x}",
  "\\id{root}{x}",
  "\\style{position:fixed}{x}",
  "\\data{x=y}{x}",
  "\\def\\a{\\a\\a}\\a",
  "\\newcommand{\\a}{xx}\\a",
  "\\let\\a=\\b",
  "\\textcolor{red;background:url(https://evil.example)}{x}",
  "{".repeat(4000),
  "\\sqrt{".repeat(1000) + "x" + "}".repeat(1000),
  "\\frac{".repeat(100) + "x" + "}{y}".repeat(100),
  "x".repeat(9000),
  "\\unknown",
  "",
])("[R-B9] %.40s is no formula of ours", (tex) => {
  const tree = mathsTree(tex, false);
  // An empty one is a formula without anything in it.
  if (tree) expect(all(tree).length).toBeLessThan(3);
});

test.each([
  "\\text{<img src=x onerror=alert(1)>}",
  "\\text{\u202eabc}",
  "\\color{url(x)}x",
  "\\rule{9999em}{9999em}",
  "\\hspace{-9999em}x",
  "\\raisebox{9999em}{x}",
  "\\cancelto{1}{x}",
  "\\colorbox{red}{x}",
  "\\begin{array}{c|c}1&2\\\\\\hline 3&4\\end{array}",
  "\\tag{1}x",
  "\\verb|<script>|",
  "\\htmlClass{x}{y}",
  "\\unicode{x202e}",
])("[R-B9] whatever %s becomes, it names no address, reaches no further than its place and steers nothing", (tex) => {
  const tree = mathsTree(tex, true);
  if (!tree) return;
  for (const { attributes, style } of all(tree)) {
    for (const value of [...Object.values(attributes), ...Object.values(style)]) {
      expect(value).not.toMatch(/url|[();:<]/);
      expect(Math.abs(Number.parseFloat(value)) || 0).toBeLessThanOrEqual(100);
    }
    expect(Object.keys(attributes).filter((name) => /^(on|href|src|id|data|style|xlink)/i.test(name))).toEqual([]);
  }
  expect(textOf(tree)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
});

test("a formula that is made to be slow is not", () => {
  for (const tex of [
    "x^{".repeat(60) + "1" + "}".repeat(60),
    "a&b\\\\".repeat(1500),
    "\\overbrace{x}".repeat(600),
    "\\left(".repeat(900),
    "\\mathbf{x}".repeat(800),
  ]) {
    const started = performance.now();
    mathsTree(tex, true);
    mathsTree(`\\begin{matrix}${tex}\\end{matrix}`, true);
    expect(performance.now() - started).toBeLessThan(1500);
  }
});
