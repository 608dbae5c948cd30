/**
 * The installer on Azure as a whole, with its real clients against the stand-in: a create makes each resource once and a delete
 * leaves nothing, the parent zone included — straight, with every step run twice, and killed at every call in turn.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { AzureNotes } from "../../../src/installers/azure/azureNotes.ts";
import { deleteOf, updateOf } from "../../backend/stepsSuite.ts";
import { newKey } from "../../store/sealedStoreFixture.ts";
import { AzureRun, existing, isChange, nameOf, type KillAt } from "./azureRun.ts";

const moments = ["before", "after"] as const;

/** At the first call of each kind. */
function onceEach(run: AzureRun, moment: AzureCallMoment): KillAt {
  const killed = new Set<string>();
  return (call, at) => {
    const name = nameOf(call, run);
    if (at !== moment || killed.has(name)) return false;
    killed.add(name);
    return true;
  };
}

type AzureCallMoment = (typeof moments)[number];

/** At the so-manieth call that changes something. */
function atChange(index: number, moment: AzureCallMoment): KillAt {
  let seen = 0;
  return (call, at) => at === moment && isChange(call) && seen++ === index;
}

/** What there is before a create, what a straight one leaves, and how many changes it takes. */
interface Straight {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly changes: number;
}
const networks = ["given", "own"] as const;
type Network = (typeof networks)[number];
const straight = {} as Record<Network, Straight>;

beforeAll(async () => {
  for (const network of networks) {
    await using run = await AzureRun.open({ network });
    const before = existing(run);
    await run.operation();
    straight[network] = {
      before,
      after: existing(run),
      changes: run.azure.calls.filter((call) => isChange(call)).length,
    };
    expect(straight[network].changes).toBeGreaterThan(15);
  }
});

