/** Where the texts would go, and what they would run. */
export const away = "https://evil.example";
export const run = "globalThis.owned=1";
