/**
 * The services behind the Azure engines fail for a while under the real program: they throttle, are down, or lose the answers to what
 * they have done. Callers are told to come back or get the right answer, nothing is lost or done twice, and once the services are
 * back, all goes on by itself.
 */
import { expect, test } from "vitest";
import { activityKey } from "../../src/model/document.ts";
import { documentsContainer } from "../../src/store/cosmosLayout.ts";
import { AzurePeers } from "../process/azurePeers.ts";
import {
  announceSubscription,
  askForCluster,
  clusterUrl,
  putCluster,
  untilState,
} from "../process/clusterCalls.ts";
import { RpProcess } from "../process/rpProcess.ts";
import { expectEveryStepOnce } from "../process/stepHistory.ts";
import type { Fault as QueueFault } from "../queue/storageQueuePeer.ts";
import type { Fault } from "../store/cosmosPeer.ts";

/** Heartbeats are quick, so that what a fault has delayed comes back in seconds; a lease outlasts each outage here. */
const timing = { HEARTBEAT_SECONDS: "1", LEASE_SECONDS: "45", VISIBILITY_SECONDS: "46" };

async function startAnnounced(peers: AzurePeers, settings = {}): Promise<RpProcess> {
  const rp = await RpProcess.start({ ...peers.settings, ...timing, ...settings });
  await announceSubscription(rp, "Registered");
  return rp;
}

/** The operations of these clusters' creates are all that there has been, and each is whole. */
async function expectCreatedOnce(peers: AzurePeers, names: readonly string[]): Promise<void> {
  expect(peers.clusters().map(({ name }) => name)).toEqual(names);
  const operations = peers.operations();
  expect(operations).toHaveLength(names.length);
  for (const operation of operations) expectEveryStepOnce(operation);
  await expect.poll(() => peers.messageCount(), { timeout: 60_000 }).toBe(0);
}

async function expectUnavailable(response: Response, retryAfter: RegExp): Promise<void> {
  const text = await response.text();
  expect(response.status, text).toBe(503);
  expect(response.headers.get("retry-after")).toMatch(retryAfter);
  expect(text).not.toMatch(/cosmos|127\.0\.0\.1/i);
}

const down: Fault = { status: 503 };
const throttling: Fault = { status: 429, headers: { "x-ms-retry-after-ms": "21000" } };
const unreachable: Fault = { reset: "before" };

test.each<[string, Fault, RegExp]>([
  ["is down", down, /^5$/],
  ["asks for a pause", throttling, /^21$/],
  ["can't be reached", unreachable, /^5$/],
])(
  "Cosmos DB %s for a while in mid-install: 503, not ready; afterwards it goes on by itself",
  async (_what, fault, retryAfter) => {
    await using peers = await AzurePeers.start();
    await using rp = await startAnnounced(peers, { LOCAL_INSTALL_SECONDS: "2" });
    expect(await putCluster(rp, "before")).toBe(201);
    await rp.logged(({ phase }) => phase === "DeployResources");

    peers.cosmos.outage = fault;
    const [put, get, ready, live] = await Promise.all([
      askForCluster(rp, "late"),
      fetch(clusterUrl(rp, "before")),
      fetch(`${rp.url}/healthz/ready`),
      fetch(`${rp.url}/healthz/live`),
    ]);
    await expectUnavailable(put, retryAfter);
    await expectUnavailable(get, retryAfter);
    await expectUnavailable(ready, /^5$/);
    expect(live.status).toBe(200);

    peers.cosmos.outage = undefined;
    const askReady = async (): Promise<number> => (await fetch(`${rp.url}/healthz/ready`)).status;
    // an answer counts for a second
    let status = await askReady();
    while (status === 503) status = await askReady();
    expect(status).toBe(200);
    expect(await putCluster(rp, "late")).toBe(201);
    for (const name of ["before", "late"]) await untilState(rp, name, "Succeeded");
    await expectCreatedOnce(peers, ["before", "late"]);
  },
);

test("Cosmos DB loses the answer to every commit: 201, one operation, every step once", async () => {
  await using peers = await AzurePeers.start();
  await using rp = await startAnnounced(peers, { LOCAL_INSTALL_SECONDS: "0" });
  const lost: readonly Fault[] = [
    { reset: "after" },
    { status: 503, effect: true },
    { status: 408, effect: true },
    { status: 500, effect: true, text: "<html>" },
  ];
  const commitsMax = 100;
  for (let commit = 0; commit < commitsMax; commit += 1) {
    peers.cosmos.fail("batch", ...lost.slice(commit % lost.length).slice(0, 1));
  }
  peers.cosmos.requests.length = 0;
  expect(await putCluster(rp, "c")).toBe(201);
  await untilState(rp, "c", "Succeeded");
  const commits = peers.cosmos.operations.filter((operation) => operation === "batch");
  expect(commits.length).toBeLessThan(commitsMax);
  await expectCreatedOnce(peers, ["c"]);
});

test("the answer to a PUT's commit is lost, and then Cosmos DB is down: 503, and the cluster is created all the same", async () => {
  await using peers = await AzurePeers.start();
  await using rp = await startAnnounced(peers, { LOCAL_INSTALL_SECONDS: "0" });
  // the forwarder's first publication is a commit too; the next one is seconds away
  await expect
    .poll(() => peers.cosmos.items(documentsContainer.name).map(({ id }) => id))
    .toContain(activityKey.id);
  peers.cosmos.fail("batch", { reset: "after" });
  const committed = peers.cosmos.arrival("batch");
  const put = askForCluster(rp, "c");
  await committed;
  peers.cosmos.outage = down;
  await expectUnavailable(await put, /^5$/);
  peers.cosmos.outage = undefined;
  await untilState(rp, "c", "Succeeded");
  await expectCreatedOnce(peers, ["c"]);
});

test.each<[string, QueueFault]>([
  ["can't be reached", { reset: "before" }],
  ["is busy", { status: 503, code: "ServerBusy" }],
])(
  "the queue %s for a while: PUT is accepted, and carried out once it is back",
  async (_what, fault) => {
    await using peers = await AzurePeers.start();
    await using rp = await startAnnounced(peers, { LOCAL_INSTALL_SECONDS: "0" });
    peers.queue.outage = fault;
    expect(await putCluster(rp, "c")).toBe(201);
    // nothing that a caller can ask for needs the queue
    expect((await fetch(`${rp.url}/healthz/ready`)).status).toBe(200);
    await rp.logged(({ message }) => message === "the queue took no message");
    expect((await fetch(clusterUrl(rp, "c"))).status).toBe(200);
    expect(peers.operations()).toMatchObject([{ status: "InProgress", steps: [] }]);

    peers.queue.outage = undefined;
    await untilState(rp, "c", "Succeeded");
    await expectCreatedOnce(peers, ["c"]);
  },
);

test("the queue is down for a while in mid-install: the message comes back by itself, and the work goes on", async () => {
  await using peers = await AzurePeers.start();
  const settings = { LEASE_SECONDS: "2", VISIBILITY_SECONDS: "3", LOCAL_INSTALL_SECONDS: "2" };
  await using rp = await startAnnounced(peers, settings);
  expect(await putCluster(rp, "c")).toBe(201);
  await rp.logged(({ phase }) => phase === "DeployResources");
  peers.queue.outage = { reset: "before" };
  await rp.logged(({ message }) => message === "the queue failed; it will be asked again");
  peers.queue.outage = undefined;
  await untilState(rp, "c", "Succeeded");
  await expectCreatedOnce(peers, ["c"]);
});
