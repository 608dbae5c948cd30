/**
 * Engines with many clusters that have been installed: one is, by the real program; the others are written as that one stands, under
 * other names and ids, through the store that the program itself uses. So they are what the program would have left, whatever it
 * writes, and there in seconds. It must only be used on engines that no process runs on.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterDocument, OperationDocument } from "../../src/model/document.ts";
import { clusterKey, clusterResourceId, type ClusterName } from "../../src/model/resourceId.ts";
import type { Store, Write } from "../../src/store/store.ts";
import { embeddedEngine, type BenchEngines } from "./benchEngines.ts";
import { apiVersion, createBody } from "./scenarios.ts";
import { ServedProcess } from "./servedProcess.ts";
import { clusterName, clusterPath, guidOf, subscriptions, type Purpose } from "./storedClusters.ts";

/** A cluster that the program has installed, with the record of that. */
export interface InstalledCluster {
  /** Where the key lies that its secrets are sealed by. */
  readonly folder: string;
  readonly cluster: ClusterDocument;
  readonly operation: OperationDocument;
}

/** Of one commit; both documents of a cluster are written together. */
const clustersPerCommit = 20;
/** Commits that are handed in at once, so that the disk is waited for less often. */
const commitsAtOnce = 16;

/**
 * Lets the program install one cluster.
 *
 * @param program the file that is run.
 * @param folder an empty one.
 */
export async function installOne(program: string, folder: string): Promise<InstalledCluster> {
  const name = clusterName("stored", 0);
  {
    const settings = { PORT: "0", DATA_DIR: folder, LOCAL_INSTALL_SECONDS: "0" };
    await using rp = await ServedProcess.start({ program, settings });
    const url = `${rp.url}${clusterPath("stored", 0)}?api-version=${apiVersion}`;
    const headers = { "Content-Type": "application/json" };
    const asked = await fetch(url, { method: "PUT", headers, body: createBody("stored") });
    let text = await asked.text();
    if (asked.status !== 201) throw new Error(`no cluster was made: ${text}`);
    while (!text.includes('"Succeeded"')) {
      if (text.includes('"Failed"')) throw new Error(`the cluster was not installed: ${text}`);
      text = await (await fetch(url)).text();
    }
  }
  await using open = await embeddedEngine(folder).openStore();
  const key = clusterKey(name);
  const cluster = await open.store.read("cluster", key);
  const operation = await open.store.read("operation", {
    partition: key.partition,
    id: cluster?.document.operation.id ?? "",
  });
  if (cluster === undefined || operation === undefined) throw new Error("the cluster is gone");
  return { folder, cluster: cluster.document, operation: operation.document };
}

/**
 * Fills a folder with as many like that one.
 *
 * @param folder an empty one.
 */
export async function seedFolder(
  folder: string,
  installed: InstalledCluster,
  counts: Readonly<Partial<Record<Purpose, number>>>,
): Promise<void> {
  copyFileSync(join(installed.folder, "rp.key"), join(folder, "rp.key"));
  await seedEngines(embeddedEngine(folder), installed, counts);
}

/** Writes as many like that one to engines that have a key and nothing else. */
export async function seedEngines(
  engines: BenchEngines,
  installed: InstalledCluster,
  counts: Readonly<Partial<Record<Purpose, number>>>,
): Promise<void> {
  await using open = await engines.openStore();
  for (const [purpose, count] of Object.entries(counts) as [Purpose, number][]) {
    const like = movedTo(subscriptions[purpose], installed);
    const atOnce = clustersPerCommit * commitsAtOnce;
    for (let first = 0; first < count; first += atOnce) {
      const commits: Promise<unknown>[] = [];
      for (let from = first; from < Math.min(first + atOnce, count); from += clustersPerCommit) {
        const to = Math.min(from + clustersPerCommit, count);
        commits.push(commitCopies(open.store, like, { purpose, from, to }));
      }
      await Promise.all(commits);
    }
  }
}

/** How many operations run, up to `most`. */
export async function countRunning(store: Store, most: number): Promise<number> {
  return (await store.listRunning({ limit: most })).items.length;
}

/** What a cluster names is of its own subscription. */
function movedTo(subscription: string, { cluster, ...rest }: InstalledCluster): InstalledCluster {
  const text = JSON.stringify(cluster).replaceAll(subscriptions.stored, subscription);
  return { ...rest, cluster: JSON.parse(text) as ClusterDocument };
}

async function commitCopies(
  store: Store,
  installed: InstalledCluster,
  range: { readonly purpose: Purpose; readonly from: number; readonly to: number },
): Promise<void> {
  const { purpose, from, to } = range;
  const writes: Write[] = [];
  for (let number = from; number < to; number += 1) {
    const name = clusterName(purpose, number);
    writes.push(
      ...copyOf(installed, name, {
        operationId: guidOf(`${purpose} operation`, number),
        incarnationId: guidOf(`${purpose} incarnation`, number),
        revision: guidOf(`${purpose} revision`, number),
      }),
    );
  }
  await store.commit(clusterName(purpose, from).subscriptionId, writes);
}

function copyOf(
  { cluster, operation }: InstalledCluster,
  name: ClusterName,
  ids: Readonly<Record<"operationId" | "incarnationId" | "revision", string>>,
): readonly Write[] {
  const { operationId, incarnationId, revision } = ids;
  const { partition, id } = clusterKey(name);
  const named = {
    subscriptionId: partition,
    resourceId: clusterResourceId(name),
    resourceGroup: name.resourceGroup,
    name: name.name,
    incarnationId,
  };
  const { trace } = cluster.operation;
  const current = {
    ...cluster.operation,
    id: operationId,
    ...(trace === undefined ? {} : { trace: { ...trace, operationId } }),
  };
  return [
    { create: { ...cluster, ...named, id, revision, operation: current } },
    { create: { ...operation, ...named, id: operationId } },
  ];
}
