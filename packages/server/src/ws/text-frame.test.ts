import type { Writable } from "node:stream";
import * as ws from "ws";
import { expect, test } from "vitest";
import { textFrame } from "./text-frame.ts";

// Exported, but missing in the package's types.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 300_000])("a frame of %i characters is read back as it was by ws", (length) => {
  const text = "é🐝x"
    .repeat(Math.ceil(length / 4))
    .slice(0, length)
    .toWellFormed();
  const receiver = new Receiver({ isServer: false });
  const read: string[] = [];
  receiver.on("message", (data: Buffer) => read.push(data.toString()));
  receiver.write(textFrame(text));
  expect(read).toEqual([text]);
});
