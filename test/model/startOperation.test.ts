/** What is committed when an operation begins, or when one is cut short. */
import { expect, test } from "vitest";
import { canceledByDelete, startDelete, startUpdate } from "../../src/model/startOperation.ts";
import { clusterDocument, operationDocument } from "../store/documents.ts";

const start = {
  operationId: "next",
  requestId: "request",
  correlationId: "correlation",
  revision: "2",
  now: 7,
  location: "eastus",
};

test("a PUT after a deletion that failed creates anew: what was reached may be half gone", () => {
  const { cluster } = clusterDocument("c");
  const reached = clusterDocument("c", { provisioningState: "Succeeded", applied: cluster });
  const { secrets } = reached;
  expect(startUpdate(reached, { cluster, secrets }, start).operation.operationKind).toBe("update");
  const deleting = startDelete(reached, start).cluster;
  expect(deleting.applied).toBeUndefined();
  const failed = { ...deleting, provisioningState: "Failed" as const };
  const again = startUpdate(failed, { cluster, secrets }, start);
  expect(again.operation.operationKind).toBe("create");
  expect(again.cluster).toMatchObject({
    provisioningState: "Creating",
    operation: { kind: "create" },
  });
});

test("the record of an operation that a DELETE cut short keeps what had happened", () => {
  const steps = [
    { name: "one", phase: "p", attempts: 2, startedAt: 1, endedAt: 2 },
    { name: "two", phase: "p", attempts: 1, startedAt: 3 },
  ];
  const canceled = canceledByDelete(operationDocument("o", { steps, percentComplete: 25 }), 9);
  expect(canceled).toMatchObject({ status: "Canceled", endedAt: 9, percentComplete: 25 });
  expect(canceled.steps).toEqual(steps);
});
