/** W3C's Trace Context: what of a caller's headers is a place in a trace, and what is nothing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatTraceparent,
  parseTraceparent,
  traceOf,
  type TraceContext,
} from "../../src/model/traceContext.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

function hex(length: number): fc.Arbitrary<string> {
  return fc
    .string({
      unit: fc.constantFrom(..."0123456789abcdef".split("")),
      minLength: length,
      maxLength: length,
    })
    .filter((text) => !/^0+$/.test(text));
}

const contexts: fc.Arbitrary<TraceContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  isSampled: fc.boolean(),
});

test("a context comes back as it was written", () => {
  fc.assert(
    fc.property(contexts, (context) => {
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
    }),
  );
});

test("no text makes it fail, and whatever it gives can be written", () => {
  const almost = fc
    .tuple(
      fc.constantFrom(`00-${traceId}-${spanId}-01`, `cc-${traceId}-${spanId}-03-more`),
      fc.nat(60),
      fc.string(),
    )
    .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + put.length));
  const any = fc.oneof(fc.string({ maxLength: 600 }), almost);
  fc.assert(
    fc.property(any, any, (traceparent, tracestate) => {
      const context = parseTraceparent(traceparent, tracestate);
      if (context === undefined) return;
      const { traceState: _, ...rest } = context;
      expect(parseTraceparent(formatTraceparent(context))).toEqual(rest);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["version 0", `00-${traceId}-${spanId}-01`, true],
  ["not sampled", `00-${traceId}-${spanId}-00`, false],
  ["flags that are not known yet", `00-${traceId}-${spanId}-fe`, false],
  ["flags of which one is sampled", `00-${traceId}-${spanId}-ff`, true],
  ["a later version", `01-${traceId}-${spanId}-01`, true],
  ["a later version with more", `cc-${traceId}-${spanId}-01-what-the-future-brings`, true],
])("%s is read", (_, text, isSampled) => {
  expect(parseTraceparent(text)).toEqual({ traceId, spanId, isSampled });
});

test.each([
  ["nothing", ""],
  ["version ff", `ff-${traceId}-${spanId}-01`],
  ["version 0 with more", `00-${traceId}-${spanId}-01-more`],
  ["a later version with more that has no dash", `01-${traceId}-${spanId}-01more`],
  ["capital letters", `00-${traceId.toUpperCase()}-${spanId}-01`],
  ["a trace id of zeros", `00-${"0".repeat(32)}-${spanId}-01`],
  ["a span id of zeros", `00-${traceId}-${"0".repeat(16)}-01`],
  ["a short trace id", `00-${traceId.slice(1)}-${spanId}-01`],
  ["blanks around it", ` 00-${traceId}-${spanId}-01 `],
  ["a line feed behind it", `00-${traceId}-${spanId}-01\n`],
  ["two of them, as Node joins them", `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
  ["a huge one", `01-${traceId}-${spanId}-01-${"x".repeat(10_000)}`],
])("%s is no context", (_, text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

const members = (count: number): string =>
  Array.from({ length: count }, (_, index) => `k${index}=v`).join(",");

test.each([
  ["one member", "rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7"],
  ["several, with blanks and empty ones", "a=1 , ,\tb@c=2", "a=1,b@c=2"],
  ["32 members", members(32), members(32)],
  ["33 members", members(33), undefined],
  ["a key twice", "a=1,a=2", undefined],
  ["more than 512 characters", `a=${"x".repeat(256)},b=${"x".repeat(256)}`, undefined],
  ["no value", "a=", undefined],
  ["a capital letter in a key", "A=1", undefined],
  ["a character of another script", "a=é", undefined],
  ["nothing but commas", ",,", undefined],
])("a tracestate with %s", (_, text, traceState) => {
  const context = parseTraceparent(`00-${traceId}-${spanId}-01`, text);
  expect(context?.traceId).toBe(traceId);
  expect(context?.traceState).toBe(traceState);
});

test("a trace that begins with a request has its id, and can be carried on", () => {
  fc.assert(
    fc.property(fc.uuid({ version: 4 }), (guid) => {
      const context = traceOf(guid);
      expect(context.traceId).toBe(guid.replaceAll("-", ""));
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
    }),
  );
});
