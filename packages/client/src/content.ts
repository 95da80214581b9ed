import type { MessageFile } from "@skep/protocol/wire";

/** What a send says. Its files are on the server already: what is kept of them is which they are. */
export interface Content {
  text: string;
  files?: readonly MessageFile[];
}

export const contentOf = ({ text, files }: Content): Content => (files ? { text, files } : { text });
