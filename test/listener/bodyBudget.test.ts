/** How much bodies may have in memory: a law for every order of taking and letting go. */
import { EventEmitter } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyBudget } from "../../src/listener/bodyBudget.ts";

const kib = 1024;
const limits = { bytes: 256 * kib, totalBytes: 4096 * kib };

function response() {
  return Object.assign(new EventEmitter(), { closed: false });
}

test("nobody takes more than its share, small bodies have theirs, and everything is given back", () => {
  const step = fc.record({
    subscription: fc.constantFrom("a", "b", "c", "d", "e"),
    sizes: fc.array(fc.integer({ min: 1, max: 300 * kib }), { minLength: 1, maxLength: 3 }),
    ends: fc.nat({ max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new BodyBudget(limits);
      const open: { subscription: string; own: number; end: () => void }[] = [];
      const sum = (which: (each: (typeof open)[number]) => boolean): number =>
        open.filter(which).reduce((total, { own }) => total + own, 0);
      for (const { subscription, sizes, ends } of steps) {
        const answered = response();
        const hold = budget.account(answered as never, subscription);
        const entry = { subscription, own: 0, end: () => void answered.emit("close") };
        open.push(entry);
        for (const size of sizes) {
          try {
            hold(size);
            entry.own += size;
          } catch {
            // too much for it
          }
          expect(sum(() => true)).toBeLessThanOrEqual(limits.totalBytes);
          expect(sum(({ own }) => own > 64 * kib)).toBeLessThanOrEqual(3072 * kib);
          expect(sum((each) => each.subscription === subscription)).toBeLessThanOrEqual(1366 * kib);
        }
        for (const ended of open.splice(0, ends)) ended.end();
      }
      for (const { end } of open) end();
      // all of it can be had again
      const hold = budget.account(response() as never, "a");
      expect(() => hold(1365 * kib)).not.toThrow();
    }),
  );
});

test("of a budget for one body, the largest one is read, as it came and unpacked", () => {
  for (const totalBytes of [limits.bytes, 2 * limits.bytes]) {
    const hold = new BodyBudget({ ...limits, totalBytes }).account(response() as never);
    hold(limits.bytes);
    if (totalBytes > limits.bytes) hold(limits.bytes);
    expect(() => hold(1)).toThrow(/too much/);
  }
});
