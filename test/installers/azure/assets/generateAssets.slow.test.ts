/** GenerateAssets with a program that writes what the real one does: made once, kept sealed, and the same for everybody after. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import type { AzureEffects } from "../../../../src/installers/azure/azureEffects.ts";
import type { AzureNotes } from "../../../../src/installers/azure/azureNotes.ts";
import { generateAssets } from "../../../../src/installers/azure/assets/generateAssets.ts";
import { readAssets } from "../../../../src/installers/azure/assets/readAssets.ts";
import type {
  InstallationChanges,
  InstallationSnapshot,
  StepContext,
  StepResult,
} from "../../../../src/installers/installer.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { systemRandom } from "../../../../src/runtime/ids.ts";
import { KeyRing } from "../../../../src/store/keyRing.ts";
import { SealedBytes } from "../../../../src/store/sealedBytes.ts";
import { readBootstrapIgnition } from "../../../azure/ignitionConfigs.ts";
import { installProgram } from "../../../azure/installProgram.ts";
import { newKey, TestKeys } from "../../../store/sealedStoreFixture.ts";
import { azureSnapshot, clientSecret, dnsZone, joining, pullSecret } from "../azureSnapshot.ts";
import { absent, BlobAnswerer } from "../blobAnswerer.ts";

const statePath = "/clusterabcdefgh/aro/graph";
const firstKey = newKey("first");

let root = "";
let parent = "";
let blobs: BlobAnswerer;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "generate-assets-"));
  parent = join(root, "folders");
  mkdirSync(parent);
  blobs = await BlobAnswerer.start();
});
afterEach(async () => {
  await blobs[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

/** The real stand-in, that counts how often it makes a cluster. */
function countingProgram(): { readonly path: string; readonly made: () => number } {
  const path = join(root, "openshift-install");
  const log = join(root, "calls");
  writeFileSync(log, "");
  writeFileSync(path, `#!/bin/sh\necho "$1 $2" >> '${log}'\nexec '${installProgram}' "$@"\n`, {
    mode: 0o755,
  });
  return {
    path,
    made: () => readFileSync(log, "utf8").split("create manifests").length - 1,
  };
}

async function effectsWith(
  path: string,
  key = firstKey,
  ranges: Readonly<Record<string, object>> = {},
  others: object = {},
): Promise<AzureEffects> {
  const keys = await KeyRing.open({ source: new TestKeys(key), clock: systemClock });
  return {
    settings: { dnsZone, installProgram: path },
    azure: blobs.connection(ranges, others),
    sealing: new SealedBytes({ keys, random: systemRandom }),
    clock: systemClock,
    random: systemRandom,
    pollMs: 1_000,
  };
}

class Run {
  snapshot: InstallationSnapshot;
  readonly saves: InstallationChanges[] = [];
  onGuard: () => void = () => undefined;
  readonly now: number;

  constructor(snapshot: InstallationSnapshot, now = 0) {
    this.snapshot = snapshot;
    this.now = now;
  }

  get context(): StepContext {
    const current = (): InstallationSnapshot => this.snapshot;
    return {
      get snapshot() {
        return current();
      },
      startedAt: 0,
      now: this.now,
      signal: new AbortController().signal,
      guard: () => this.onGuard(),
      save: async (changes) => this.apply(changes),
    };
  }

  apply(changes: InstallationChanges = {}): void {
    this.saves.push(changes);
    const { installation, secrets } = this.snapshot;
    this.snapshot = {
      ...this.snapshot,
      installation: { ...installation, ...changes.installation },
      secrets: { ...secrets, ...changes.secrets },
    };
  }

  async step(effects: AzureEffects): Promise<StepResult> {
    const result = await generateAssets(effects, parent).run(this.context);
    this.apply(result.changes);
    return result;
  }
}

