/**
 * How many requests the program makes of the Azure engines for each thing that it does, as our own peers count them, against the
 * table in `azureCosts.ts`, with what they should cost by published figures. Each is paid for.
 */
import { expect, test } from "vitest";
import { leasesContainer } from "../../src/store/cosmosLayout.ts";
import type { PeerRequest } from "../store/cosmosPeer.ts";
import { operationCosts, type Cost, type Counts } from "./azureCosts.ts";
import { AzurePeers } from "./azurePeers.ts";
import {
  announceSubscription,
  clusterUrl,
  deleteCluster,
  listClusters,
  patchCluster,
  putCluster,
  replaceCluster,
} from "./clusterCalls.ts";
import { countCosmos, countQueue, isOfCluster } from "./requestCount.ts";
import { unitsOf } from "./requestUnits.ts";
import { RpProcess, type Environment } from "./rpProcess.ts";

const patiently = { timeout: 60_000 };
/** How far the table may be off: items grow with each release, and a table is no meter. */
const toleratedShare = 0.3;

type Operation = keyof typeof operationCosts;

function expectUnits(operation: Operation, units: number): void {
  const { units: written } = operationCosts[operation];
  const off = Math.abs(written - units);
  expect(off, `${operation}: ${units} request units, not ${written}`).toBeLessThanOrEqual(
    Math.max(1, units * toleratedShare),
  );
}

/** Exactly as many requests as the table says, and about as many units. */
function expectCosts(peers: AzurePeers, operation: Operation, asked: readonly PeerRequest[]): void {
  expect(countCosmos(asked), operation).toEqual(operationCosts[operation].cosmos);
  expectUnits(operation, unitsOf(peers.cosmos, asked));
}

/** Empties what was asked of Cosmos DB so far. @returns what of it was for a cluster. */
function takeOfCluster({ cosmos }: AzurePeers): readonly PeerRequest[] {
  return cosmos.requests.splice(0).filter(isOfCluster);
}

/** Empties what was asked of the queue since before a process opened it. */
function takeOfQueue({ queue }: AzurePeers) {
  // the forwarder asks at any moment how many messages there are
  const requests = queue.requests.splice(0).filter(({ operation }) => operation !== "properties");
  const opening = requests.splice(0, 4).map(({ operation }) => operation);
  expect(opening).toEqual(["peek", "send", "update", "delete"]);
  return countQueue(requests);
}

function added(...counts: readonly (readonly [times: number, counts: Counts<string>])[]) {
  const all: Record<string, number> = {};
  for (const [times, of] of counts) {
    for (const [kind, n = 0] of Object.entries(of)) all[kind] = (all[kind] ?? 0) + times * n;
  }
  return all;
}

/** How many writes a batch holds. */
function writesIn({ body }: PeerRequest): number {
  return (JSON.parse(body) as readonly unknown[]).length;
}

const isBatch = ({ operation }: PeerRequest): boolean => operation === "batch";
const isLease = ({ container }: PeerRequest): boolean => container === leasesContainer.name;

/** None of the regular looks comes in between. */
const seldom: Environment = {
  HEARTBEAT_SECONDS: "44",
  // nor does the look at the published activity
  OPERATIONS_LIMIT: "0",
};

async function startWeb(peers: AzurePeers, settings: Environment): Promise<RpProcess> {
  const web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  // the look for missing keys, which no start waits for
  await expect
    .poll(() => peers.cosmos.requests.some(({ operation }) => operation === "query"))
    .toBe(true);
  peers.cosmos.requests.length = 0;
  return web;
}

async function untilAll(peers: AzurePeers, state: string): Promise<void> {
  await expect
    .poll(() => peers.clusters().every(({ provisioningState }) => provisioningState === state), {
      ...patiently,
    })
    .toBe(true);
  await expect.poll(() => peers.messageCount(), patiently).toBe(0);
}

/** Only the forwarder's is left. */
async function untilLeasesAreGone(peers: AzurePeers): Promise<void> {
  await expect.poll(() => peers.cosmos.items(leasesContainer.name), patiently).toHaveLength(1);
}

