import { assert, bigInt, property } from "fast-check";
import { expect, test } from "vitest";
import { toHrTime } from "./hr-time.ts";

test("no nanosecond is lost", () => {
  assert(
    property(bigInt({ min: 0n, max: 2n ** 63n - 1n }), (atNs) => {
      const [seconds, nanoseconds] = toHrTime(atNs);
      expect(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)).toBe(atNs);
      expect(nanoseconds).toBeLessThan(1_000_000_000);
    }),
  );
});
