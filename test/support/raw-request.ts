import { connect } from "node:net";

/** Sends bytes as they are, and gives everything that comes back until the other side hangs up. */
export function rawRequest(url: string, ...pieces: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""), () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    const end = (): void => resolve(Buffer.concat(chunks).toString());
    socket.on("end", end).on("close", end);
    // Hung up on while it still wrote: what was said before counts.
    socket.on("error", (error) => (chunks.length > 0 ? end() : reject(error)));
  });
}
