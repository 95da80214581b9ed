import { make } from "./element.ts";

const fence = /(\n*)^(```[^\n]*\n)([\s\S]*?)(^```[ \t]*$|$(?![\s\S]))(\n*)/gm;
/** A longer text is shown as it is: to look for code in it at every delta would cost more than it shows. */
const longest = 64 * 1024;

/**
 * Puts a text into an element, with its fenced code set apart. Nothing is left out: the element's text is the message,
 * character for character, and all of it is text, never markup (R-B9).
 */
export function showText(element: HTMLElement, text: string): void {
  if (text.length > longest || !text.includes("```")) {
    element.textContent = text;
    return;
  }
  const parts: Node[] = [];
  let at = 0;
  for (const match of text.matchAll(fence)) {
    if (match.index > at) parts.push(document.createTextNode(text.slice(at, match.index)));
    const [, before = "", opening = "", code = "", closing = "", after = ""] = match;
    parts.push(
      make("span", { className: "fold", text: before }),
      make(
        "code",
        { className: "code" },
        make("span", { className: "fence", text: opening }),
        document.createTextNode(code),
        make("span", { className: "fence", text: closing }),
      ),
      make("span", { className: "fold", text: after }),
    );
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push(document.createTextNode(text.slice(at)));
  element.replaceChildren(...parts);
}
