/** Malformed frames for the door `/ws`. */
import type { Duplex } from "node:stream";
import { clientMessageJsonSchema } from "@skep/protocol";
import type { WebSocket } from "ws";
import type { SeededRandom } from "../seeded-random.ts";
import { broken, brokenText, type Schema, valueOf } from "./malformed.ts";

/** @param known conversations that there are: some frames go as far as that */
export function frameMaker(random: SeededRandom, known: readonly string[]): (socket: WebSocket) => void {
  const schema = clientMessageJsonSchema() as Schema;
  const message = (): unknown => {
    const value = valueOf(schema, random, () => ({})) as Record<string, unknown>;
    if ("conversation" in value && random.chance(0.3)) value["conversation"] = random.pick(known);
    return broken(value, random);
  };
  const frame = (): string => brokenText(random.chance(0.1) ? Array.from({ length: random.between(0, 5) }, message) : message(), random);
  return (socket) => {
    if (!random.chance(0.001)) {
      socket.send(frame());
      return;
    }
    // These end the connection.
    const { _socket: line } = socket as unknown as { _socket: Duplex };
    switch (random.between(0, 5)) {
      case 0:
        socket.send(Buffer.from(frame()), { binary: true });
        return;
      case 1:
        socket.send(Buffer.from([0xff, 0xfe, 0xc0]), { binary: false });
        return;
      case 2:
        line.write(Buffer.from(Array.from({ length: random.between(1, 200) }, () => random.between(0, 255))));
        return;
      case 3:
        // No mask; a reserved bit; a length of 2^63.
        line.write(
          random.pick([
            Buffer.from([0x81, 1, 65]),
            Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
            Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
          ]),
        );
        return;
      case 4:
        socket.send("x".repeat(1024 * 1024 + 1));
        return;
      default:
        socket.close(random.pick([1000, 3000, 4999]), "bye");
    }
  };
}
