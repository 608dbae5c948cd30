/** What counts as one of our messages. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeWorkMessage, encodeWorkMessage } from "../../src/model/workMessage.ts";

const id = fc.string({ minLength: 1, maxLength: 1_023 });
const shortId = fc.string({ minLength: 1, maxLength: 128 });
const origin = fc.record(
  {
    correlationId: shortId,
    requestId: shortId,
    traceparent: fc.constant("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  },
  { requiredKeys: [] },
);

test("a message comes back as it was sent", () => {
  fc.assert(
    fc.property(
      fc.record({ partition: id, documentId: id, operationId: id, origin }),
      (message) => {
        expect(decodeWorkMessage(encodeWorkMessage(message))).toEqual(message);
      },
    ),
  );
});

test.each(["partition", "documentId", "operationId"])(
  "one whose %s no document can have is none of ours: it would come back for ever",
  (member) => {
    const message = { partition: "p", documentId: "d", operationId: "o" };
    for (const odd of ["", "x".repeat(1_024), 7, null, ["a"], { a: 1 }, undefined]) {
      expect(decodeWorkMessage(JSON.stringify({ ...message, [member]: odd }))).toBeUndefined();
    }
  },
);

test("one of an older release, or with an odd origin, is still one of ours", () => {
  const ids = { partition: "p", documentId: "d", operationId: "o" };
  for (const odd of [{}, { correlationId: 7, traceparent: "00-x", requestId: "x".repeat(129) }]) {
    const body = JSON.stringify({ format: 1, ...ids, ...odd });
    expect(decodeWorkMessage(body)).toEqual({ ...ids, origin: {} });
  }
});
