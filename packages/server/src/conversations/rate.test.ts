import fc from "fast-check";
import { expect, test } from "vitest";
import { Buckets, fullBucket, take } from "./rate.ts";

const perMinute = fc.integer({ min: 1, max: 100_000 });

test("[K5] in no stretch of time more is taken than the bucket holds and is refilled meanwhile; whoever waits as told is not refused", () => {
  fc.assert(
    fc.property(perMinute, fc.array(fc.nat(20_000), { minLength: 1, maxLength: 300 }), (rate, pauses) => {
      let now = 1_000_000;
      let bucket = fullBucket;
      const taken: number[] = [];
      for (const pause of pauses) {
        now += pause;
        const answer = take(bucket, rate, now);
        if (answer.ok) {
          bucket = answer.bucket;
          taken.push(now);
          continue;
        }
        expect(answer.retryAfterMs).toBeGreaterThan(0);
        expect(answer.retryAfterMs).toBeLessThanOrEqual(Math.ceil(60_000 / rate));
        expect(take(bucket, rate, now + answer.retryAfterMs).ok).toBe(true);
        if (answer.retryAfterMs > 1) expect(take(bucket, rate, now + answer.retryAfterMs - 1.1).ok).toBe(false);
      }
      for (const [i, from] of taken.entries()) {
        const last = taken.at(-1) ?? from;
        expect(taken.length - i).toBeLessThanOrEqual(rate + ((last - from) * rate) / 60_000 + 0.01);
      }
    }),
  );
});

test("[K5] a full bucket gives exactly its limit at once, whatever that is", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(4_000_000_000_000), (rate, now) => {
      const buckets = new Buckets();
      for (let i = 0; i < rate; i++) expect(buckets.take("bee", rate, now)).toBeNull();
      expect(buckets.take("bee", rate, now)).toBeGreaterThan(0);
      buckets.giveBack("bee");
      expect(buckets.take("bee", rate, now)).toBeNull();
    }),
    { numRuns: 50 },
  );
});

test("[K5] buckets of people who have been silent for a minute are forgotten: 100,000 people in turn, and never more than 5,000 are known", () => {
  const buckets = new Buckets();
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    // 2,000 people a minute, each with a bucket that is full again after at most a minute.
    expect(buckets.take(`person ${i}`, 1, i * 30)).toBeNull();
    most = Math.max(most, buckets.size);
  }
  expect(most).toBeLessThan(5000);
});