it("makes a cluster's assets once, and gives the same to every later step and worker", async () => {
  const program = countingProgram();
  const effects = await effectsWith(program.path);
  const { sshPrivateKey: _, ...secrets } = azureSnapshot().secrets;
  const run = new Run(azureSnapshot({ secrets }));
  expect(await run.step(effects)).toMatchObject({ done: true });
  expect(run.snapshot.secrets.sshPrivateKey).toContain("OPENSSH PRIVATE KEY");
  const assets = await readAssets(run.context, effects);
  expect(run.snapshot.installation).toMatchObject({
    azure: { infraId: assets.infraId, imageUrl: assets.imageUrl, names: { mark: "abcdefgh" } },
  });
  expect(assets.infraId).toMatch(/^shop-abcdefgh-\w{5}$/);
  expect(readdirSync(parent)).toEqual([]);

  // nothing can be known of the cluster before it works
  const known = JSON.stringify([run.saves]);
  expect(known).not.toContain(assets.kubeadminPassword);
  expect(run.snapshot.secrets).not.toHaveProperty("adminKubeconfig");
  const stored = blobs.blobs.get(statePath)?.toString("latin1") ?? "";
  for (const secret of [assets.kubeadminPassword, clientSecret, "kubeconfig"]) {
    expect(stored).not.toContain(secret);
  }
  expect([...assets.files.keys()].some((path) => path.includes("osServicePrincipal"))).toBe(false);

  // the cluster's machines are given what was changed
  const { manifests } = readBootstrapIgnition(assets.bootstrapIgnition);
  const dns: unknown = parse(manifests.get("manifests/cluster-dns-02-config.yml") ?? "");
  expect(dns).toMatchObject({ spec: { baseDomain: "shop-abcdefgh.clusters.example.com" } });
  expect(dns).not.toHaveProperty(["spec", "publicZone"]);

  const again = new Run(azureSnapshot());
  await again.step(effects);
  expect(again.snapshot.installation["azure"]).toEqual(run.snapshot.installation["azure"]);
  expect(program.made()).toBe(1);
});

it("gives what was kept first to two workers that both ran the program", async () => {
  const program = countingProgram();
  const effects = await effectsWith(program.path);
  const [one, other] = [new Run(azureSnapshot()), new Run(azureSnapshot())];
  await Promise.all([one.step(effects), other.step(effects)]);
  expect(program.made()).toBe(2);
  expect(one.snapshot.installation).toEqual(other.snapshot.installation);
});

it("goes on after an answer that was lost, with what was kept", async () => {
  const effects = await effectsWith(countingProgram().path);
  const run = new Run(azureSnapshot());
  blobs.lost = 1;
  await run.step(effects);
  const { infraId } = await readAssets(run.context, effects);
  expect(run.snapshot.installation).toMatchObject({ azure: { infraId } });
});

it("keeps nothing when it may not act any more, and refers to nothing that is lost", async () => {
  const effects = await effectsWith(countingProgram().path);
  const run = new Run(azureSnapshot());
  run.onGuard = () => {
    throw new Error("superseded");
  };
  await expect(run.step(effects)).rejects.toThrow("superseded");
  expect(blobs.blobs.size).toBe(0);
  expect(run.saves).toEqual([]);
  expect(readdirSync(parent)).toEqual([]);
});

const hourMs = 3_600_000;

/** ARM with or without what the machines are deployed by, or machines. */
function beginnings(begun: { readonly deployment?: boolean; readonly machines?: boolean } = {}) {
  const deleted: string[] = [];
  const clients = {
    deployments: {
      deployments: {
        get:
          begun.deployment === true ? async (_group: string, name: string) => ({ name }) : absent,
      },
    },
    compute: {
      virtualMachines: {
        list: async function* () {
          if (begun.machines === true) yield {};
        },
      },
    },
    identities: {
      userAssignedIdentities: {
        delete: async (_group: string, name: string) => void deleted.push(name),
      },
    },
  };
  return { clients, deleted };
}

it("notes when its assets were made, whenever it is begun again, and makes others near their end", async () => {
  const program = countingProgram();
  const { clients, deleted } = beginnings();
  const effects = await effectsWith(program.path, firstKey, {}, clients);
  const since = async (snapshot: InstallationSnapshot, now: number) => {
    const run = new Run(snapshot, now);
    expect(await run.step(effects)).toMatchObject({ done: true });
    return run.snapshot;
  };
  const madeAt = 1_700_000_000_000;
  const first = await since(azureSnapshot(), madeAt);
  expect(first.installation).toMatchObject({ azure: { ignitionSince: madeAt } });
  const later = await since(first, madeAt + 20 * hourMs - 1);
  expect(later.installation).toEqual(first.installation);
  // of a worker that crashed before it noted anything
  const unnoted = await since(azureSnapshot(), madeAt + hourMs);
  expect(unnoted.installation).toEqual(first.installation);
  expect(program.made()).toBe(1);

  const image = "/clusterabcdefgh/vhd/rhcos.vhd";
  blobs.blobs.set(image, Buffer.from("of another release"));
  const renewed = await since(
    azureSnapshot({
      notes: {
        ...(first.installation["azure"] as AzureNotes),
        imageUrl: "https://images.example/older.vhd",
      },
    }),
    madeAt + 20 * hourMs,
  );
  expect(program.made()).toBe(2);
  expect(blobs.blobs.has(image)).toBe(false);
  expect(renewed.installation).toMatchObject({ azure: { ignitionSince: madeAt + 20 * hourMs } });
  const { infraId } = first.installation["azure"] as { readonly infraId: string };
  expect(renewed.installation).not.toMatchObject({ azure: { infraId } });
  expect(deleted).toEqual([`${infraId}-identity`]);
});

