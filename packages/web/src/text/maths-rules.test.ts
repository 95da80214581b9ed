import { Lexer, type Token, type Tokens } from "marked";
import { expect, test } from "vitest";
import { lexerOptions } from "./maths-rules.ts";

/** Formulas in a text, in their order; those on lines of their own begin with "= ". */
function formulasOf(text: string): string[] {
  const found: string[] = [];
  const look = (tokens: readonly Token[]): void => {
    for (const token of tokens) {
      if (token.type === "maths") found.push(`${token["display"] === true ? "= " : ""}${String(token["text"]).trim()}`);
      else if (token.type === "list") for (const item of token["items"] as { tokens: Token[] }[]) look(item.tokens);
      else if (token.type === "table") for (const cell of (token as Tokens.Table).rows.flat()) look(cell.tokens);
      else if ("tokens" in token && token.tokens) look(token.tokens);
    }
  };
  look(new Lexer(lexerOptions()).lex(text));
  return found;
}

test.each([
  ["$x$", ["x"]],
  ["Let $a_1 * b$ and $c * d_2$.", ["a_1 * b", "c * d_2"]],
  ["($e^{i\\pi} + 1 = 0$)", ["e^{i\\pi} + 1 = 0"]],
  ["$3 \\times 4$, $f(x)$, $x$-axis", ["3 \\times 4", "f(x)", "x"]],
  ["an escaped sign: $5\\$ + x$", ["5\\$ + x"]],
  ["\\(x^2\\) and \\[y\\]", ["x^2", "= y"]],
  ["in a line $$x$$ too", ["= x"]],
  ["$$\\frac12$$", ["= \\frac12"]],
  ["We have:\n$$\na = b\n$$\nso.", ["= a = b"]],
  ["\\[\n- x\n= y\n\\]", ["= - x\n= y"]],
  ["$$\nx = 1 $$\nafter", ["= x = 1"]],
  ["- item $x$\n- $$y$$\n\n> $z$", ["x", "= y", "z"]],
  ["| a | b |\n|---|---|\n| $x$ | $5 |", ["x"]],
])("maths is found in %j", (text, formulas) => {
  expect(formulasOf(text)).toEqual(formulas);
});

test.each([
  "$5 and $10",
  "It costs $5, $6 or $7.",
  "US$5-US$10, A$5/A$6",
  "$5, or 10$",
  "between $5 (4€) and 6$ a month",
  "$HOME and $PATH",
  "$HOME/$USER:$PATH",
  "echo $x; echo $y",
  "a $ b $ c",
  "$$",
  "$$$$",
  "\\$5 and \\$6$",
  "`$x$` and ``a $ b``",
  "```\n$$\nx\n$$\n```",
  "    $$\n    x\n    $$",
  "$x\n\ny$",
  "jQuery$(x)$y",
  "$$ a lot of money",
  "$$\nnever ended\n\nnext",
])("no maths is found in %j", (text) => {
  expect(formulasOf(text)).toEqual([]);
});