describe("the installer on Azure", () => {
  it("creates, changes and deletes a cluster", async () => {
    await using run = await AzureRun.open();
    const created = await run.operation();
    expect(created.cluster).toMatchObject({
      apiserverUrl: expect.stringMatching(/^https:\/\/api\..*\.clusters\.example:6443\/$/),
      apiserverIp: expect.stringMatching(/^\d+\./),
    });
    expect(created.secrets.adminKubeconfig).toContain("client-key-data");
    run.become(updateOf(created));
    await run.operation();
    const workers = existing(run).filter((id) => /virtualMachines\/.*-worker-/.test(id));
    expect(workers).toHaveLength(5);
    run.become(deleteOf(run.document));
    await run.operation();
    expect(existing(run)).toEqual(straight.own.before);
  });

  it("creates a private cluster in given subnets, and gives them back", async () => {
    await using run = await AzureRun.open();
    const { subscriptionId, cluster } = run.document;
    const network = run.azure.createNetwork(subscriptionId, "networks", "office");
    const subnet = (name: string): string => `${network}/subnets/${name}`;
    const given = existing(run);
    const guarded = (): boolean =>
      JSON.stringify(run.azure.state.get(network)).includes("networkSecurityGroup");
    run.asks({
      apiserverVisibility: "Private",
      ingresses: [{ name: "default", visibility: "Private" }],
      domain: "shop.example.org",
      resourceGroupId: `/subscriptions/${subscriptionId}/resourceGroups/shop-machines`,
      controlPlane: { ...cluster.controlPlane, subnetId: subnet("control-plane") },
      workers: cluster.workers.map((pool) => ({ ...pool, subnetId: subnet("workers") })),
    });
    const created = await run.operation();
    expect(created.cluster).toMatchObject({
      apiserverUrl: "https://api.shop.example.org:6443/",
      apiserverIp: expect.stringMatching(/^10\.0\.0\./),
      ingresses: [{ name: "default", ip: expect.stringMatching(/^10\.0\.1\./) }],
    });
    expect(guarded()).toBe(true);
    const made = run.azure.resources().filter(({ id }) => !given.includes(id));
    const elsewhere = made.filter(({ id }) => !/\/resourceGroups\/shop-machines(\/|$)/i.test(id));
    expect(elsewhere).toEqual([]);
    expect(made.filter(({ type }) => type.endsWith("/virtualNetworks"))).toEqual([]);
    await run.delete();
    expect(existing(run)).toEqual(given);
    expect(guarded()).toBe(false);
  });

  it("changes nothing when all of a create is run twice", async () => {
    await using run = await AzureRun.open();
    const once = await run.operation();
    expect(await run.operation()).toEqual(once);
    expect(existing(run)).toEqual(straight.own.after);
  });

  it("makes nothing else once what the cluster began with is lost", async () => {
    await using run = await AzureRun.open();
    await run.untilKilled(
      ({ method, path }, at) =>
        method === "PUT" && path.includes("/deployments/resources-") && at === "after",
    );
    expect(run.document.installation["azure"]).toHaveProperty("infraId");
    await run.deleteBlob("aro", "graph");
    await expect(run.operation()).rejects.toMatchObject({
      code: "InstallationFailed",
      message: expect.stringContaining("create it again"),
    });
    await run.delete();
    expect(existing(run)).toEqual(straight.own.before);
  });

  it("says what to do when the key of what the cluster began with is gone, and goes on once it is back", async () => {
    const [old, newer] = [newKey("2025"), newKey("2026")];
    await using run = await AzureRun.open();
    await run.haveKeys(old);
    await run.untilKilled(
      ({ method, path }, at) =>
        method === "PUT" && path.includes("/deployments/resources-") && at === "before",
    );
    await run.haveKeys(newer);
    await expect(run.operation()).rejects.toMatchObject({
      name: "TerminalError",
      code: "SealingKeyUnknown",
      message: expect.stringMatching(/"2025".*put that key back.*or delete it/s),
    });
    await run.haveKeys(newer, old);
    await run.operation();
    expect(existing(run)).toEqual(straight.own.after);
    await run.delete();
    expect(existing(run)).toEqual(straight.own.before);
  });

  it("goes on by the key that the storage account has by then, when somebody changes it before any request for a blob comes", async () => {
    await using run = await AzureRun.open();
    const changedAt = new Map<string, string>();
    run.azure.onCall(({ method, path }, at) => {
      const [, account, blob] = /^\/(cluster[a-z2-7]+)\/(\w+\/[\w.]+)$/.exec(path) ?? [];
      if (at !== "before" || account === undefined) return;
      const request = `${method} ${blob}`;
      // the bootstrap machine's own is signed in its address
      if (request === "GET ignition/bootstrap.ign" || changedAt.has(request)) return;
      changedAt.set(request, account);
      run.azure.changeAccountKey(account);
    });
    await run.operation();
    expect(existing(run)).toEqual(straight.own.after);
    expect([...changedAt.keys()].toSorted()).toEqual([
      "DELETE aro/graph",
      "DELETE ignition/bootstrap.ign",
      "GET aro/graph",
      "HEAD vhd/rhcos.vhd",
      "PUT aro/graph",
      "PUT ignition/bootstrap.ign",
      "PUT vhd/rhcos.vhd",
    ]);
    const told = run.waits.filter(({ because }) => /refuses its own key/.test(because ?? ""));
    expect(told).toHaveLength(changedAt.size);
  });

  it("leaves nothing behind when somebody has set other tags on the group", async () => {
    await using run = await AzureRun.open();
    await run.operation();
    const { subscriptionId, installation } = run.document;
    const { names } = installation["azure"] as AzureNotes;
    const { resourceGroups } = run.azureClients(subscriptionId).resources;
    // as `az group update --tags cost=x` does
    await resourceGroups.update(names?.managedGroup ?? "", { tags: { cost: "x" } });
    await run.delete();
    expect(existing(run)).toEqual(straight.own.before);
  });

  it("begins no bootstrap machine in a living cluster, when a create begins anew", async () => {
    await using run = await AzureRun.open();
    await run.untilKilled(
      ({ method, path }, at) => method === "PUT" && /\/A\/\*\.apps/.test(path) && at === "before",
    );
    expect(run.kills).toBe(1);
    // the region offers less now, so that the template would be another
    run.azure.conditions.skus = run.azure.conditions.skus.map((sku) => ({
      ...sku,
      restrictedZones: ["2"],
    }));
    const bootstrapMachines = new Set<string>();
    const unwatch = run.azure.onCall(() => {
      for (const { id } of run.azure.resources()) {
        if (/virtualMachines\/.*-bootstrap$/.test(id)) bootstrapMachines.add(id);
      }
      return undefined;
    });
    const before = run.azure.calls.length;
    await run.operation();
    unwatch();
    expect([...bootstrapMachines]).toEqual([]);
    const anew = run.azure.calls.slice(before).map(({ method, path }) => `${method} ${path}`);
    expect(anew.filter((call) => /^PUT .*\/deployments\/resources-/.test(call))).toEqual([]);
    expect(existing(run)).toEqual(straight.own.after);
  });

  /** Before and after: the network that clusters mostly have, as some requests can't be made without; of the other one each call once. */
  it.each<[Network, AzureCallMoment]>([
    ["given", "before"],
    ["given", "after"],
    ["own", "after"],
  ])(
    "makes each thing once, with a network that is its %s, killed %s each call",
    async (network, moment) => {
      await using run = await AzureRun.open({ network });
      await run.operation(onceEach(run, moment));
      expect(run.kills).toBeGreaterThan(40);
      expect(existing(run)).toEqual(straight[network].after);
      run.become(updateOf(run.document));
      await run.operation(onceEach(run, moment));
      expect(existing(run).filter((id) => /virtualMachines\/.*-worker-/.test(id))).toHaveLength(5);
      run.become(deleteOf(run.document));
      await run.operation(onceEach(run, moment));
      expect(existing(run)).toEqual(straight[network].before);
    },
  );

  it("changes nothing after it has stood still at any call until its lease was lost", async () => {
    await using run = await AzureRun.open({ network: "given" });
    await run.operationOverStandstills(onceEach(run, "after"));
    expect(run.kills).toBeGreaterThan(40);
    expect(existing(run)).toEqual(straight.given.after);
    run.become(updateOf(run.document));
    await run.operationOverStandstills(onceEach(run, "after"));
    expect(existing(run).filter((id) => /virtualMachines\/.*-worker-/.test(id))).toHaveLength(5);
    run.become(deleteOf(run.document));
    await run.operationOverStandstills(onceEach(run, "after"));
    expect(existing(run)).toEqual(straight.given.before);
    expect(run.changedLate).toEqual([]);
  });

  it.each(moments)(
    "leaves nothing behind when it is deleted, killed for good %s any change",
    async (moment) => {
      const { before, changes } = straight.given;
      for (let index = 0; index < changes; index += 1) {
        await using run = await AzureRun.open({ network: "given" });
        await run.untilKilled(atChange(index, moment));
        expect(run.kills, `change ${index}`).toBe(1);
        await run.delete();
        expect(existing(run), `change ${index}`).toEqual(before);
      }
    },
    // forty creates and deletions, beside other tests
    600_000,
  );
});
