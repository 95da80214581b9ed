import type { FoundModels } from "../operations/found-models.ts";
import { json } from "./bot-words.ts";
import { callControl } from "./control-client.ts";
import { printable, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** For a shell, where it needs quotes. */
const quoted = (text: string): string => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

const size = (bytes: number | null): string => (bytes === null ? "-" : `${(bytes / 1e9).toFixed(1)} GB`);

/** The server looks, not this program: bots run where it runs. */
export async function listFound(terminal: Terminal, data: string, asJson: boolean): Promise<void> {
  const found = await callControl<FoundModels>(data, "GET", "/api/found");
  if (asJson) return terminal.out(json(found));
  for (const { title, url, kind, options, models } of found.servers) {
    terminal.out(`${title} at ${url}${models.length === 0 ? " has no model yet." : ":"}`);
    if (models.length === 0 && kind === "ollama") terminal.out("Get one:  ollama pull llama3.2");
    if (models.length === 0) continue;
    terminal.out(
      table(
        ["MODEL", "SIZE"],
        models.map(({ name, bytes }) => [printable(name), size(bytes)]),
      ),
    );
    const rest = Object.entries({ ...options, model: models[0]?.name ?? "" }).map(
      ([name, value]) => `--option ${quoted(`${name}=${value}`)}`,
    );
    terminal.out(`Add one:  skep bot add NAME --kind ${kind} ${printable(rest.join(" "))}`);
  }
  if (!found.servers.some(({ kind }) => kind === "ollama")) {
    terminal.out(`No Ollama was found at ${found.ollamaUrl}. Get it at https://ollama.com, run "ollama pull llama3.2", and look again.`);
  }
}
