/** An element that is in `index.html`, of the class that it has there. */
export function elementOf<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no #${id} of this kind`);
  return element;
}

export const byId = (id: string): HTMLElement => elementOf(id, HTMLElement);

/** A new element. Text is only ever set as text, never as markup (R-B9). */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { className = "", text = "" }: { className?: string; text?: string } = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  if (text !== "") element.textContent = text;
  element.append(...children);
  return element;
}

export function button(text: string, press: () => void, className = ""): HTMLButtonElement {
  const element = make("button", { text, className });
  element.type = "button";
  element.addEventListener("click", press);
  return element;
}
