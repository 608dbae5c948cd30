/** What becomes of a message, for every state of its document. */
import { expect, test } from "vitest";
import { judgeMessage } from "../../src/backend/judgeMessage.ts";
import type { ClusterDocument } from "../../src/model/document.ts";
import { attemptWaitMaxMs } from "../../src/model/timing.ts";
import { isTerminal, provisioningStates } from "../../src/model/provisioningState.ts";
import { clusterDocument, partition } from "../store/documents.ts";
import { timing } from "./simulation.ts";

const now = Date.UTC(2026, 0, 1);

function judged(members: Partial<ClusterDocument> | undefined): string {
  const document = members === undefined ? undefined : clusterDocument("c1", members);
  const message = { partition, documentId: "rg|c1", operationId: "operation of c1" };
  const { action } = judgeMessage(message, document, { now, timing });
  return action;
}

test.each(provisioningStates)("a cluster that is %s", (provisioningState) => {
  expect(judged({ provisioningState })).toBe(isTerminal(provisioningState) ? "complete" : "work");
});

test("no document, or another operation, ends the message", () => {
  expect(judged(undefined)).toBe("complete");
  expect(judged({ operation: { id: "a later one", kind: "delete", correlationId: "c" } })).toBe(
    "complete",
  );
});

test("what is due now is worked on, what is due later comes back for the rest", () => {
  expect(judged({ nextAttemptAt: now })).toBe("work");
  const message = { partition, documentId: "rg|c1", operationId: "operation of c1" };
  const document = clusterDocument("c1", { nextAttemptAt: now + 70 });
  expect(judgeMessage(message, document, { now, timing })).toMatchObject({
    action: "putBack",
    delayMs: 70,
  });
});

test("what is due later than anybody may set it is worked on: the clock was set back since", () => {
  expect(judged({ nextAttemptAt: now + attemptWaitMaxMs })).toBe("putBack");
  expect(judged({ nextAttemptAt: now + attemptWaitMaxMs + 1 })).toBe("work");
});

test("a document that is too new never ends its message, whatever else it says", () => {
  for (const provisioningState of provisioningStates) {
    expect(judged({ minimumSchemaVersion: 3, provisioningState })).toBe("putBack");
  }
  expect(judged({ minimumSchemaVersion: 2 })).toBe("work");
});
