import { expect, test } from "vitest";
import { heartbeat, memoryVerdict } from "./liveness.ts";

test("[R-C4] a silent worker is asked at half of its limit and hangs at all of it, but never before it had time to answer", () => {
  const at = (now: number, asked = 0, heard = 0) => heartbeat({ heard, asked, now }, 1500);
  expect(at(749)).toBe("alive");
  expect(at(750)).toBe("ask");
  expect(at(1499, 750)).toBe("wait");
  expect(at(1500, 750)).toBe("hangs");
  expect(at(1500, 1400)).toBe("wait");
  expect(at(1900, 1400)).toBe("hangs");
  // It has answered the question: the next silence is asked about again.
  expect(at(2600, 750, 800)).toBe("ask");
});

test("[R-C4] checked every 200 ms, a hang is seen within 1.7 s of the last line, and no worker that answers is ever taken for hung", () => {
  for (let phase = 0; phase < 200; phase += 7) {
    for (const answersUntil of [0, 5000]) {
      let [heard, asked, seen] = [0, 0, 0];
      for (let now = phase; now < 20_000 && seen === 0; now += 200) {
        const found = heartbeat({ heard, asked, now }, 1500);
        if (found === "hangs") seen = now;
        if (found !== "ask") continue;
        asked = now;
        if (now < answersUntil) heard = now + 100;
      }
      expect(seen).toBeGreaterThanOrEqual(answersUntil);
      expect(seen - heard).toBeLessThanOrEqual(1700);
    }
  }
});

test("[R-C9] over its memory limit a worker gets no more turns and is replaced when idle, after 30 s, or at once when far over", () => {
  const found = { mb: 120, overSince: null, idle: false, now: 50_000 };
  expect(memoryVerdict({ ...found, mb: 100 }, 100)).toBe("fine");
  expect(memoryVerdict(found, 0)).toBe("fine");
  expect(memoryVerdict(found, 100)).toBe("drain");
  expect(memoryVerdict({ ...found, overSince: 20_001 }, 100)).toBe("drain");
  expect(memoryVerdict({ ...found, overSince: 20_000 }, 100)).toBe("replace");
  expect(memoryVerdict({ ...found, idle: true }, 100)).toBe("replace");
  expect(memoryVerdict({ ...found, mb: 151 }, 100)).toBe("replace");
});
