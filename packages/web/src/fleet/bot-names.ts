/** Names for bots that nobody had to think of. */
const longest = 64;

/** A name that is free: the one that is wanted, or with a number behind it. */
export function freeName(wanted: string, taken: { has(name: string): boolean }): string {
  for (let number = 1; ; number++) {
    const end = number === 1 ? "" : `-${number}`;
    const name = wanted.slice(0, longest - end.length) + end;
    if (!taken.has(name)) return name;
  }
}

/** "hf.co/someone/Llama-3.2:latest" -> "Llama-3-2": what may stand in a bot's name. */
export function nameOfModel(model: string): string {
  const last =
    model
      .replace(/:latest$/, "")
      .split("/")
      .at(-1) ?? "";
  return (
    last
      .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
      .replaceAll(/^-+|-+$/g, "")
      .slice(0, longest) || "model"
  );
}

/** Of a file, as people say it: "2.0 GB", "270 MB". */
export const sizeOf = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
