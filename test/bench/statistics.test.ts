/** The laws of the few statistics that a benchmark shows. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { median, percentile } from "./statistics.ts";

const some = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });

test("half of the values lie on either side of the median", () => {
  fc.assert(
    fc.property(some, (values) => {
      const middle = median(values);
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(
        values.length / 2,
      );
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(
        values.length / 2,
      );
    }),
  );
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("a percentile is one of the values, and so many of a hundred don't exceed it", () => {
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const found = percentile(values, percent);
      expect(values).toContain(found);
      const below = values.filter((value) => value <= found).length;
      expect(below * 100).toBeGreaterThanOrEqual(percent * values.length);
      const less = values.filter((value) => value < found).length;
      expect(less * 100).toBeLessThan(percent * values.length);
    }),
  );
  expect(percentile([], 50)).toBeNaN();
});
