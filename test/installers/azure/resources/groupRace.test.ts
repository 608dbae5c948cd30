/** Two clusters that are told to make the same managed group at once, over the stand-in for Azure: one of them at most gets it. */
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { createResourceGroup } from "../../../../src/installers/azure/resources/createResourceGroup.ts";
import { deleteResourceGroup } from "../../../../src/installers/azure/resources/deleteResourceGroup.ts";
import { deployStorage } from "../../../../src/installers/azure/resources/deployStorage.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import type { Step, StepContext } from "../../../../src/installers/installer.ts";
import { credentialFor } from "../../../azure/armClients.ts";
import { LocalAzure } from "../../../azure/localAzure.ts";
import { clusterId, names, stepContext } from "../stepContext.ts";

let azure: LocalAzure;
beforeEach(async () => {
  azure = await LocalAzure.start({ operationMs: 1 });
  azure.trust();
});
afterEach(async () => azure[Symbol.asyncDispose]());

const pollMs = 5;
function effects(): AzureEffects {
  return {
    azure: new AzureConnection(
      { resourceManager: azure.url, authorityHost: azure.url },
      { clock: systemClock, credential: () => credentialFor(azure) },
    ),
    random: { fraction: () => 0 },
    pollMs,
  } as unknown as AzureEffects;
}

/** A cluster whose group has the name of the other's. */
function cluster(name: string, mark: string): StepContext {
  const context = stepContext({
    installation: { azure: { names: { ...names, mark, storageAccount: `cluster${mark}` } } },
  });
  const resourceId = clusterId.replace(/mycluster$/, name);
  return {
    ...context,
    save: async (changes) => context.save(changes),
    get snapshot() {
      return { ...context.snapshot, name, resourceId, incarnationId: `incarnation-of-${name}` };
    },
  };
}

async function finish(which: (given: AzureEffects) => Step, context: StepContext): Promise<void> {
  const step = asAzureStep(which(effects()), effects());
  for (let runs = 0; runs < 200; runs += 1) {
    if ((await step.run(context)).done) return;
    await wait(pollMs);
  }
  throw new Error(`${step.name} comes to no end`);
}

const create = async (context: StepContext): Promise<void> => {
  await finish(createResourceGroup, context);
  await finish(deployStorage, context);
};
const refused = { code: "ClusterResourceGroupAlreadyExists" };
const isPutOfGroup = ({ method, path }: { method: string; path: string }): boolean =>
  method === "PUT" && path.endsWith(`/${names.managedGroup}`);
const accounts = (): string[] =>
  azure
    .resources()
    .filter(({ type }) => type.toLowerCase() === "microsoft.storage/storageaccounts")
    .map(({ name }) => name);

test("one whose group another has made its own in the same moment stops, and deletes nothing", async () => {
  const [first, second] = [cluster("first", "aaaaaaaa"), cluster("second", "bbbbbbbb")];
  const secondReady = Promise.withResolvers<void>();
  const firstPut = Promise.withResolvers<void>();
  let puts = 0;
  azure.onCall(async (call, moment) => {
    if (!isPutOfGroup(call)) return;
    // both have found no group; then come the PUTs, the later one right after the other
    if (moment === "before") {
      puts += 1;
      if (puts === 1) await secondReady.promise;
      else {
        secondReady.resolve();
        await firstPut.promise;
      }
    } else firstPut.resolve();
  });
  const ends = await Promise.allSettled([create(first), create(second)]);
  const [winner, loser] = ends[0].status === "fulfilled" ? [first, second] : [second, first];
  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(ends.find(({ status }) => status === "rejected")).toMatchObject({ reason: refused });
  expect(puts).toBe(2);
  const left = accounts();
  expect(left).toEqual([winner.snapshot.installation["azure"]].map((notes) => storageOf(notes)));
  await finish(deleteResourceGroup, loser);
  expect(accounts()).toEqual(left);
  await finish(deleteResourceGroup, winner);
  expect(accounts()).toEqual([]);
});

test("one whose group another takes later puts nothing more into it", async () => {
  const [slow, quick] = [cluster("slow", "aaaaaaaa"), cluster("quick", "bbbbbbbb")];
  const quickDone = Promise.withResolvers<void>();
  const slowArrived = Promise.withResolvers<void>();
  let puts = 0;
  azure.onCall(async (call, moment) => {
    if (!isPutOfGroup(call) || moment !== "before") return;
    puts += 1;
    if (puts > 1) return;
    slowArrived.resolve();
    await quickDone.promise;
  });
  const slowMade = finish(createResourceGroup, slow);
  await slowArrived.promise;
  await finish(createResourceGroup, quick);
  quickDone.resolve();
  await slowMade;
  await expect(finish(deployStorage, quick)).rejects.toMatchObject(refused);
  await finish(deployStorage, slow);
  await finish(deleteResourceGroup, quick);
  expect(accounts()).toEqual(["clusteraaaaaaaa"]);
});

function storageOf(notes: unknown): string {
  return (notes as { readonly names: typeof names }).names.storageAccount;
}
