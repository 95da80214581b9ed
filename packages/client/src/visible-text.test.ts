import { expect, test } from "vitest";
import { visibleParts, visibleText } from "./visible-text.ts";

const plain = "two\n\tlines, 日本語, שלום, می‌خواهم, 👩‍👩‍👧‍👦 e\u0301";

test("[R-B9] what steers what stands around it is named, to read and to decide on alike; everything else stays as it is", () => {
  for (const purpose of ["read", "decide"] as const) {
    expect(visibleText("rm \u202egpj.\u2066x\u2069", purpose)).toBe("rm ‹RLO›gpj.‹LRI›x‹PDI›");
    expect(visibleText("a\u001b[2K\rb\u0000\u009b\u0085\u007f\u{e0041}", purpose)).toBe("a‹ESC›[2K‹CR›b‹NUL›‹CSI›‹U+0085›‹DEL›‹U+E0041›");
    expect(visibleText(plain, purpose)).toBe(plain);
  }
});

test("[R-B9] [R-B4] what is merely not seen is named where people decide, and left to the scripts that need it where they read", () => {
  const hidden = "a\u200bb\ufeffc\u00add\u200fe\u2060f";
  expect(visibleText(hidden)).toBe("a‹ZWSP›b‹BOM›c‹SHY›d‹RLM›e‹WJ›f");
  expect(visibleText(hidden, "read")).toBe(hidden);
  const wales = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}";
  expect(visibleText(wales, "read")).toBe(wales);
  expect(visibleText(wales)).toBe("🏴‹U+E0067›‹U+E0062›‹U+E0077›‹U+E006C›‹U+E0073›‹U+E007F›");
});

test("its parts, joined, are the same; those that name a character say which", () => {
  for (const text of ["", plain, "\u202ea\u001b\u001bb", "a\u200b"]) {
    for (const purpose of ["read", "decide"] as const) {
      const parts = visibleParts(text, purpose);
      expect(parts.map((part) => part.text).join("")).toBe(visibleText(text, purpose));
      expect(parts.map((part) => (part.names === null ? part.text : String.fromCodePoint(part.names))).join("")).toBe(text);
    }
  }
});
