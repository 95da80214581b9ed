import { expect, test } from "vitest";
import { visibleText } from "./visible-text.ts";

test("[R-B9] what hides, reorders or overwrites is shown by its number; everything else stays as it is", () => {
  expect(visibleText("rm \u202egpj.\u2066x\u2069")).toBe("rm ‹U+202E›gpj.‹U+2066›x‹U+2069›");
  expect(visibleText("a\u001b[2K\rb\u0000\u009b\u200b\ufeff\u00ad\u{e0041}")).toBe(
    "a‹U+001B›[2K‹U+000D›b‹U+0000›‹U+009B›‹U+200B›‹U+FEFF›‹U+00AD›‹U+E0041›",
  );
  const plain = "two\n\tlines, 日本語, שלום, می‌خواهم, 👩‍👩‍👧‍👦 e\u0301";
  expect(visibleText(plain)).toBe(plain);
});
