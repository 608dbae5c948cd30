/** Subnets that a user gives: each way in which they don't do, and that what the cluster itself has set is no fault. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkNetwork } from "../../../../src/installers/azure/checks/checkNetwork.ts";
import {
  subnetFaults,
  type AskedSubnet,
} from "../../../../src/installers/azure/checks/subnetFit.ts";
import {
  AzureAnswers,
  clientId,
  isOwn,
  pollMs,
  runCheck,
  subscriptionId,
  type Given,
} from "./azureAnswers.ts";

const minuteMs = 60_000;
const groups = `/subscriptions/${subscriptionId}/resourceGroups`;
const networkId = `${groups}/given/providers/Microsoft.Network/virtualNetworks/net`;
const permissions = `${networkId}/providers/Microsoft.Authorization/permissions`;
let azure: AzureAnswers;

beforeAll(async () => {
  azure = await AzureAnswers.start();
});

afterAll(async () => azure[Symbol.asyncDispose]());

const given: Given = {
  cluster: {
    network: { podCidr: "10.128.0.0/14", serviceCidr: "172.30.0.0/16" },
    controlPlane: { vmSize: "Standard_D8s_v3", subnetId: `${networkId}/subnets/masters` },
    workers: [
      {
        name: "worker",
        vmSize: "Standard_D4s_v3",
        diskSizeGB: 128,
        count: 3,
        subnetId: `${networkId}/subnets/workers`,
      },
    ],
  },
};

const masters = { addressPrefix: "10.0.0.0/24" };
const workers = { addressPrefix: "10.0.1.0/24" };

function network(options: {
  readonly location?: string;
  readonly subnets?: Readonly<Record<string, object>>;
}) {
  const { location = "westeurope", subnets = {} } = options;
  const all = Object.entries({ masters, workers, ...subnets });
  return {
    location,
    properties: { subnets: all.map(([name, properties]) => ({ name, properties })) },
  };
}

function answers(
  body: object | undefined,
  permission: { readonly status?: number; readonly body?: unknown } = {
    body: { value: [{ actions: ["*"] }] },
  },
) {
  return {
    ...azure.signsIn("token-of-the-cluster"),
    ...(body === undefined ? {} : { [`GET ${networkId.toLowerCase()}`]: { body } }),
    // only the cluster's own principal is in question
    [`GET ${permissions.toLowerCase()}`]: ({ token }: { readonly token: string }) =>
      isOwn(token) ? { body: { value: [] } } : permission,
  };
}

test("a network of the cluster's own needs no question", async () => {
  azure.requests.length = 0;
  expect(await runCheck(azure, checkNetwork)).toEqual({ done: true, notes: {} });
  expect(azure.requests).toEqual([]);
});

test("subnets that do", async () => {
  azure.answers = answers(network({ location: "West Europe" }));
  expect(await runCheck(azure, checkNetwork, given)).toEqual({ done: true, notes: {} });
});

const nsg = (group: string) => ({
  networkSecurityGroup: {
    id: `${groups}/${group}/providers/Microsoft.Network/networkSecurityGroups/nsg`,
  },
});

test.each([
  [
    "a security group of the cluster's own",
    { masters: { ...masters, ...nsg("ARO-mine-abcdefgh") } },
  ],
  ["several ranges", { masters: { addressPrefixes: ["10.0.0.0/29", "10.0.0.8/29", "fd00::/64"] } }],
  [
    "just enough room",
    { masters: { addressPrefix: "10.0.0.0/28" }, workers: { addressPrefix: "10.0.1.0/29" } },
  ],
  ["a range beside that of the pods", { masters: { addressPrefix: "10.127.255.0/24" } }],
  ["names in another case", { MASTERS: masters }],
])("does: %s", async (_name, subnets) => {
  azure.answers = answers(network({ subnets }));
  expect((await runCheck(azure, checkNetwork, given)).done).toBe(true);
});

test.each([
  ["no range of IPv4", { masters: { addressPrefix: "fd00::/64" } }, /no IPv4 range/],
  [
    "too little room for the control plane",
    { masters: { addressPrefix: "10.0.0.0/29" } },
    /'masters' of the control plane \(10\.0\.0\.0\/29\) has 3 free addresses.* 5 are needed/,
  ],
  [
    "room that others have taken",
    {
      workers: {
        ...workers,
        addressPrefix: "10.0.1.0/28",
        ipConfigurations: Array.from({ length: 9 }, (_, index) => ({ id: `/x/${index}` })),
      },
    },
    /'workers' of the workers .* 2 free addresses.* 3 are needed/,
  ],
  [
    "a range smaller than Azure's own share",
    { workers: { addressPrefix: "10.0.1.0/31" } },
    /0 free addresses/,
  ],
  [
    "a range within that of the pods",
    { masters: { addressPrefix: "10.129.0.0/24" } },
    /overlaps .*pods, 10\.128\.0\.0\/14/,
  ],
  [
    "a range around that of the services",
    { masters: { addressPrefix: "172.16.0.0/12" } },
    /overlaps .*services, 172\.30\.0\.0\/16/,
  ],
  [
    "a security group of somebody else",
    { workers: { ...workers, ...nsg("aro-mine-abcdefgh-2") } },
    /aro-mine-abcdefgh-2\/.*detach it/,
  ],
])("refuses %s", async (_name, subnets, expected) => {
  azure.answers = answers(network({ subnets }));
  const { code, message } = await runCheck(azure, checkNetwork, given);
  expect(code).toBe("InvalidSubnet");
  expect(message).toMatch(expected);
  // another one in a PUT is refused
  expect(message).toMatch(/delete this cluster and create it anew with another subnet/i);
});

const group = `${groups}/aro-other-bcdefghi`;
const groupNsg = `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg`;
const tagged = { body: { tags: { "openshift-rp-incarnation": "another" } } };
const forbidden = { status: 403, body: { error: { code: "AuthorizationFailed", message: "No." } } };

test.each([
  ["whose group says so", { [groupNsg]: tagged }],
  ["whose resource group says so", { [groupNsg]: { body: {} }, [group]: tagged }],
  ["whose resource group alone may be read", { [groupNsg]: forbidden, [group]: tagged }],
])("never tells to take the guard off a subnet of another cluster, %s", async (_name, readable) => {
  azure.answers = answers(
    network({ subnets: { workers: { ...workers, ...nsg("aro-other-bcdefghi") } } }),
  );
  for (const [id, answer] of Object.entries(readable)) {
    azure.answers[`GET ${id.toLowerCase()}`] = answer;
  }
  const { code, message } = await runCheck(azure, checkNetwork, given);
  expect(code).toBe("InvalidSubnet");
  expect(message).toBe(
    "The subnet 'workers' of the workers is used by another cluster: delete this cluster and create it anew with another subnet.",
  );
});

test("a security group that may not be read is taken for the user's", async () => {
  azure.answers = answers(
    network({ subnets: { workers: { ...workers, ...nsg("aro-other-bcdefghi") } } }),
  );
  azure.answers[`GET ${groupNsg.toLowerCase()}`] = forbidden;
  azure.answers[`GET ${group.toLowerCase()}`] = forbidden;
  expect((await runCheck(azure, checkNetwork, given)).message).toMatch(/detach it/);
});

test("a principal that can't sign in any more is the cluster's to mend, not called the resource provider's", async () => {
  azure.answers = { ...answers(network({})), ...azure.refusesSignIn(7000222) };
  const { code, message } = await runCheck(azure, checkNetwork, given);
  expect(code).toBe("InvalidServicePrincipalCredentials");
  expect(message).toMatch(new RegExp(`${clientId} could not sign in \\(AADSTS7000222\\)`));
});

test("tells everything at once", async () => {
  azure.answers = answers(
    network({
      location: "eastus",
      subnets: {
        masters: { addressPrefix: "10.129.0.0/29", ...nsg("x") },
        workers: { ...workers, ...nsg("y") },
      },
    }),
    { body: { value: [] } },
  );
  const { code, message } = await runCheck(azure, checkNetwork, given);
  expect(code).toBe("InvalidSubnet");
  expect(message).toMatch(
    /\(1\).*eastus.*\(2\).*3 free.*\(3\).*overlaps.*\(4\).*detach.*\(5\).*eastus.*\(6\).*detach.*\(7\).*principal/,
  );
});

test("tells of a network or subnet that isn't there", async () => {
  azure.answers = answers(undefined);
  expect((await runCheck(azure, checkNetwork, given)).message).toMatch(
    /no virtual network .*\/net/,
  );
  azure.answers = answers({ location: "westeurope", properties: {} });
  expect((await runCheck(azure, checkNetwork, given)).message).toMatch(/'masters'.*'workers'/);
});

test("asks no other subscription", async () => {
  azure.requests.length = 0;
  const other = networkId.replace(subscriptionId, "11111111-2222-4333-8444-555566667777");
  const controlPlane = { vmSize: "Standard_D8s_v3", subnetId: `${other}/subnets/masters` };
  const { code, message } = await runCheck(azure, checkNetwork, { cluster: { controlPlane } });
  expect([code, message]).toEqual([
    "InvalidSubnet",
    expect.stringContaining("must be in the cluster's subscription"),
  ]);
  expect(azure.requests).toEqual([]);
});

test.each([
  ["has no role", { body: { value: [] } }],
  [
    "may not even ask",
    { status: 403, body: { error: { code: "AuthorizationFailed", message: "No." } } },
  ],
  ["may only look", { body: { value: [{ actions: ["*/read"] }] } }],
])(
  "a service principal that %s there may still get one, for a while",
  async (_name, permission) => {
    azure.answers = answers(network({}), permission);
    expect(await runCheck(azure, checkNetwork, given)).toEqual({
      done: false,
      againAfterMs: pollMs,
    });
    const { code, message } = await runCheck(azure, checkNetwork, {
      ...given,
      passedMs: 5 * minuteMs,
    });
    expect(code).toBe("AuthorizationFailed");
    expect(message).toContain(clientId);
    expect(message).toContain("Microsoft.Network/virtualNetworks/subnets/join/action");
    expect(message).toContain("Network Contributor");
  },
);

