/** A cluster of the stand-in for Azure, over the real Kubernetes client: how it begins, works and ends. */
import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from "@kubernetes/client-node";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { systemRandom } from "../../src/runtime/ids.ts";
import {
  generateCertificateKey,
  issueAdmin,
  issueAuthority,
} from "../../src/installers/local/certificate.ts";
import { TestClock } from "../runtime/testClock.ts";
import { armClients } from "./armClients.ts";
import { LocalAzure } from "./localAzure.ts";
import {
  group,
  installConfig,
  makeAssets,
  putMachine,
  putSurroundings,
  type Assets,
} from "./standInAssets.ts";

const operationMs = 1000;
const clusterReadyMs = 20_000;
const machineSets = {
  group: "machine.openshift.io",
  version: "v1beta1",
  namespace: "openshift-machine-api",
  plural: "machinesets",
};
const versions = { group: "config.openshift.io", version: "v1", plural: "clusterversions" };

interface MachineSet {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly replicas: number };
  readonly status?: { readonly replicas: number; readonly readyReplicas: number };
}

let folder = "";
const clock = new TestClock();
let azure: LocalAzure;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cluster-"));
  azure = await LocalAzure.start({ clock, operationMs, clusterReadyMs });
  azure.trust();
});
afterEach(() => {
  for (const { id } of azure.resources()) azure.state.delete(id);
});
afterAll(async () => {
  await azure[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** By what they are made from: the program takes its time. */
const made = new Map<string, Promise<Assets>>();

interface Prepared extends Assets {
  readonly customData: Readonly<Record<"bootstrap" | "master", string>>;
}

/** As an installer for its own infrastructure does: the image is its own. */
function useImage(folderOfAssets: string, infraId: string): void {
  const openshift = join(folderOfAssets, "openshift");
  for (const file of readdirSync(openshift).filter((name) => name.includes("machineset"))) {
    const text = readFileSync(join(openshift, file), "utf8");
    const image = `resourceID: /resourceGroups/shop/providers/Microsoft.Compute/images/${infraId}`;
    writeFileSync(join(openshift, file), text.replace(/resourceID: \S+/, image));
  }
}

async function prepare(
  options: {
    edit?: typeof useImage;
    publish?: "External" | "Internal";
    sasExpiresAt?: number;
  } = {},
): Promise<Prepared> {
  const { edit = useImage, publish = "External", sasExpiresAt } = options;
  const kind = `${publish} ${edit.name}`;
  const making =
    made.get(kind) ??
    makeAssets(azure, {
      folder: mkdtempSync(join(folder, "assets-")),
      installConfig: { ...installConfig, publish },
      edit,
    });
  made.set(kind, making);
  const assets = await making;
  const expiresAt = sasExpiresAt ?? clock.now() + 86_400_000;
  return { ...assets, customData: await putSurroundings(azure, assets, expiresAt) };
}

function putMasters({ infraId, customData }: Prepared): void {
  for (const index of [0, 1, 2]) {
    putMachine(azure, `${infraId}-master-${index}`, { customData: customData.master });
  }
}

function putMachines(assets: Prepared): void {
  const { infraId, customData } = assets;
  putMachine(azure, `${infraId}-bootstrap`, { customData: customData.bootstrap });
  putMasters(assets);
}

function clientsOf(kubeconfig: string) {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return { core: config.makeApiClient(CoreV1Api), custom: config.makeApiClient(CustomObjectsApi) };
}

/** Status and message of a call that fails. */
async function refusal(call: Promise<unknown>): Promise<[number, string]> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiException)) throw new Error("no answer of an API", { cause: error });
  // of some refusals the client shows no more than the code
  const { body } = error as ApiException<unknown>;
  const read = typeof body === "string" ? (JSON.parse(body) as { message: string }) : undefined;
  return [error.code, read?.message ?? ""];
}

async function bootstrapStatus({ kubeconfig }: Assets): Promise<string | undefined> {
  const { core } = clientsOf(kubeconfig);
  const map = await core.readNamespacedConfigMap({ namespace: "kube-system", name: "bootstrap" });
  return map.data?.["status"];
}

