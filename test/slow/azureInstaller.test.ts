/**
 * The real program with the installer on Azure against the stand-in for Azure: a user's cluster comes, changes and goes, whatever
 * becomes of the process meanwhile, and no secret gets out.
 */
import { expect, test } from "vitest";
import type { AzureCall } from "../azure/faults.ts";
import { AzureScene } from "./azureScene.ts";

/** Each of two operations may take what `AzureScene` waits for the end of one. */
const testMs = 1_200_000;

/** What there is of a cluster with three workers once it runs. */
const partsWanted = {
  // as README tells
  virtualMachines: 6,
  disks: 6,
  networkInterfaces: 6,
  loadBalancers: 2,
  // of the API, and of the ingress
  publicIPAddresses: 2,
  networkSecurityGroups: 2,
  images: 1,
  userAssignedIdentities: 1,
  // of the machines' identity and of the service principal
  roleAssignments: 2,
  // its own, and that of the image registry
  storageAccounts: 2,
  "dnsZones/CNAME": 1,
  "dnsZones/A": 1,
  "dnsZones/TXT": 1,
  resourceGroups: 1,
} as const;

/** How many there are of each type, beside what was there before. */
function partsOf(scene: AzureScene, before: readonly string[]): Readonly<Record<string, number>> {
  const ids = scene.existing().filter((id) => !before.includes(id));
  const count = (type: string): number =>
    ids.filter((id) => {
      const typed = type.includes("/") ? type.replace("/", "/[^/]+/") : type;
      return new RegExp(`/${typed}/[^/]+$`).test(id);
    }).length;
  return Object.fromEntries(Object.keys(partsWanted).map((type) => [type, count(type)]));
}

test(
  "a cluster is created, scaled and deleted, and nothing is left; one without a service principal fails",
  async () => {
    await using scene = await AzureScene.open();
    const before = scene.existing();
    await scene.put("first");
    const created = await scene.untilEnded("first");
    expect(created).toMatchObject({
      state: "Succeeded",
      properties: {
        apiserverProfile: { url: "https://api.first.clusters.example:6443/" },
        consoleProfile: { url: "https://console-openshift-console.apps.first.clusters.example/" },
      },
    });
    expect(partsOf(scene, before)).toEqual(partsWanted);
    const { kubeconfig } = await scene.credentials("first");
    expect(await scene.nodes(kubeconfig)).toEqual({ masters: 3, workers: 3 });

    await scene.setWorkerCount("first", 5);
    expect(await scene.untilEnded("first")).toMatchObject({ state: "Succeeded" });
    expect(await scene.nodes(kubeconfig)).toEqual({ masters: 3, workers: 5 });

    await scene.delete("first");
    expect(await scene.untilEnded("first")).toMatchObject({ state: "gone" });
    expect(scene.existing()).toEqual(before);

    // one without a service principal says so, and can be deleted
    const operation = await scene.putWithoutPrincipal("early");
    expect(await scene.untilEnded("early")).toMatchObject({ state: "Failed" });
    expect(await scene.operation(operation)).toMatchObject({
      status: "Failed",
      error: {
        code: "InvalidServicePrincipalCredentials",
        message: expect.stringContaining("servicePrincipalProfile"),
      },
    });
    expect(scene.existing()).toEqual(before);
    await scene.delete("early");
    expect(await scene.untilEnded("early")).toMatchObject({ state: "gone" });
    await scene.stop();
    scene.watchLogs();
  },
  testMs,
);

type Moment = "before" | "after";

