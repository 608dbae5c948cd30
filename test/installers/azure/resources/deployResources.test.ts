/** Until when machines may begin: as long as the certificates that they begin with are valid, whenever they were uploaded. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Deployment } from "@azure/arm-resourcesdeployments";
import { packAssets } from "../../../../src/installers/azure/assets/assetArchive.ts";
import { SealedState } from "../../../../src/installers/azure/assets/sealedState.ts";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import { deployResources } from "../../../../src/installers/azure/resources/deployResources.ts";
import { uploadIgnition } from "../../../../src/installers/azure/resources/uploadIgnition.ts";
import { installedFiles } from "../installedFiles.ts";
import { absent, BlobAnswerer } from "../blobAnswerer.ts";
import { clusterId, incarnationId, names, stepContext } from "../stepContext.ts";

const madeAt = 1_700_000_000_000;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

let blobs: BlobAnswerer;
beforeAll(async () => {
  blobs = await BlobAnswerer.start();
});
afterAll(async () => blobs[Symbol.asyncDispose]());
const submitted: Deployment[] = [];
const image = `/${names.storageAccount}/vhd/rhcos.vhd`;
beforeEach(() => {
  submitted.length = 0;
  blobs.blobs.set(image, Buffer.from("the image"));
  blobs.copies.set(image, "success");
});

function effects(): AzureEffects {
  const clients = {
    deployments: {
      deployments: {
        get: absent,
        createOrUpdate: (_group: string, _name: string, deployment: Deployment) => {
          submitted.push(deployment);
          return { submitted: async () => undefined };
        },
      },
    },
    resources: {
      resourceGroups: {
        get: async () => ({
          name: names.managedGroup,
          managedBy: clusterId,
          tags: { "openshift-rp-incarnation": incarnationId },
        }),
      },
    },
  };
  return {
    azure: blobs.connection({}, clients),
    sealing: {
      seal: async (plain: Uint8Array) => plain,
      open: async (sealed: Uint8Array) => sealed,
    },
    pollMs: 10,
  } as unknown as AzureEffects;
}

/** As GenerateAssets leaves it. */
async function contextAt(now: number, infraId = "mycluster-x7k2p") {
  const context = stepContext({
    now,
    installation: {
      azure: {
        names,
        infraId,
        imageUrl: "https://rhcos.blob.core.windows.net/imagebucket/rhcos-4.16.vhd",
        ignitionSince: madeAt,
        machines: { zones: ["1", "2", "3"], hyperVGeneration: "V2" },
        identityObjectId: "identity",
        principalObjectId: "principal",
      },
    },
    cluster: {
      network: { vnetCidr: "10.0.0.0/9", podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
      controlPlane: { vmSize: "Standard_D8s_v3" },
      workers: [{ name: "worker", vmSize: "Standard_D4s_v3", count: 3, diskSizeGB: 128 }],
    },
  });
  const state = await SealedState.of(context, effects());
  await state.keep(await packAssets(installedFiles), () => undefined);
  return context;
}

async function submittedAt(now: number): Promise<Deployment> {
  const context = await contextAt(now);
  await uploadIgnition(effects()).run(context);
  await deployResources(effects()).run(context);
  return submitted.at(-1) as Deployment;
}

/** Where the bootstrap machine is sent to. */
function sourceOf({ properties }: Deployment): URL {
  const configurations = Object.values(properties.parameters ?? {}).map(({ value }) =>
    Buffer.from(String(value), "base64").toString(),
  );
  const source = configurations
    .map((text) => JSON.parse(text) as { ignition: { config?: { replace: { source: string } } } })
    .find(({ ignition }) => ignition.config !== undefined)?.ignition.config?.replace.source;
  return new URL(source ?? "");
}

it("the first machine may read its configuration for as long as its certificates are valid", async () => {
  const { searchParams } = sourceOf(await submittedAt(madeAt + 5 * minuteMs));
  // clocks may differ
  expect(Date.parse(searchParams.get("st") ?? "")).toBe(madeAt - 15 * minuteMs);
  expect(Date.parse(searchParams.get("se") ?? "")).toBe(madeAt + dayMs);
});

it("the address stays the same, whenever it is submitted again", async () => {
  const [early, late] = [
    await submittedAt(madeAt + 5 * minuteMs),
    await submittedAt(madeAt + dayMs - 1),
  ];
  expect(sourceOf(late).href).toBe(sourceOf(early).href);
});

it("nothing is submitted once they have expired, uploaded just now or not", async () => {
  await expect(submittedAt(madeAt + dayMs)).rejects.toMatchObject({
    name: "TerminalError",
    code: "InstallationFailed",
    message: expect.stringContaining("24 hours"),
  });
  expect(submitted).toEqual([]);
});

it("nothing is submitted by the names of assets that others have taken the place of", async () => {
  const context = await contextAt(madeAt, "mycluster-other");
  await expect(deployResources(effects()).run(context)).rejects.toThrow(/were replaced/);
  expect(submitted).toEqual([]);
});

it("nothing is submitted without the image: what somebody has deleted since it was copied is copied anew", async () => {
  blobs.blobs.delete(image);
  const context = await contextAt(madeAt);
  await uploadIgnition(effects()).run(context);
  const step = deployResources(effects());
  expect(await step.run(context)).toEqual({
    done: false,
    againAfterMs: 10,
    because: expect.stringMatching(/image.*not.*in.*storage account.*copied/) as string,
  });
  expect(await step.run(context)).toEqual({ done: false, againAfterMs: 10 });
  expect(submitted).toEqual([]);
  blobs.copies.set(image, "success");
  expect(await step.run(context)).toEqual({ done: false, againAfterMs: 10 });
  expect(submitted).toHaveLength(1);
});
