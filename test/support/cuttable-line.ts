import { createServer, connect as dial, type AddressInfo, type Socket } from "node:net";

/** What a line does with the bytes of one direction. `swallow`: they are lost, as on a line that is dead without a goodbye. */
export type Passage = "pass" | "swallow";

/** A TCP line to a server that can be cut, closed to newcomers, or swallow what one side says. Its port stays the same while servers come and go behind it. */
export class CuttableLine {
  readonly port: number;
  readonly url: string;
  toServer: Passage = "pass";
  toClient: Passage = "pass";
  /** The next bytes for a client that hold this text cut the line instead of coming through; what comes over the next connections passes. */
  cutInsteadOf: string | null = null;
  /** Connections that were let through so far. */
  opened = 0;
  #target: number | null = null;
  readonly #open: Set<Socket>;
  readonly #close: () => Promise<void>;

  private constructor(port: number, open: Set<Socket>, close: () => Promise<void>) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#open = open;
    this.#close = close;
  }

  static async open(): Promise<CuttableLine> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      if (line.#target === null) {
        near.resetAndDestroy();
        return;
      }
      line.opened++;
      const far = dial(line.#target, "127.0.0.1");
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.once("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on("data", (bytes) => {
        if (line.toServer === "pass") far.write(bytes);
      });
      far.on("data", (bytes) => {
        if (line.cutInsteadOf !== null && bytes.includes(line.cutInsteadOf)) {
          line.cutInsteadOf = null;
          line.cut();
        } else if (line.toClient === "pass") near.write(bytes);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const line = new CuttableLine((server.address() as AddressInfo).port, sockets, async () => {
      line.cut();
      await new Promise((resolve) => server.close(resolve));
    });
    return line;
  }

  /** From now on to this server; null: connections are refused. */
  leadTo(url: string | null): void {
    this.#target = url === null ? null : Number(new URL(url).port);
  }

  /** Ends every connection, without a goodbye. */
  cut(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  close(): Promise<void> {
    return this.#close();
  }
}
