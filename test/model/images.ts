/** Images in requests, checked as each protocol has them. */

/** What a server can tell of an image that it was sent. */
export interface SentImage {
  /** As the request says it; Ollama's does not. */
  type: string | null;
  bytes: Buffer;
}

const signatures: readonly [type: string, signature: Buffer][] = [
  ["image/png", Buffer.from("89504e470d0a1a0a", "hex")],
  ["image/jpeg", Buffer.from("ffd8ff", "hex")],
  ["image/gif", Buffer.from("GIF8")],
  ["image/webp", Buffer.from("RIFF")],
];

/** @returns the bytes, or what is wrong */
function image(type: string | null, data: unknown): SentImage | string {
  if (typeof data !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(data) || data.length % 4 !== 0) return "illegal base64 data";
  const bytes = Buffer.from(data, "base64");
  const found = signatures.find(([, signature]) => bytes.subarray(0, signature.length).equals(signature));
  if (!found) return "image: unknown format";
  if (type !== null && found[0] !== type) return `the image was said to be ${type}, it is ${found[0]}`;
  return { type, bytes };
}

type Parts = readonly Record<string, unknown>[];
type Given = { role: string; content?: unknown; images?: unknown };

/** One message's. @returns what is wrong when something is */
type Reader = (message: Given) => (SentImage | string)[];

export const ollamaImages: Reader = ({ images = [] }) =>
  Array.isArray(images) ? images.map((data) => image(null, data)) : ["images must be a list"];

export const openaiImages: Reader = ({ role, content }) => {
  if (!Array.isArray(content)) return [];
  if (role !== "user") return ["Invalid value: only a user's message may be a list of parts with images"];
  return (content as Parts).flatMap((part): (SentImage | string)[] => {
    if (part["type"] === "text") return typeof part["text"] === "string" ? [] : ["Missing required parameter: text"];
    if (part["type"] !== "image_url") return [`Invalid value: '${String(part["type"])}'`];
    const url = (part["image_url"] as { url?: unknown } | undefined)?.url;
    const match = /^data:([^;,]+);base64,(.*)$/s.exec(typeof url === "string" ? url : "");
    return [match ? image(match[1] ?? "", match[2]) : "Invalid image URL"];
  });
};

export const anthropicImages: Reader = ({ role, content }) => {
  if (!Array.isArray(content)) return [];
  return (content as Parts).flatMap((block): (SentImage | string)[] => {
    if (block["type"] === "text") return [];
    if (block["type"] !== "image" && block["type"] !== "document") return [`messages: unexpected block ${String(block["type"])}`];
    if (role !== "user") return ["messages: only a user may have images"];
    const { type, media_type: media, data } = (block["source"] ?? {}) as Record<string, unknown>;
    if (type !== "base64" || typeof media !== "string") return ["messages: source must be base64 with a media_type"];
    if (block["type"] === "image") return [image(media, data)];
    const bytes = Buffer.from(String(data), "base64");
    return media === "application/pdf" && bytes.subarray(0, 5).toString() === "%PDF-"
      ? [{ type: media, bytes }]
      : ["messages: the document is no PDF"];
  });
};

export const imagesIn = (messages: readonly Given[], read: Reader): { images: SentImage[]; wrong: string | null } => {
  const all = messages.flatMap(read);
  return {
    images: all.filter((one): one is SentImage => typeof one !== "string"),
    wrong: all.find((one): one is string => typeof one === "string") ?? null,
  };
};