async function isAvailable({ kubeconfig }: Assets): Promise<boolean> {
  const { custom } = clientsOf(kubeconfig);
  const version = (await custom.getClusterCustomObject({ ...versions, name: "version" })) as {
    status: { conditions: { type: string; status: string }[] };
  };
  return version.status.conditions.some(
    (each) => each.type === "Available" && each.status === "True",
  );
}

async function setsOf({ kubeconfig, infraId }: Assets): Promise<MachineSet[]> {
  const { custom } = clientsOf(kubeconfig);
  const labelSelector = `machine.openshift.io/cluster-api-cluster=${infraId}`;
  const list = await custom.listNamespacedCustomObject({ ...machineSets, labelSelector });
  return (list as { items: MachineSet[] }).items;
}

async function scale(assets: Assets, name: string, patch: object): Promise<void> {
  const { custom } = clientsOf(assets.kubeconfig);
  await custom.patchNamespacedCustomObject(
    { ...machineSets, name, body: patch },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
}

const machinesInAzure = () =>
  azure.state.list(group).filter(({ type }) => type === "Microsoft.Compute/virtualMachines").length;

async function complete(assets: Prepared): Promise<void> {
  putMachines(assets);
  await clock.advance(clusterReadyMs + 10 * operationMs);
  expect(await isAvailable(assets)).toBe(true);
}

test("begins with its machines, completes its bootstrap, becomes available, and outlives the bootstrap machine", async () => {
  const assets = await prepare();
  const { infraId, kubeconfig, customData } = assets;
  expect(await refusal(bootstrapStatus(assets))).toEqual([503, `there is no cluster ${infraId}`]);

  putMachine(azure, `${infraId}-bootstrap`, {
    customData: customData.bootstrap,
    provisioningState: "Creating",
  });
  expect((await refusal(bootstrapStatus(assets)))[1]).toContain("there is no machine");
  putMachine(azure, `${infraId}-bootstrap`, { customData: customData.bootstrap });
  expect((await refusal(bootstrapStatus(assets)))[1]).toBe("0 of 3 control plane machines run");
  putMasters(assets);
  expect((await refusal(bootstrapStatus(assets)))[0]).toBe(404);
  expect(await isAvailable(assets)).toBe(false);

  await clock.advance(clusterReadyMs / 2);
  expect(await bootstrapStatus(assets)).toBe("complete");
  expect(await isAvailable(assets)).toBe(false);
  azure.state.delete(`${group}/providers/Microsoft.Compute/virtualMachines/${infraId}-bootstrap`);

  await clock.advance(clusterReadyMs / 2 + operationMs);
  expect(await isAvailable(assets)).toBe(true);
  const { core } = clientsOf(kubeconfig);
  const router = { namespace: "openshift-ingress", name: "router-default" };
  const service = await core.readNamespacedService(router);
  expect(service.status?.loadBalancer?.ingress).toEqual([{ ip: "203.0.113.80" }]);
  expect((await core.listNode()).items).toHaveLength(6);
  const secret = await core.readNamespacedSecret({
    namespace: "kube-system",
    name: "azure-credentials",
  });
  expect(secret.data?.["azure_client_id"]).toBe(
    Buffer.from(azure.clusterApplication.clientId).toString("base64"),
  );
  const zone = `${group}/providers/Microsoft.Network/privateDnsZones/shop.example.com`;
  expect(azure.state.get(`${zone}/A/*.apps`)?.properties["aRecords"]).toEqual([
    { ipv4Address: "203.0.113.80" },
  ]);
});

test("begins from a machine that Azure Resource Manager has made, and shows nobody what it was given", async () => {
  const assets = await prepare();
  const { infraId, customData } = assets;
  putMasters(assets);
  azure.state.put({
    id: `${group}/providers/Microsoft.Network/networkInterfaces/nic`,
    name: "nic",
    type: "Microsoft.Network/networkInterfaces",
    location: "westeurope",
    properties: { provisioningState: "Succeeded", ipConfigurations: [] },
  });
  const { token } = await armClients(azure).credential.getToken(`${azure.url}/.default`);
  const path = `${group}/providers/Microsoft.Compute/virtualMachines/${infraId}-bootstrap`;
  const answer = await fetch(`${azure.url}${path}?api-version=2024-07-01`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      location: "westeurope",
      properties: {
        hardwareProfile: { vmSize: "Standard_D4s_v3" },
        osProfile: { computerName: "bootstrap", customData: customData.bootstrap },
        storageProfile: {
          imageReference: { id: `${group}/providers/Microsoft.Compute/images/${infraId}` },
          osDisk: { createOption: "FromImage" },
        },
        networkProfile: {
          networkInterfaces: [{ id: `${group}/providers/Microsoft.Network/networkInterfaces/nic` }],
        },
      },
    }),
  });
  expect([answer.status, await answer.text()]).toEqual([
    201,
    expect.not.stringContaining(customData.bootstrap),
  ]);
  await clock.advance(operationMs + clusterReadyMs / 2);
  expect(await bootstrapStatus(assets)).toBe("complete");
});

