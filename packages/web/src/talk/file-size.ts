const units = ["B", "kB", "MB"];

/** Bytes as people say them. */
export function sizeText(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${size < 10 && unit > 0 ? size.toFixed(1).replace(/\.0$/, "") : Math.round(size)} ${units[unit]}`;
}

/** Recognised by the server by their bytes: what the page shows. */
export const isImage = (type: string): boolean => /^image\/(png|jpeg|gif|webp)$/.test(type);
export const addressOfFile = (id: string): string => `/api/files/${encodeURIComponent(id)}`;