test("each request, the forwarder, and a worker whose steps don't wait and do", async () => {
  await using peers = await AzurePeers.start();
  const settings = { ...peers.settings, ...seldom, LOCAL_INSTALL_SECONDS: "0" };
  await using web = await startWeb(peers, settings);
  const expectRequests = async (
    operation: Operation,
    call: () => Promise<Response | number | void>,
    status?: number,
  ): Promise<void> => {
    const answer = await call();
    const got = typeof answer === "object" ? answer.status : answer;
    expect(got, operation).toBe(status);
    expectCosts(peers, operation, peers.cosmos.requests.splice(0));
    expect(peers.queue.requests).toEqual([]);
  };
  const of = (name: string) => async () => fetch(clusterUrl(web, name));
  const announce = async (): Promise<void> => announceSubscription(web, "Registered");
  await expectRequests("a subscription is announced", announce);
  await expectRequests("it is announced again in the same state", announce);
  await expectRequests("GET of a cluster that is not there", of("c"), 404);
  await expectRequests(
    "DELETE of a cluster that is not there",
    async () => deleteCluster(web, "c"),
    204,
  );
  await expectRequests("PUT that creates", async () => putCluster(web, "c"), 201);
  await expectRequests("PUT or PATCH of a busy cluster", async () => putCluster(web, "c"), 409);
  await expectRequests("GET", of("c"), 200);

  const forwarder = await RpProcess.start({ ...settings, ROLES: "forwarder" });
  await using _forwarder = forwarder;
  await expect.poll(() => peers.clusters()[0]?.unqueued, patiently).toBe(false);
  expectCosts(peers, "forwarder: an operation", takeOfCluster(peers));
  expect(takeOfQueue(peers)).toEqual(operationCosts["forwarder: an operation"].queue);

  const whole = "worker: a create by the local installer, when no step waits";
  const backend = await RpProcess.start({ ...settings, ROLES: "backend" });
  await using _backend = backend;
  await untilAll(peers, "Succeeded");
  await untilLeasesAreGone(peers);
  const work = takeOfCluster(peers);
  expectCosts(peers, whole, work);
  expect(takeOfQueue(peers)).toEqual(operationCosts[whole].queue);
  const claimedAt = work.findIndex(isBatch);
  const endedAt = work.findLastIndex(isBatch);
  expectCosts(peers, "worker: a claim", work.slice(0, claimedAt + 1));
  expectCosts(peers, "worker: the end of an operation", work.slice(endedAt));
  const between = work.slice(claimedAt + 1, endedAt);
  expect(between.every(isBatch)).toBe(true);
  for (const [operation, writes] of [
    ["worker: a note in the middle of a step", 1],
    ["worker: the end of a step", 2],
  ] as const) {
    const alike = between.filter((request) => writesIn(request) === writes);
    expect(alike.length, operation).toBeGreaterThan(5);
    for (const request of alike) expect(countCosmos([request])).toEqual({ batch: 1 });
    expectUnits(operation, unitsOf(peers.cosmos, alike) / alike.length);
  }

  for (const name of ["d", "p", "r", "t"]) expect(await putCluster(web, name)).toBe(201);
  await untilAll(peers, "Succeeded");
  backend.kill("SIGTERM");
  expect((await backend.exit()).code).toBe(0);

  await untilLeasesAreGone(peers);
  expect(await putCluster(web, "w")).toBe(201);
  const isQueued = () => peers.clusters().every(({ unqueued }) => !unqueued);
  await expect.poll(isQueued, patiently).toBe(true);
  peers.cosmos.requests.length = 0;
  peers.queue.requests.length = 0;
  const waiting = await RpProcess.start({
    ...settings,
    LOCAL_INSTALL_SECONDS: "12",
    ROLES: "backend",
  });
  await using _waiting = waiting;
  await untilAll(peers, "Succeeded");
  await untilLeasesAreGone(peers);
  const waits = takeOfCluster(peers);
  const claims = waits.filter(
    (request) => isLease(request) && request.operation === "create",
  ).length;
  expect(claims).toBeGreaterThan(3);
  const later = "worker: a step that is to be begun again later";
  const claim = operationCosts["worker: a claim"];
  expect(countCosmos(waits)).toEqual(
    added(
      [1, operationCosts[whole].cosmos],
      [claims - 1, claim.cosmos],
      [claims - 1, operationCosts[later].cosmos],
    ),
  );
  expect(takeOfQueue(peers)).toEqual(
    added([1, operationCosts[whole].queue], [claims - 1, operationCosts[later].queue]),
  );
  const releasedAt = waits.findIndex(
    (request) => isLease(request) && request.operation === "delete",
  );
  expectCosts(peers, later, waits.slice(releasedAt - 1, releasedAt + 1));

  for (const process of [forwarder, waiting]) {
    process.kill("SIGTERM");
    expect((await process.exit()).code).toBe(0);
  }
  peers.cosmos.requests.length = 0;
  peers.queue.requests.length = 0;

  const unchanged = "PUT or PATCH that changes nothing";
  await expectRequests(unchanged, async () => putCluster(web, "c"), 200);
  await expectRequests(unchanged, async () => patchCluster(web, "c", {}), 200);
  const tags = { tags: { a: "b" } };
  await expectRequests("PATCH of tags alone", async () => patchCluster(web, "t", tags), 200);
  await expectRequests("credentials", of("c/credentials"), 200);
  await expectRequests("a page of a list", async () => (await listClusters(web)).status, 200);
  await expectRequests("readiness", async () => fetch(`${web.url}/healthz/ready`), 200);
  await expectRequests("liveness", async () => fetch(`${web.url}/healthz/live`), 200);

  const properties = { workerProfiles: [{ name: "worker", count: 4 }] };
  await expectRequests(
    "PUT that begins an update",
    async () => replaceCluster(web, "r", properties),
    200,
  );
  let status = "";
  const update = async (): Promise<Response> => {
    const response = await patchCluster(web, "p", { properties });
    status = response.headers.get("azure-asyncoperation") ?? "";
    return response;
  };
  await expectRequests("PATCH that begins an update", update, 202);
  await expectRequests("an operation's status or result", async () => fetch(status), 200);
  await expectRequests("DELETE", async () => deleteCluster(web, "d"), 202);
  await expectRequests(
    "DELETE that cuts an operation short",
    async () => deleteCluster(web, "p"),
    202,
  );
});

