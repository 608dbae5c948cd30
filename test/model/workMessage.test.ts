/** What counts as one of our messages. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeWorkMessage, encodeWorkMessage } from "../../src/model/workMessage.ts";

const id = fc.string({ minLength: 1, maxLength: 1_023 });

test("a message comes back as it was sent", () => {
  fc.assert(
    fc.property(fc.record({ partition: id, documentId: id, operationId: id }), (message) => {
      expect(decodeWorkMessage(encodeWorkMessage(message))).toEqual(message);
    }),
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
