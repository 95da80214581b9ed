import { Refusal, idSchema, limits } from "@skep/protocol";
import type { Readable } from "node:stream";
import { z } from "zod";
import type { FilesApi, OpenedFile } from "../../files/api.ts";
import { isImage } from "../../files/image-type.ts";
import type { Route } from "../route.ts";
import { anyType, bytes, route } from "../route.ts";
import { fileShape } from "../shapes.ts";

const nameQuery = z
  .string()
  .refine((name) => name.trim() !== "", "is the file's name, which may not be empty")
  .max(limits.fileNameLength)
  .refine((name) => name.isWellFormed(), "has an unpaired surrogate");

/** Whatever a file holds, it runs nothing, loads nothing and is nobody here. */
const filePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'";

export function fileRoutes(files: FilesApi): Route[] {
  return [
    route({
      method: "POST",
      path: "/api/files",
      summary: `Upload a file for a message: its bytes are the body, at most ${limits.fileBytes}, its media type the header Content-Type. Named by no message within an hour, it is forgotten`,
      permission: "conversations.use",
      query: z.strictObject({ name: nameQuery }),
      body: bytes,
      status: 201,
      response: fileShape.extend({ sha256: z.string() }),
      handler: async ({ person, query, body, header, setHeader }) => {
        const length = header("content-length");
        const upload = { name: query.name, type: header("content-type") ?? "", length: length === undefined ? null : Number(length) };
        const file = await files.upload(person, { ...upload, body: piecesOf(body) });
        setHeader("location", `/api/files/${file.id}`);
        return file;
      },
    }),
    route({
      method: "GET",
      path: "/api/files/{id}",
      summary: "The bytes of a file. PNG, JPEG, GIF and WebP come as what they are, everything else as something to be saved",
      permission: "conversations.use",
      params: z.strictObject({ id: idSchema }),
      query: z.strictObject({ save: z.literal("yes", 'is "yes" or left out').optional().describe("Also an image is to be saved") }),
      status: 200,
      type: anyType,
      handler: async ({ person, params, query, header, setHeader }) => {
        const file = await files.open(person, params.id);
        const shown = isImage(file.type) && query.save === undefined;
        setHeader("content-disposition", `${shown ? "inline" : "attachment"}; ${fileNames(file.name)}`);
        setHeader("content-security-policy", filePolicy);
        setHeader("cache-control", "private, no-cache");
        setHeader("etag", `"${file.sha256}"`);
        return answerOf(file, header("if-none-match"), setHeader);
      },
    }),
  ];
}

function answerOf(file: OpenedFile, known: string | undefined, setHeader: (name: string, value: string) => void): Readable | null {
  if (known?.includes(`"${file.sha256}"`)) {
    file.body.destroy();
    return null;
  }
  setHeader("content-type", isImage(file.type) ? file.type : "application/octet-stream");
  setHeader("content-length", String(file.size));
  return file.body;
}

/** Read on its own, so that who leaves off in the middle does not cut the connection on which the answer is to go. */
const piecesOf = (body: Readable | undefined): AsyncIterable<Uint8Array> => {
  if (body === undefined) throw new Refusal("field_invalid", "The file is empty: its bytes are the body of the request", { field: "body" });
  return body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
};

/** RFC 6266: a plain form of the name for old programs, and the name itself, in which nothing can end the header. */
function fileNames(name: string): string {
  const plain = name.replaceAll(/[^\w .()-]/g, "_");
  const exact = encodeURIComponent(name).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `filename="${plain}"; filename*=UTF-8''${exact}`;
}
