/**
 * The steps that talk to Azure alone, one after the other over the stand-in for Azure, each run again after its end: everything exists
 * once, and a deletion from after any of them leaves nothing.
 */
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packAssets } from "../../../../src/installers/azure/assets/assetArchive.ts";
import { attachSecurityGroups } from "../../../../src/installers/azure/resources/attachSecurityGroups.ts";
import { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import { asAzureStep } from "../../../../src/installers/azure/failures/azureFailure.ts";
import { copyImage } from "../../../../src/installers/azure/resources/copyImage.ts";
import { createApiRecord } from "../../../../src/installers/azure/resources/createApiRecord.ts";
import { createIdentity } from "../../../../src/installers/azure/resources/createIdentity.ts";
import { createIngressRecord } from "../../../../src/installers/azure/resources/createIngressRecord.ts";
import { createResourceGroup } from "../../../../src/installers/azure/resources/createResourceGroup.ts";
import { deleteDnsRecords } from "../../../../src/installers/azure/resources/deleteDnsRecords.ts";
import { deleteResourceGroup } from "../../../../src/installers/azure/resources/deleteResourceGroup.ts";
import { deployResources } from "../../../../src/installers/azure/resources/deployResources.ts";
import { deployStorage } from "../../../../src/installers/azure/resources/deployStorage.ts";
import { detachSecurityGroups } from "../../../../src/installers/azure/resources/detachSecurityGroups.ts";
import { removeBootstrapMachine } from "../../../../src/installers/azure/resources/removeBootstrapMachine.ts";
import { SealedState } from "../../../../src/installers/azure/assets/sealedState.ts";
import { uploadIgnition } from "../../../../src/installers/azure/resources/uploadIgnition.ts";
import type { Step, StepContext } from "../../../../src/installers/installer.ts";
import { credentialFor } from "../../../azure/armClients.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { LocalAzure } from "../../../azure/localAzure.ts";
import { installedFiles } from "../installedFiles.ts";
import { names, stepContext, subscriptionId } from "../stepContext.ts";

let azure: LocalAzure;
beforeEach(async () => {
  azure = await LocalAzure.start({ operationMs: 5 });
  azure.trust();
});
afterEach(async () => azure[Symbol.asyncDispose]());

const zoneSubscription = "99999999-0000-4000-8000-000000000009";
const zoneId = `/subscriptions/${zoneSubscription}/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.com`;
const networkId = `/subscriptions/${subscriptionId}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet`;

function effects(): AzureEffects {
  return {
    azure: new AzureConnection(
      { resourceManager: azure.url, authorityHost: azure.url },
      { clock: systemClock, credential: () => credentialFor(azure) },
    ),
    settings: {
      dnsZone: { subscriptionId: zoneSubscription, resourceGroup: "dns", name: "example.com" },
      installProgram: "/nowhere",
    },
    sealing: {
      seal: async (plain: Uint8Array) => plain,
      open: async (sealed: Uint8Array) => sealed,
    },
    random: { fraction: () => 0 },
    pollMs: 10,
  } as unknown as AzureEffects;
}

async function keepAssets(context: StepContext, given: AzureEffects): Promise<void> {
  const state = await SealedState.of(context, given);
  await state.keep(await packAssets(installedFiles), () => undefined);
}

async function finish(step: Step, context: StepContext): Promise<void> {
  const classified = asAzureStep(step, effects());
  for (let runs = 0; runs < 200; runs += 1) {
    const result = await classified.run(context);
    if (result.changes !== undefined) await context.save(result.changes);
    if (result.done) return;
    await wait(10);
  }
  throw new Error(`${step.name} comes to no end`);
}

const createSteps = (given: AzureEffects): readonly Step[] => [
  createResourceGroup(given),
  deployStorage(given),
  createIdentity(given),
  copyImage(given),
  uploadIgnition(given),
  attachSecurityGroups(given),
  deployResources(given),
  createApiRecord(given),
  removeBootstrapMachine(given),
  createIngressRecord(given, async () => "20.1.2.3"),
];
const deleteSteps = (given: AzureEffects): readonly Step[] => [
  deleteDnsRecords(given),
  detachSecurityGroups(given),
  deleteResourceGroup(given),
];

const ids = (): string[] => azure.resources().map(({ id }) => id.toLowerCase());

/** A user's network, the parent zone, and a cluster whose assets are known. */
async function begin(isGiven: boolean): Promise<StepContext> {
  const { resources, network } = effects().azure.of(subscriptionId);
  await resources.resourceGroups.createOrUpdate("net", { location: "eastus" });
  await network.virtualNetworks
    .createOrUpdate(
      "net",
      "vnet",
      {
        location: "eastus",
        addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
        subnets: [
          { name: "control", addressPrefix: "10.0.0.0/24" },
          { name: "workers", addressPrefix: "10.0.1.0/24" },
        ],
      },
      { updateIntervalInMs: 5 },
    )
    .pollUntilDone();
  const put = (id: string, type: string): void => {
    const name = id.split("/").at(-1) ?? "";
    azure.state.put({ id, name, type, properties: { provisioningState: "Succeeded" } });
  };
  put(zoneId.split("/providers/")[0] ?? "", "Microsoft.Resources/resourceGroups");
  put(zoneId, "Microsoft.Network/dnsZones");
  const subnet = (name: string) => (isGiven ? { subnetId: `${networkId}/subnets/${name}` } : {});
  return stepContext({
    // the stand-in looks at when a signature ends
    now: Date.now(),
    installation: {
      azure: {
        names,
        infraId: "mycluster-x7k2p",
        ignitionSince: Date.now(),
        imageUrl: "https://rhcos.blob.core.windows.net/imagebucket/rhcos.vhd",
        machines: { zones: ["1", "2", "3"], hyperVGeneration: "V2" },
        principalObjectId: azure.clusterApplication.objectId,
      },
    },
    cluster: {
      network: { vnetCidr: "10.0.0.0/9", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      controlPlane: { vmSize: "Standard_D8s_v3", ...subnet("control") },
      workers: [
        {
          name: "worker",
          vmSize: "Standard_D4s_v3",
          count: 3,
          diskSizeGB: 128,
          ...subnet("workers"),
        },
      ],
    },
  });
}

async function create(context: StepContext, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    // what the step before it would have made
    if (step.name === "CreateIdentity") await keepAssets(context, effects());
    await finish(step, context);
  }
}

test.each([
  ["a network of its own", false],
  ["given subnets", true],
])("a cluster with %s has everything once, however often its steps run", async (_what, isGiven) => {
  const context = await begin(isGiven);
  const count = createSteps(effects()).length;
  for (let step = 0; step < count; step += 1) {
    await create(context, createSteps(effects()).slice(step, step + 1));
    const once = ids();
    await finish(createSteps(effects())[step] as Step, context);
    expect(ids()).toEqual(once);
    expect(new Set(once).size).toBe(once.length);
  }
  const machines = ids().filter((id) => id.includes("/virtualmachines/"));
  expect(machines.map((id) => id.split("/").at(-1))).toEqual([
    "mycluster-x7k2p-master-0",
    "mycluster-x7k2p-master-1",
    "mycluster-x7k2p-master-2",
  ]);
  expect(ids().filter((id) => id.includes("bootstrap"))).toEqual([]);
});

test("a deletion after any step leaves what was there before, its user's subnets as they were", async () => {
  const count = createSteps(effects()).length;
  for (let steps = 0; steps <= count; steps += 1) {
    const context = await begin(true);
    const before = ids();
    await create(context, createSteps(effects()).slice(0, steps));
    for (const step of [...deleteSteps(effects()), ...deleteSteps(effects())]) {
      await finish(step, context);
    }
    expect(ids().toSorted(), `after ${steps} steps`).toEqual(before.toSorted());
    const { subnets } = effects().azure.of(subscriptionId).network;
    for (const name of ["control", "workers"]) {
      expect(await subnets.get("net", "vnet", name)).toMatchObject({
        networkSecurityGroup: undefined,
        provisioningState: "Succeeded",
      });
    }
  }
});
