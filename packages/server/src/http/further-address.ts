/** A second address of the same doors, such as ::1 beside 127.0.0.1. */
import type { Server } from "node:http";

export function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeIdleConnections();
  return closed;
}

/**
 * Another program at the same port of another address could be taken for this one: that is an error, unless the port was left to chance.
 * @returns false when the machine has no such address
 */
export function listenToo(server: Server, host: string, port: number, byChance: boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const absent = error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT" || (byChance && error.code === "EADDRINUSE");
      if (absent) resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => resolve(true));
  });
}
