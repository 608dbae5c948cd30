/** Sizes, zones, generations and quotas: what a region offers is noted, and all that it lacks is told at once. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { failureReason } from "../../../../src/backend/failureReason.ts";
import { checkMachines } from "../../../../src/installers/azure/checks/checkMachines.ts";
import { AzureAnswers, runCheck, subscriptionId } from "./azureAnswers.ts";

const subscription = `GET /subscriptions/${subscriptionId}/providers`;
let azure: AzureAnswers;

beforeAll(async () => {
  azure = await AzureAnswers.start();
});

afterAll(async () => azure[Symbol.asyncDispose]());

interface Size {
  readonly name?: string;
  readonly zones?: readonly string[];
  readonly restrictions?: readonly object[];
  readonly capabilities?: Readonly<Record<string, string>>;
  readonly vCPUs: number;
}

function sku({ name, zones = ["3", "1", "2"], restrictions = [], capabilities = {}, vCPUs }: Size) {
  const all = {
    vCPUs: String(vCPUs),
    HyperVGenerations: "V1,V2",
    PremiumIO: "True",
    ...capabilities,
  };
  return {
    resourceType: "virtualMachines",
    name: name ?? `Standard_D${vCPUs}s_v3`,
    family: "standardDSv3Family",
    locations: ["westeurope"],
    locationInfo: [{ location: "westeurope", zones }],
    capabilities: Object.entries(all).map(([key, value]) => ({ name: key, value })),
    restrictions,
  };
}

function usage(value: string, currentValue: number, limit: number) {
  return { unit: "Count", name: { value, localizedValue: `the ${value}` }, currentValue, limit };
}

function region(
  skus: readonly object[],
  compute: readonly object[] = [],
  network: readonly object[] = [],
) {
  const place = "locations/westeurope/usages";
  return {
    [`${subscription}/microsoft.compute/skus`]: { body: { value: skus } },
    [`${subscription}/microsoft.compute/${place}`]: { body: { value: compute } },
    [`${subscription}/microsoft.network/${place}`]: { body: { value: network } },
  };
}

// a control plane of D8s, workers of D4s
const both = [sku({ vCPUs: 8 }), sku({ vCPUs: 4 })];

beforeEach(() => {
  azure.requests.length = 0;
});

test("notes zones and generation, and asks for the catalogue of the location alone", async () => {
  azure.answers = region(both);
  expect(await runCheck(azure, checkMachines)).toEqual({
    done: true,
    notes: { machines: { zones: ["1", "2", "3"], hyperVGeneration: "V2" } },
  });
  expect(azure.requests.find((request) => request.includes("/skus"))).toContain(
    "$filter=location eq 'westeurope'",
  );
});

const restricted = (type: string, zones?: readonly string[]) => ({
  type,
  values: ["westeurope"],
  restrictionInfo: { locations: ["westeurope"], ...(zones === undefined ? {} : { zones }) },
  reasonCode: "NotAvailableForSubscription",
});

test.each([
  ["a region without zones", { zones: [] }, [], "V2"],
  [
    "zones that the subscription can't use",
    { restrictions: [restricted("Zone", ["2"])] },
    ["1", "3"],
    "V2",
  ],
  [
    "a size of the first generation",
    { capabilities: { HyperVGenerations: "V1" } },
    ["1", "2", "3"],
    "V1",
  ],
  [
    "a size of the second only",
    { capabilities: { HyperVGenerations: "V2" } },
    ["1", "2", "3"],
    "V2",
  ],
  [
    "a restriction of another region",
    {
      restrictions: [
        {
          ...restricted("Location"),
          values: ["eastus"],
          restrictionInfo: { locations: ["eastus"] },
        },
      ],
    },
    ["1", "2", "3"],
    "V2",
  ],
])("notes what %s offers", async (_name, changes, zones, hyperVGeneration) => {
  azure.answers = region([sku({ vCPUs: 8, ...changes }), sku({ vCPUs: 4 })]);
  expect((await runCheck(azure, checkMachines)).notes).toEqual({
    machines: { zones, hyperVGeneration },
  });
});

test.each([
  [
    "a size that isn't there",
    [sku({ vCPUs: 8 })],
    /no machines of the size Standard_D4s_v3 in West Europe/,
  ],
  [
    "a size of another place",
    [sku({ vCPUs: 8 }), { ...sku({ vCPUs: 4 }), locations: ["eastus"] }],
    /Standard_D4s_v3/,
  ],
  [
    "disks of that name",
    [sku({ vCPUs: 8 }), { ...sku({ vCPUs: 4 }), resourceType: "disks" }],
    /Standard_D4s_v3/,
  ],
  [
    "a size that the subscription can't have",
    [sku({ vCPUs: 8, restrictions: [restricted("Location")] }), sku({ vCPUs: 4 })],
    /can't have machines of the size Standard_D8s_v3 .*NotAvailableForSubscription/,
  ],
  [
    "a size without premium disks",
    [sku({ vCPUs: 8, capabilities: { PremiumIO: "False" } }), sku({ vCPUs: 4 })],
    /premium/,
  ],
  [
    "sizes of two generations",
    [
      sku({ vCPUs: 8, capabilities: { HyperVGenerations: "V1" } }),
      sku({ vCPUs: 4, capabilities: { HyperVGenerations: "V2" } }),
    ],
    /generation/,
  ],
])("refuses %s", async (_name, skus, expected) => {
  azure.answers = region(skus);
  const { code, message } = await runCheck(azure, checkMachines);
  expect(code).toBe("SkuNotAvailable");
  expect(message).toMatch(expected);
});

test("tells every size and every quota at once, with what is left", async () => {
  // needed: 4 of D8s and 3 of D4s, so 44 cores in 7 machines
  azure.answers = region(
    [{ ...sku({ vCPUs: 8 }), restrictions: [restricted("Location")] }, sku({ vCPUs: 4 })],
    [
      usage("cores", 57, 100),
      usage("standardDSv3Family", 90, 100),
      usage("standardESv3Family", 100, 100),
      usage("virtualMachines", 10, 25_000),
    ],
    [usage("PublicIPAddresses", 8, 10), usage("NetworkInterfaces", 0, 65_536)],
  );
  const { code, message = "" } = await runCheck(azure, checkMachines);
  expect(code).toBe("SkuNotAvailable");
  expect(message).toContain("the cores (44 needed, 43 of 100 left)");
  expect(message).toContain("the standardDSv3Family (44 needed, 10 of 100 left)");
  expect(message).toContain("the PublicIPAddresses (3 needed, 2 of 10 left)");
  expect(message).not.toMatch(/ESv3|virtualMachines|NetworkInterfaces/);
});

test.each([
  ["just enough", [usage("CORES", 56, 100)], [usage("PublicIPAddresses", 7, 10)], undefined],
  ["one core too few", [usage("cores", 57, 100)], [], "QuotaExceeded"],
  ["one address too few", [], [usage("StandardSkuPublicIpAddresses", 8, 10)], "QuotaExceeded"],
  ["more used than allowed", [usage("cores", 200, 100)], [], "QuotaExceeded"],
  ["no limit", [usage("cores", 200, -1)], [], undefined],
  ["no quota listed", [], [], undefined],
])("counts exactly: %s", async (_name, compute, network, code) => {
  azure.answers = region(both, compute, network);
  expect((await runCheck(azure, checkMachines)).code).toBe(code);
});

test.each([
  ["of how much nothing is used", { ...usage("cores", 0, 100), currentValue: undefined }],
  ["without a limit", { ...usage("cores", 0, 100), limit: null }],
])("a quota %s is guessed neither used up nor free", async (_name, unreadable) => {
  azure.answers = region(both, [unreadable], []);
  await expect(runCheck(azure, checkMachines)).rejects.toMatchObject({
    name: "TransientError",
    message: "Azure gave quotas of the subscription that can't be read.",
  });
});

test.each(["compute", "network"])(
  "a quota of %s without a name is no fault of the user's",
  async (of) => {
    const { name: _, ...nameless } = usage("cores", 0, 100);
    azure.answers = region(both, ...(of === "compute" ? [[nameless], []] : [[], [nameless]]));
    const failure = await runCheck(azure, checkMachines).catch((error: unknown) => error);
    expect(failureReason("CheckMachines", failure, {}).message).toMatch(
      /internal error|can't be read/,
    );
  },
);

test("a create that begins anew does not count its own machines", async () => {
  azure.answers = region(both, [usage("cores", 57, 100)], []);
  const { code } = await runCheck(azure, checkMachines, { notes: { infraId: "shop-abcde" } });
  expect(code).toBe(undefined);
});

test("a create that begins anew keeps to the zones that it began with", async () => {
  azure.answers = region([sku({ vCPUs: 8, zones: ["1"] }), sku({ vCPUs: 4 })]);
  const machines = { zones: ["1", "2", "3"], hyperVGeneration: "V2" } as const;
  expect(await runCheck(azure, checkMachines, { notes: { infraId: "a", machines } })).toEqual({
    done: true,
    notes: {},
  });
  expect(await runCheck(azure, checkMachines, { notes: { machines } })).toMatchObject({
    notes: { machines: { zones: ["1"] } },
  });
});

test("a private ingress takes no public address, given subnets no network", async () => {
  azure.answers = region(
    both,
    [],
    [usage("PublicIPAddresses", 8, 10), usage("VirtualNetworks", 1, 1)],
  );
  const ingresses = [{ name: "default", visibility: "Private" as const }];
  const subnetId = `/subscriptions/${subscriptionId}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s`;
  const controlPlane = { vmSize: "Standard_D8s_v3", subnetId };
  expect(
    (await runCheck(azure, checkMachines, { cluster: { ingresses, controlPlane } })).code,
  ).toBe(undefined);
  expect((await runCheck(azure, checkMachines, { cluster: { ingresses } })).message).toContain(
    "VirtualNetworks",
  );
});

test("reads every page of the catalogue", async () => {
  const page = `${subscription}/microsoft.compute/skus`;
  azure.answers = {
    ...region([]),
    [page]: { body: { value: [both[0]], nextLink: `${azure.url}/skus/2` } },
    "GET /skus/2": { body: { value: [both[1]] } },
  };
  expect((await runCheck(azure, checkMachines)).done).toBe(true);
});
