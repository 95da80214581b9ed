/**
 * The command line's own way in: a Unix socket in the data folder, which only the owner of the folder can open; whatever comes over it
 * is the owner's. A request is recognised by being one of the objects that the socket's own server made. No header, address or other
 * thing that a client sends plays a part in that, so nothing over TCP can be taken for it.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { platform, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createServer, hardened } from "./hardened.ts";

const requests = new WeakSet<IncomingMessage>();

export const isControl = (request: IncomingMessage): boolean => requests.has(request);

/** Longer names do not fit a socket's address (104 bytes on a Mac, 108 on Linux). */
const longestSocketName = 100;
const socketIn = (folder: string): string => join(folder, "control.sock");
/** Says where the socket is when it does not fit into the data folder. */
const noteIn = (data: string): string => join(data, "control");

export interface Control {
  path: string;
  /** For the WebSocket door: hang it on `upgrade` here too. */
  server: Server;
  close(): Promise<void>;
}

export async function openControl(data: string, handle: RequestListener): Promise<Control> {
  forget(data);
  const path = makePlace(data);
  const server = createServer(null, (request, response) => {
    requests.add(request);
    handle(request, response);
  });
  // Runs before any other listener for it, which then finds the request marked.
  server.on("upgrade", (request) => requests.add(request));
  hardened(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
  if (platform() !== "win32") chmodSync(path, 0o600);
  return {
    path,
    server,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
      forget(data);
    },
  };
}

/** Where the socket of a running server would be; null when there can be none. */
export function findControl(data: string): string | null {
  return readNote(data) ?? (fits(socketIn(data)) ? socketIn(data) : null);
}

const fits = (path: string): boolean => Buffer.byteLength(path) <= longestSocketName;

function makePlace(data: string): string {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const path = socketIn(data);
  if (platform() === "win32") return note(data, `\\\\.\\pipe\\${basename(mkdtempSync(join(tmpdir(), "skep-")))}`);
  return fits(path) ? path : note(data, socketIn(mkdtempSync(join(tmpdir(), "skep-"))));
}

function note(data: string, path: string): string {
  writeFileSync(noteIn(data), path, { mode: 0o600 });
  return path;
}

function readNote(data: string): string | null {
  try {
    return readFileSync(noteIn(data), "utf8");
  } catch {
    return null;
  }
}

/** What a server left behind that was killed; the lock on the data folder says that it is gone. */
function forget(data: string): void {
  const path = readNote(data);
  if (path !== null && /^skep-\w+$/.test(basename(dirname(path)))) rmSync(dirname(path), { recursive: true, force: true });
  rmSync(noteIn(data), { force: true });
  rmSync(socketIn(data), { force: true });
}
