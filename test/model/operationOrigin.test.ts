/** What is believed of the ids that say where an operation comes from. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { originFields, originOf, readOrigin } from "../../src/model/operationOrigin.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("the origin of an operation that this release has started", () => {
  const trace = { operationId: "o", requestId: "r", traceparent };
  const origin = originOf({ id: "o", kind: "create", correlationId: "c", trace });
  expect(origin).toEqual({ correlationId: "c", requestId: "r", traceparent });
  expect(originFields(origin)).toEqual({
    correlationId: "c",
    requestId: "r",
    traceId: "0af7651916cd43dd8448eb211c80319c",
  });
});

test("an older release has started it and left the former one's trace in place", () => {
  const trace = { operationId: "former", requestId: "former's", traceparent };
  expect(originOf({ id: "o", correlationId: "c", trace })).toEqual({ correlationId: "c" });
});

test.each([undefined, null, 7, "text", {}, [], { id: "o", trace: 7 }, { id: "o", trace: null }])(
  "a damaged operation (%j) has none",
  (operation) => {
    expect(originOf(operation)).toEqual({});
  },
);

test("nothing makes it fail; what it takes is short text", () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), (correlationId, requestId, text) => {
      const origin = readOrigin({ correlationId, requestId, traceparent: text });
      for (const value of Object.values(origin)) {
        expect(typeof value).toBe("string");
        expect(value.length).toBeLessThanOrEqual(256);
      }
    }),
  );
  expect(readOrigin({ correlationId: "x".repeat(129), traceparent: "00-x" })).toEqual({});
});