test("a heartbeat of a worker", async () => {
  await using peers = await AzurePeers.start();
  const settings = {
    ...peers.settings,
    ...seldom,
    // several before the store gives a request up, also when this machine stands still for seconds
    HEARTBEAT_SECONDS: "0.2",
    LEASE_SECONDS: "30",
    VISIBILITY_SECONDS: "40",
  };
  await using web = await startWeb(peers, settings);
  await announceSubscription(web, "Registered");
  expect(await putCluster(web, "c")).toBe(201);
  await using _forwarder = await RpProcess.start({ ...settings, ROLES: "forwarder" });
  await expect.poll(() => peers.clusters()[0]?.unqueued, patiently).toBe(false);
  // a step that hangs in a write: until the store gives that request up, nothing but heartbeats is asked for
  const hangs = async (): Promise<number> => {
    await peers.cosmos.arrival("batch");
    // after the claim
    await peers.cosmos.arrival("batch");
    peers.cosmos.fail("batch", { hang: "before" });
    await peers.cosmos.arrival("batch");
    return peers.cosmos.requests.length;
  };
  const hung = hangs();
  await using backend = await RpProcess.start({
    ...settings,
    LOCAL_INSTALL_SECONDS: "0",
    ROLES: "backend",
  });
  const from = await hung;
  const isBeat = (request: PeerRequest): boolean =>
    isLease(request) && isOfCluster(request) && request.operation === "replace";
  const beats = (): readonly number[] =>
    peers.cosmos.requests.flatMap((request, index) =>
      index >= from && isBeat(request) ? [index] : [],
    );
  await expect.poll(() => beats().length, { ...patiently, interval: 10 }).toBeGreaterThan(3);
  const isUpdate = ({ operation }: { readonly operation: string }) => operation === "update";
  // either process has opened the queue, with one
  const updates = peers.queue.requests.filter(isUpdate).length - 2;
  // whatever came later may be the store asking once more
  const [first, ...rest] = beats().slice(0, 4);
  const count = rest.length;
  const asked = peers.cosmos.requests.slice(first, rest.at(-1)).filter(isOfCluster);
  const { cosmos, queue } = operationCosts["worker: a heartbeat"];
  expect(countCosmos(asked)).toEqual(added([count, cosmos]));
  expectUnits("worker: a heartbeat", unitsOf(peers.cosmos, asked) / count);
  expect(queue).toEqual({ update: 1 });
  const renewals = peers.cosmos.requests.filter(isBeat).length;
  expect([renewals - 1, renewals]).toContain(updates);
  backend.kill("SIGKILL");
});

test("an operation that nobody looks after", async () => {
  await using peers = await AzurePeers.start();
  const settings = {
    ...peers.settings,
    OPERATIONS_LIMIT: "0",
    HEARTBEAT_SECONDS: "0.5",
    LEASE_SECONDS: "1",
    VISIBILITY_SECONDS: "2",
  };
  await using web = await startWeb(peers, settings);
  await announceSubscription(web, "Registered");
  expect(await putCluster(web, "c")).toBe(201);
  peers.cosmos.requests.length = 0;
  await using _forwarder = await RpProcess.start({ ...settings, ROLES: "forwarder" });
  await expect.poll(() => peers.messageCount(), { ...patiently, interval: 10 }).toBe(2);
  await expect.poll(() => peers.clusters()[0]?.unqueued, patiently).toBe(false);
  const asked = takeOfCluster(peers);
  const sweep = "forwarder: an operation that nobody looks after";
  const forward: Cost = operationCosts["forwarder: an operation"];
  expect(countCosmos(asked)).toEqual(added([2, forward.cosmos], [1, operationCosts[sweep].cosmos]));
  const lookedAt = asked.findIndex(isLease);
  expectCosts(peers, sweep, asked.slice(lookedAt, lookedAt + 2));
  expect(takeOfQueue(peers)).toEqual(added([2, forward.queue]));
});