test("what a service principal may do is read to the last page, with its own token", async () => {
  const second = `${azure.url}/permissions/2`;
  azure.answers = {
    ...answers(network({}), { body: { value: [{ actions: ["*/read"] }], nextLink: second } }),
    "GET /permissions/2": ({ token }) =>
      isOwn(token) ? { status: 403 } : { body: { value: [{ actions: ["*"] }] } },
  };
  expect((await runCheck(azure, checkNetwork, given)).done).toBe(true);
});

test.each([400, 404, 405])("an answer of %i is no proof of a permission", async (status) => {
  azure.answers = answers(network({}), { status, body: { error: { code: "No", message: "No." } } });
  expect((await runCheck(azure, checkNetwork, given)).done).toBe(false);
  const { code, message } = await runCheck(azure, checkNetwork, {
    ...given,
    passedMs: 5 * minuteMs,
  });
  expect(code).toBe("AuthorizationFailed");
  expect(message).toContain("Azure does not tell that it has Microsoft.Network/virtualNetworks/");
});

test.each([
  ["don't end", "/permissions/2", 11],
  ["are elsewhere", "https://127.0.0.1:1/permissions/2", 1],
])("pages that %s are no proof of a permission", async (_name, link, asked) => {
  const nextLink = new URL(link, azure.url).href;
  const page = { body: { value: [{ actions: ["*"] }], nextLink } };
  azure.answers = { ...answers(network({}), page), "GET /permissions/2": page };
  azure.requests.length = 0;
  expect((await runCheck(azure, checkNetwork, given)).done).toBe(false);
  expect(azure.requests.filter((one) => one.includes("permissions"))).toHaveLength(asked);
});

