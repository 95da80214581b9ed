/** What keys do. Single letters only count outside of fields, and can be switched off (WCAG 2.1.4). */
export interface Shortcut {
  keys: readonly string[];
  what: string;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export const commandKey = isMac ? "⌘" : "Ctrl";

export const shortcuts: readonly Shortcut[] = [
  { keys: [commandKey, "K"], what: "Commands, and everything that can be found" },
  { keys: ["N"], what: "New conversation" },
  { keys: ["C"], what: "Compare bots: one question to several" },
  { keys: ["/"], what: "Search conversations" },
  { keys: ["Alt", "↑"], what: "The conversation before" },
  { keys: ["Alt", "↓"], what: "The next conversation" },
  { keys: ["B"], what: "Bots" },
  { keys: ["O"], what: "Overview" },
  { keys: ["Enter"], what: "Send" },
  { keys: ["Shift", "Enter"], what: "A new line" },
  { keys: ["↑"], what: "Edit your last message, from the empty field" },
  { keys: ["Esc"], what: "Stop the answer, or close what is open" },
  { keys: ["?"], what: "This list" },
];

export const lettersOff = "skep.letters-off";

const fields = "input, textarea, select, [contenteditable]";

/** @returns the letter that was pressed as a command; null while somebody writes, or a dialog is open */
export function letterOf(event: KeyboardEvent): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length !== 1) return null;
  if (event.target instanceof Element && event.target.closest(fields)) return null;
  return document.querySelector("dialog[open]") ? null : event.key.toLowerCase();
}
