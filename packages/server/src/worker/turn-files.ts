/** Files of a turn, as kinds of bots read them. Loads nothing of Node before there is a file. */
import type { TurnFile } from "@skep/protocol/bot";

/** @throws Error when it is one that is only named */
export function bytesOf(file: TurnFile): Buffer {
  if (file.path !== undefined) return process.getBuiltinModule("node:fs").readFileSync(file.path);
  if (file.data !== undefined) return Buffer.from(file.data, "base64");
  throw new Error(`The file ${file.name} cannot be read here`);
}

export const isImage = ({ type }: TurnFile): boolean => /^image\/(png|jpeg|gif|webp)$/.test(type);
export const isText = ({ type, name }: TurnFile): boolean =>
  /^(text\/|application\/(json|xml|yaml|x-yaml|toml|javascript|x-sh)\b)/.test(type) ||
  /\.(txt|md|csv|tsv|json|jsonl|ya?ml|toml|xml|html?|css|[cm]?[jt]sx?|py|rs|go|java|c|h|cpp|rb|sh|sql|log|ini|diff|patch)$/i.test(name);

/** What a model can be given of a file. */
export type Readable =
  | { kind: "image"; type: string; data: string }
  | { kind: "pdf"; name: string; data: string }
  | { kind: "text"; name: string; text: string }
  /** It cannot be given; the model is told its name. */
  | { kind: "name"; name: string };

/** What a model cannot be given at all; the message is a sentence for people. */
export class NotForModels extends Error {
  override name = "NotForModels";
}

const isReadable = (file: TurnFile): boolean => file.path !== undefined || file.data !== undefined;

/** @param pdf does the API take PDFs? @throws NotForModels */
export function readFor(file: TurnFile, pdf: boolean): Readable {
  if (isImage(file)) return { kind: "image", type: file.type, data: bytesOf(file).toString("base64") };
  if (pdf && file.type === "application/pdf") return { kind: "pdf", name: file.name, data: bytesOf(file).toString("base64") };
  const bytes = isText(file) ? bytesOf(file) : null;
  const text = bytes === null ? null : utf8(bytes);
  if (text === null) {
    throw new NotForModels(`A model cannot read "${file.name}" (${file.type}); it takes images and text${pdf ? " and PDF" : ""}`);
  }
  return { kind: "text", name: file.name, text };
}

/** Of the files of earlier messages, only newer images can be read. */
export const isEarlierImage = (file: TurnFile): boolean => isReadable(file) && isImage(file);

/** Of an earlier message: what can be read again, or its name. */
export function readEarlier(file: TurnFile): Readable {
  return isEarlierImage(file) ? readFor(file, false) : { kind: "name", name: file.name };
}

function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** As text in a message: what stands in a file, or that there was one. */
export const asText = (file: Extract<Readable, { kind: "text" | "name" }>): string =>
  file.kind === "name" ? `[A file was attached here: ${JSON.stringify(file.name)}]` : `[File ${JSON.stringify(file.name)}:]\n${file.text}`;
