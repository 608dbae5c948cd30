/** Another service principal gets its role once, and nobody gets one when nothing of it changes. */
import { RestError } from "@azure/core-rest-pipeline";
import { beforeEach, describe, expect, it } from "vitest";
import { assignRole } from "../../../../src/installers/azure/resources/assignRole.ts";
import type { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import type { ClusterDocument } from "../../../../src/model/document.ts";
import { newCluster, updateOf } from "../../../backend/stepsSuite.ts";
import { StepRun } from "../clusterSteps.ts";

interface Assigned {
  readonly scope: string;
  readonly name: string;
  readonly parameters: unknown;
}

const assigned: Assigned[] = [];
let failure: RestError | undefined;
beforeEach(() => {
  assigned.length = 0;
  failure = undefined;
});

/** Of the SDK the one call. */
const azure = {
  of: () => ({
    authorization: {
      roleAssignments: {
        create: async (scope: string, name: string, parameters: unknown) => {
          assigned.push({ scope, name, parameters });
          if (failure !== undefined) throw failure;
        },
      },
    },
  }),
} as unknown as AzureConnection;

function document(clientId: string, principalObjectId = "object"): ClusterDocument {
  const created = newCluster();
  const update = updateOf({ ...created, cluster: { ...created.cluster, clientId: "old" } });
  const notes: AzureNotes = {
    principalObjectId,
    names: {
      mark: "abcdefgh",
      managedGroup: "aro-first",
      clusterDomain: "first.example.com",
      storageAccount: "clusterabcdefgh",
    },
  };
  return {
    ...update,
    cluster: { ...update.cluster, clientId },
    installation: { azure: notes },
  };
}

function startRun(clientId: string, principalObjectId?: string): StepRun {
  return new StepRun({
    document: document(clientId, principalObjectId),
    step: assignRole,
    effects: { azure },
  });
}

describe("AssignRole", () => {
  it("makes another principal contributor on the managed group, under a name of its own", async () => {
    await startRun("new").begin();
    await startRun("new").begin();
    await startRun("new", "another").begin();
    const [first, again, other] = assigned;
    expect(again).toEqual(first);
    expect(other?.name).not.toBe(first?.name);
    const subscription = "/subscriptions/00000000-0000-4000-8000-000000000000";
    expect(first).toEqual({
      scope: `${subscription.slice(1)}/resourceGroups/aro-first`,
      name: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/),
      parameters: {
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c`,
        principalId: "object",
        principalType: "ServicePrincipal",
      },
    });
  });

  it("calls nobody when the principal stays", async () => {
    expect(await startRun("old").begin()).toEqual({ done: true });
    expect(assigned).toEqual([]);
  });

  it("is done when the principal has the role already", async () => {
    failure = new RestError("exists", { statusCode: 409, code: "RoleAssignmentExists" });
    expect(await startRun("new").begin()).toEqual({ done: true });
  });

  it("lets every other failure through", async () => {
    failure = new RestError("no", { statusCode: 403, code: "AuthorizationFailed" });
    await expect(startRun("new").begin()).rejects.toBe(failure);
  });

  it("asks whether it still may", async () => {
    const refusal = new Error("superseded");
    const onGuard = (): void => {
      throw refusal;
    };
    await expect(startRun("new").begin({ onGuard })).rejects.toBe(refusal);
    expect(assigned).toEqual([]);
  });
});
