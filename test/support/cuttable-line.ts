import { createServer, connect as dial, type AddressInfo, type Socket } from "node:net";

/**
 * What a line does with the bytes of one direction. `swallow`: they are lost, as on a line that is dead without a goodbye. `cut once`: the next of them cut
 * the line instead of coming through; what comes over the next connections passes.
 */
export type Passage = "pass" | "swallow" | "cut once";

/** A TCP line to a server that can be cut, closed to newcomers, or swallow what one side says. Its port stays the same while servers come and go behind it. */
export class CuttableLine {
  readonly port: number;
  readonly url: string;
  toServer: Exclude<Passage, "cut once"> = "pass";
  toClient: Passage = "pass";
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
        if (line.toClient === "pass") near.write(bytes);
        if (line.toClient !== "cut once") return;
        line.toClient = "pass";
        line.cut();
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