test("a private router has an address of the workers' subnet and none in public", async () => {
  const assets = await prepare({ publish: "Internal" });
  await complete(assets);
  const { core } = clientsOf(assets.kubeconfig);
  const router = { namespace: "openshift-ingress", name: "router-default" };
  const service = await core.readNamespacedService(router);
  expect(service.status?.loadBalancer?.ingress).toEqual([{ ip: "10.0.32.8" }]);
  expect(azure.state.list(group).map(({ type }) => type)).not.toContain(
    "Microsoft.Network/publicIPAddresses",
  );
});

test("never completes when the bootstrap machine goes too early", async () => {
  const assets = await prepare();
  putMachines(assets);
  await clock.advance(clusterReadyMs / 4);
  azure.state.delete(
    `${group}/providers/Microsoft.Compute/virtualMachines/${assets.infraId}-bootstrap`,
  );
  await clock.advance(2 * clusterReadyMs);
  expect((await refusal(bootstrapStatus(assets)))[0]).toBe(503);
});

test.each<[string, (assets: Prepared) => void]>([
  [
    "is refused its config: 403",
    (assets) => {
      clock.skip(86_400_000);
      putMachines(assets);
    },
  ],
  [
    "names no other",
    (assets) => putMachines({ ...assets, customData: { ...assets.customData, bootstrap: "e30=" } }),
  ],
  [
    "doesn't begin with the control plane's config",
    (assets) => putMachines({ ...assets, customData: { ...assets.customData, master: "e30=" } }),
  ],
  [
    "can't find api-int.shop.example.com",
    (assets) => {
      azure.state.delete(
        `${group}/providers/Microsoft.Network/privateDnsZones/shop.example.com/A/api-int`,
      );
      putMachines(assets);
    },
  ],
])("doesn't begin when a machine %s", async (why, put) => {
  const assets = await prepare();
  put(assets);
  await clock.advance(2 * clusterReadyMs);
  const [status, message] = await refusal(bootstrapStatus(assets));
  expect([status, message]).toEqual([503, expect.stringContaining(why)]);
});

test("makes and removes workers as asked, with all that belongs to them in Azure", async () => {
  const assets = await prepare();
  await complete(assets);
  const [first, second] = await setsOf(assets);
  if (first === undefined || second === undefined) throw new Error("there are two zones");
  expect([first.spec.replicas, second.spec.replicas]).toEqual([2, 1]);
  expect(first.status).toMatchObject({ replicas: 2, readyReplicas: 2 });
  expect(machinesInAzure()).toBe(1 + 3 + 3);
  const before = azure.state.list(group).length;

  await scale(assets, first.metadata.name, { spec: { replicas: 4 } });
  expect((await setsOf(assets))[0]?.status).toMatchObject({ replicas: 4, readyReplicas: 2 });
  await clock.advance(operationMs);
  expect((await setsOf(assets))[0]?.status).toMatchObject({ replicas: 4, readyReplicas: 4 });
  expect(azure.state.list(group).length).toBe(before + 2 * 3);

  await scale(assets, first.metadata.name, { spec: { replicas: 0 } });
  await scale(assets, second.metadata.name, { spec: { replicas: 2 } });
  await clock.advance(3 * operationMs);
  expect((await setsOf(assets)).map(({ status }) => status?.readyReplicas)).toEqual([0, 2]);
  expect(azure.state.list(group).length).toBe(before - 3);
});