/** Where the process is killed: around the effect of the first such call, for each moment once. */
const killed: readonly (readonly [method: string, path: RegExp, moments: readonly Moment[]])[] = [
  ["PUT", /\/dnsZones\/.*\/TXT\//i, ["before", "after"]],
  ["PUT", /\/resourceGroups\/[^/]+$/i, ["after"]],
  ["PUT", /\/deployments\/storage-/i, ["after"]],
  ["PUT", /\/aro\/graph$/, ["before", "after"]],
  ["PUT", /\/userAssignedIdentities\//i, ["after"]],
  ["PUT", /\/vhd\/rhcos\.vhd$/, ["after"]],
  ["PUT", /\/ignition\/bootstrap\.ign$/, ["after"]],
  ["PUT", /\/subnets\//i, ["after"]],
  ["PUT", /\/deployments\/resources-/i, ["before", "after"]],
  ["PUT", /\/dnsZones\/.*\/CNAME\//i, ["before", "after"]],
  ["DELETE", /\/virtualMachines\/[^/]+-bootstrap$/i, ["before", "after"]],
  ["PUT", /\/dnsZones\/.*\/A\//i, ["after"]],
  ["DELETE", /\/ignition\/bootstrap\.ign$/, ["after"]],
  ["DELETE", /\/aro\/graph$/, ["before"]],
  // of the cluster's deletion
  ["DELETE", /\/dnsZones\/.*\/CNAME\//i, ["after"]],
  ["DELETE", /\/dnsZones\/.*\/TXT\//i, ["after"]],
  ["DELETE", /\/resourceGroups\/[^/]+$/i, ["after"]],
];

/** Kills the process at each place once. @returns the places that are left, by name. */
function killAtEachPlace(scene: AzureScene): ReadonlyMap<string, unknown> {
  const left = new Map(
    killed.flatMap(([method, path, moments]) =>
      moments.map((moment) => [`${moment} ${method} ${path.source}`, { method, path, moment }]),
    ),
  );
  const placeOf = (call: AzureCall, moment: Moment): string | undefined =>
    [...left].find(
      ([, place]) =>
        place.moment === moment && place.method === call.method && place.path.test(call.path),
    )?.[0];
  scene.azure.onCall((call, moment) => {
    const place = placeOf(call, moment);
    if (place === undefined) return undefined;
    left.delete(place);
    scene.restart();
    return "drop";
  });
  return left;
}

test(
  "a process that is killed again and again makes each thing once, leaves nothing and shows no secret",
  async () => {
    await using scene = await AzureScene.open();
    const before = scene.existing();
    const left = killAtEachPlace(scene);
    let leftFolders: readonly string[] = [];
    scene.onConfigsBegun(() => {
      scene.restart();
      leftFolders = scene.privateFolders();
    });
    await scene.put("often");
    expect(await scene.untilEnded("often")).toMatchObject({ state: "Succeeded" });
    expect(partsOf(scene, before)).toEqual(partsWanted);
    const { kubeconfig } = await scene.credentials("often");
    expect(await scene.nodes(kubeconfig)).toEqual({ masters: 3, workers: 3 });
    // and that of a look at the program, which each start takes
    expect([1, 2]).toContain(leftFolders.length);
    // the last process may still be looking at the program
    await expect.poll(() => scene.privateFolders()).toEqual([]);

    await scene.delete("often");
    expect(await scene.untilEnded("often")).toMatchObject({ state: "gone" });
    expect(scene.existing()).toEqual(before);
    expect([...left.keys()]).toEqual([]);
    await scene.stop();
    scene.watchLogs();
  },
  testMs,
);

test(
  "a backend that stands still over a call, until another has made the cluster, changes nothing when it goes on",
  { timeout: testMs },
  async () => {
    await using scene = await AzureScene.open({
      web: "frontend,forwarder",
      sleeper: "backend",
      other: "backend",
    });
    const before = scene.existing();
    const [sleeper, other] = [scene.process("sleeper"), scene.process("other")];
    other.kill("SIGSTOP");
    const woken = Promise.withResolvers<void>();
    let isHeld = false;
    scene.azure.onCall(async ({ method, path }, moment) => {
      const isMeant = method === "PUT" && path.includes("/deployments/resources-");
      if (isHeld || !isMeant || moment !== "before") return undefined;
      isHeld = true;
      sleeper.kill("SIGSTOP");
      other.kill("SIGCONT");
      await woken.promise;
      // it has come to nothing, and whoever sent it may be about to try again
      return "drop";
    });
    await scene.put("held");
    expect(await scene.untilEnded("held")).toMatchObject({ state: "Succeeded" });
    expect(isHeld).toBe(true);
    expect(partsOf(scene, before)).toEqual(partsWanted);

    const calls = scene.azure.calls.length;
    sleeper.kill("SIGCONT");
    woken.resolve();
    await sleeper.logged(({ message }) =>
      String(message).startsWith("this worker lost the cluster"),
    );
    const changes = scene.azure.calls
      .slice(calls)
      // keys and tokens are asked for by POST
      .filter(({ method, path }) => method !== "GET" && !/\/(listKeys|token)$/i.test(path));
    expect(changes).toEqual([]);
    expect(partsOf(scene, before)).toEqual(partsWanted);

    await scene.delete("held");
    expect(await scene.untilEnded("held")).toMatchObject({ state: "gone" });
    expect(scene.existing()).toEqual(before);
    await scene.stop();
    scene.watchLogs();
  },
);