test("Azure's own failures are left to the classification", async () => {
  azure.answers = {
    ...answers(undefined),
    [`GET ${networkId.toLowerCase()}`]: {
      status: 403,
      body: { error: { code: "AuthorizationFailed", message: "No." } },
    },
  } as typeof azure.answers;
  await expect(runCheck(azure, checkNetwork, given)).rejects.toMatchObject({ statusCode: 403 });
});

test("two ranges overlap exactly when they share an address", () => {
  const range = fc.tuple(fc.nat(255), fc.integer({ min: 24, max: 32 }));
  const text = ([start, length]: readonly [number, number]): string =>
    `10.0.0.${start - (start % 2 ** (32 - length))}/${length}`;
  const addresses = ([start, length]: readonly [number, number]): number[] => {
    const size = 2 ** (32 - length);
    return Array.from({ length: size }, (_, index) => start - (start % size) + index);
  };
  const asked: AskedSubnet = {
    id: { id: "/s", subscriptionId, resourceGroup: "g", network: "net", name: "s" },
    purpose: "workers",
    addresses: 0,
  };
  fc.assert(
    fc.property(range, range, (one, other) => {
      const faults = subnetFaults(
        asked,
        { location: "eastus", subnets: [{ name: "s", addressPrefix: text(one) }] },
        {
          location: "eastus",
          network: { podCidr: text(other), serviceCidr: "172.30.0.0/16" },
          managedGroupId: "/x",
          othersGroups: [],
        },
      );
      const taken = new Set(addresses(other));
      expect(faults.length > 0).toBe(addresses(one).some((address) => taken.has(address)));
    }),
  );
});