it.each([{ deployment: true }, { machines: true }])(
  "leaves assets as they are once machines may have begun: %o",
  async (begun) => {
    const program = countingProgram();
    const effects = await effectsWith(program.path, firstKey, {}, beginnings(begun).clients);
    const first = new Run(azureSnapshot());
    await first.step(effects);
    const old = new Run(first.snapshot, 30 * hourMs);
    expect(await old.step(effects)).toMatchObject({ done: true });
    expect(old.snapshot.installation).toEqual(first.snapshot.installation);

    const secrets = { ...first.snapshot.secrets, pullSecret: '{"auths":{"a":{"auth":"b3Ro"}}}' };
    const changed = new Run({ ...first.snapshot, secrets });
    await expect(changed.step(effects)).rejects.toMatchObject({
      name: "TerminalError",
      message: expect.stringContaining("another pull secret"),
    });
    expect(program.made()).toBe(1);
  },
);

it("gives no worker what another one made for another goal", async () => {
  const effects = await effectsWith(countingProgram().path, firstKey, {}, beginnings().clients);
  const first = new Run(azureSnapshot());
  await first.step(effects);
  const asking = (pull: string): Run =>
    new Run({
      ...first.snapshot,
      secrets: { ...first.snapshot.secrets, pullSecret: `{"auths":{"a":{"auth":"${pull}"}}}` },
    });
  const [one, other] = [asking("b25l"), asking("b3RoZXI=")];
  const results = await Promise.all([one.step(effects), other.step(effects)]);
  expect(results.filter(({ done }) => done)).toHaveLength(1);
  const [winner, loser] = results[0].done ? [one, other] : [other, one];
  const { infraId } = await readAssets(winner.context, effects);
  expect(winner.snapshot.installation).toMatchObject({ azure: { infraId } });
  expect(loser.snapshot.installation).toEqual(first.snapshot.installation);
});

it("joins the subnets that are given, with their ranges", async () => {
  const effects = await effectsWith(countingProgram().path, firstKey, {
    masters: { addressPrefix: "10.1.0.0/24" },
    workers: { addressPrefixes: ["10.1.1.0/24", "fd00::/64"] },
  });
  const run = new Run(azureSnapshot({ cluster: joining }));
  await run.step(effects);
  const { bootstrapIgnition } = await readAssets(run.context, effects);
  const { manifests } = readBootstrapIgnition(bootstrapIgnition);
  const config = manifests.get("manifests/cluster-config.yaml") ?? "";
  expect(config).toContain("10.1.0.0/24");
  expect(config).toContain("10.1.1.0/24");
  expect(config).not.toContain("fd00");
});

it("opens for no other cluster, and names the key that is missing", async () => {
  const effects = await effectsWith(countingProgram().path);
  const run = new Run(azureSnapshot());
  await run.step(effects);

  const otherKey = await effectsWith(countingProgram().path, newKey("second"));
  await expect(run.step(otherKey)).rejects.toThrow(/sealed by the key "first", which/);

  const again = azureSnapshot({ incarnationId: "33333333-3333-4333-8333-333333333333" });
  await expect(new Run(again).step(effects)).rejects.toThrow(/by the key "first", then changed/);

  blobs.blobs.set(statePath, Buffer.from("something else"));
  await expect(run.step(effects)).rejects.toThrow(/is not in the form of what is sealed/);
});

it("says that there are no assets when there are none", async () => {
  const effects = await effectsWith(countingProgram().path);
  const { context } = new Run(azureSnapshot());
  await expect(readAssets(context, effects)).rejects.toThrow(/is not in its storage account$/);
});

it("needs a service principal", async () => {
  const effects = await effectsWith(countingProgram().path);
  const run = new Run(azureSnapshot({ secrets: { pullSecret } }));
  await expect(run.step(effects)).rejects.toMatchObject({
    name: "TerminalError",
    code: "InvalidServicePrincipalCredentials",
  });
});
