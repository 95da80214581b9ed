/**
 * A port that a program can be started on again and again. Outside the range that the kernel takes outgoing ports from:
 * inside it, a client that tries to reconnect while nobody listens may be connected to itself.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import type { SeededRandom } from "../seeded-random.ts";

export async function unusedPort(random: SeededRandom): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = random.between(20_000, 30_000);
    const server = createServer();
    const outcome = await Promise.race([once(server.listen(port, "127.0.0.1"), "listening"), once(server, "error")]).catch(() => null);
    if (outcome === null || !server.listening) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("no unused port between 20000 and 30000");
}