test("changes nothing that was changed since it was read, and no set that isn't there", async () => {
  const assets = await prepare();
  await complete(assets);
  const [set] = await setsOf(assets);
  if (set === undefined) throw new Error("there are two zones");
  const { name, resourceVersion } = set.metadata;
  await scale(assets, name, { metadata: { resourceVersion }, spec: { replicas: 3 } });
  const late = scale(assets, name, { metadata: { resourceVersion }, spec: { replicas: 1 } });
  expect((await refusal(late))[0]).toBe(409);
  expect((await refusal(scale(assets, "other", { spec: { replicas: 1 } })))[0]).toBe(404);
  const { custom } = clientsOf(assets.kubeconfig);
  const strategic = custom.patchNamespacedCustomObject(
    { ...machineSets, name, body: {} },
    setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
  );
  expect((await refusal(strategic))[0]).toBe(415);
});

test("isn't available without workers that can be made, and says why they can't", async () => {
  const assets = await prepare({ edit: function asMade() {} });
  putMachines(assets);
  await clock.advance(clusterReadyMs + 10 * operationMs);
  expect(await isAvailable(assets)).toBe(false);
  const { custom } = clientsOf(assets.kubeconfig);
  const list = await custom.listNamespacedCustomObject({ ...machineSets, plural: "machines" });
  const { items } = list as { items: { status?: { errorMessage?: string } }[] };
  const faults = items.flatMap(({ status }) => status?.errorMessage ?? []);
  expect(faults).toHaveLength(3);
  expect(faults[0]).toContain("galleries");
});

test("lets nobody in without a certificate of that very cluster's administrator", async () => {
  const assets = await prepare();
  putMachines(assets);
  const config = parse(assets.kubeconfig) as { users: { user: Record<string, string> }[] };
  const withUser = (user: Record<string, string>) =>
    JSON.stringify({ ...config, users: [{ name: "admin", user }] });
  const options = { now: Date.now(), random: systemRandom };
  const key = await generateCertificateKey();
  const other = await issueAdmin({ key, certificate: await issueAuthority(key, options) }, options);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const users = [
    {},
    { token: "guessed" },
    {
      "client-certificate-data": base64(other.certificate),
      "client-key-data": base64(other.key),
    },
  ];
  for (const user of users) {
    const call = bootstrapStatus({ ...assets, kubeconfig: withUser(user) });
    expect((await refusal(call))[0]).toBe(401);
  }
  expect((await refusal(bootstrapStatus(assets)))[0]).toBe(404);
});

test("makes nothing any more in a group that is being deleted, and ends with its machines", async () => {
  const assets = await prepare();
  await complete(assets);
  const [set] = await setsOf(assets);
  await scale(assets, set?.metadata.name ?? "", { spec: { replicas: 9 } });
  const shop = azure.state.get(group);
  if (shop === undefined) throw new Error("the group is gone");
  azure.state.put({ ...shop, properties: { provisioningState: "Deleting" } });
  const machines = machinesInAzure();
  await clock.advance(2 * operationMs);
  expect(machinesInAzure()).toBe(machines);
  for (const { id } of azure.state.list(group)) azure.state.delete(id);
  azure.state.delete(group);
  await clock.advance(10 * operationMs);
  expect(azure.state.list(group)).toEqual([]);
  expect((await refusal(bootstrapStatus(assets)))[1]).toContain("there is no cluster");
});
