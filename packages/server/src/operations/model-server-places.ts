/** Where a model server may be on this machine, and what its lists say. Pure: `found-models.ts` asks. */
import { ollamaDefaults } from "../worker/ollama-options.ts";

export interface FoundModel {
  name: string;
  /** On the disk; null when the server does not say. */
  bytes: number | null;
}

/** A model server that has answered. `{...options, model}` are the options of a bot of that kind. */
export interface FoundServer {
  title: string;
  url: string;
  kind: "ollama" | "openai";
  options: Record<string, string>;
  models: FoundModel[];
}

export interface Place {
  kind: FoundServer["kind"];
  /** Without a path. */
  url: string;
  /** What it is called, if it does not say so itself. */
  title: string;
}

const mostModels = 200;
const longestName = 200;

/**
 * The address that Ollama's own programs would use, from what they use: a host, a port or both, with or without a scheme. An address to listen
 * on everywhere is asked on this machine. @returns the usual place for what is no address
 */
export function ollamaAddress(host: string | undefined): string {
  const text = (host ?? "").trim().replaceAll(/^["']|["']$/g, "");
  if (text === "") return ollamaDefaults.url;
  const scheme = /^(https?):\/\//i.exec(text)?.[1]?.toLowerCase();
  const rest = text.replace(/^https?:\/\//i, "").split("/", 1)[0] ?? "";
  const [whole, name = "", port] = /^(\[[^\]]*\]|[^:@]*)(?::(\d+))?$/.exec(rest) ?? [];
  if (whole === undefined) return ollamaDefaults.url;
  const everywhere = name === "" || name === "0.0.0.0" || name === "[::]" || name === "*";
  const usualPort = scheme === "https" ? "443" : scheme === "http" ? "80" : "11434";
  try {
    return new URL(`${scheme ?? "http"}://${everywhere ? "127.0.0.1" : name}:${port ?? usualPort}`).origin;
  } catch {
    return ollamaDefaults.url;
  }
}

/** @param ownPort is Skep's: what answers there is not asked */
export function placesToLook(ollamaHost: string | undefined, ownPort: number): Place[] {
  const others: [port: number, title: string][] = [
    [1234, "LM Studio"],
    [8080, "llama.cpp"],
    [8000, "vLLM"],
  ];
  const ollama = ollamaAddress(ollamaHost);
  return [
    { kind: "ollama", url: ollama, title: "Ollama" },
    ...others
      .map(([port, title]): Place => ({ kind: "openai", url: `http://127.0.0.1:${port}`, title }))
      .filter(({ url }) => url !== ollama && url !== `http://127.0.0.1:${ownPort}`),
  ];
}

export const listPath = ({ kind }: Place): string => (kind === "ollama" ? "/api/tags" : "/v1/models");

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const isName = (value: unknown): value is string => typeof value === "string" && value.trim() !== "" && value.length <= longestName;

/** Models that make vectors of texts do not talk. */
const embeds = (name: string, family: unknown): boolean =>
  /(^|[^a-z])embed/i.test(name) || (typeof family === "string" && /bert$/i.test(family));

const owners: Readonly<Record<string, string>> = { llamacpp: "llama.cpp", vllm: "vLLM" };

/** @returns null when the answer is not the list that was asked for: something else is there */
export function serverFrom({ kind, url, title }: Place, answer: unknown): FoundServer | null {
  if (!isObject(answer)) return null;
  if (kind === "ollama") {
    if (!Array.isArray(answer["models"])) return null;
    const models = answer["models"].filter(isObject).flatMap(({ name, size, details }): FoundModel[] => {
      if (!isName(name) || embeds(name, isObject(details) ? details["family"] : undefined)) return [];
      return [{ name, bytes: typeof size === "number" && size > 0 ? size : null }];
    });
    return { title, url, kind, options: url === ollamaDefaults.url ? {} : { url }, models: models.slice(0, mostModels) };
  }
  if (answer["object"] !== "list" || !Array.isArray(answer["data"])) return null;
  const list = answer["data"].filter(isObject);
  const models = list.flatMap(({ id }): FoundModel[] => (isName(id) && !embeds(id, undefined) ? [{ name: id, bytes: null }] : []));
  const owner = list.map(({ owned_by: by }) => by).find((by) => typeof by === "string" && Object.hasOwn(owners, by)) as string | undefined;
  return {
    title: owner === undefined ? title : (owners[owner] ?? title),
    url,
    kind,
    options: { baseUrl: `${url}/v1` },
    models: models.slice(0, mostModels),
  };
}
