/** Figures that both sides of the wire must agree on. The server sends those a client needs in `hello.limits`. */
export const protocolVersion = 1;

export const limits = {
  /** UTF-8 bytes of one message (R-B2); configurable on the server. */
  messageBytes: 10 * 1024,
  /** Bytes of one WebSocket frame from a client. */
  frameBytes: 1024 * 1024,
  /** Messages in one such frame. */
  frameMessages: 10_000,
  /** Messages in one page of history. */
  pageSize: 100,
  pageSizeMax: 500,
  keyLength: 128,
  titleLength: 200,
  nameLength: 64,
  /** Bytes of one file; the files of one message may not have more together either. */
  fileBytes: 10 * 1024 * 1024,
  messageFiles: 10,
  fileNameLength: 255,
  /** Subscriptions of one connection. */
  subscriptions: 1000,
} as const;
