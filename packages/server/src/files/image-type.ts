/** Enough to recognise any of them. */
export const signatureBytes = 12;

const starts = (bytes: Uint8Array, ...signature: number[]): boolean => signature.every((byte, i) => bytes[i] === byte);

/** The images that a browser may show: recognised by how they begin, whatever they are called. Null for everything else, SVG among it. */
export function imageType(bytes: Uint8Array): string | null {
  if (starts(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "image/png";
  if (starts(bytes, 0xff, 0xd8, 0xff)) return "image/jpeg";
  if (starts(bytes, 0x47, 0x49, 0x46, 0x38) && (bytes[4] === 0x37 || bytes[4] === 0x39) && bytes[5] === 0x61) return "image/gif";
  if (starts(bytes, 0x52, 0x49, 0x46, 0x46) && starts(bytes.subarray(8), 0x57, 0x45, 0x42, 0x50)) return "image/webp";
  return null;
}

export const isImage = (type: string): boolean =>
  type === "image/png" || type === "image/jpeg" || type === "image/gif" || type === "image/webp";

/** The type that is kept: one of the four is only what was recognised. */
export function typeOf(bytes: Uint8Array, said: string): string {
  const image = imageType(bytes);
  if (image !== null) return image;
  const type = said.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type.length <= 100 && /^[a-z0-9][a-z0-9.+-]*\/[a-z0-9][a-z0-9.+-]*$/.test(type) && !isImage(type)
    ? type
    : "application/octet-stream";
}
