/**
 * What idle processes ask of the Azure engines, minute by minute, for ever: `azureCosts.ts` says how much, and
 * nothing may come on top. A minute is one of the processes' own: twelve looks, five seconds after each other.
 */
import { expect, test } from "vitest";
import { leasesContainer } from "../../src/store/cosmosLayout.ts";
import { AzurePeers } from "../process/azurePeers.ts";
import { idleCosts } from "../process/azureCosts.ts";
import { countCosmos, countQueue, isOfActivity } from "../process/requestCount.ts";
import { RpProcess } from "../process/rpProcess.ts";
import type { PeerRequest } from "../store/cosmosPeer.ts";

const looksPerMinute = 12;
/** Until the looks have become as rare as they get, and the second process has come up. */
const looksBefore = 8;

type Is = (request: PeerRequest) => boolean;

function indexesOf(requests: readonly PeerRequest[], isLook: Is): readonly number[] {
  return requests.flatMap((request, index) => (isLook(request) ? [index] : []));
}

/** From the eighth look up to the one a minute later; `undefined` before that has come. */
function minuteOf(requests: readonly PeerRequest[], isLook: Is) {
  const looks = indexesOf(requests, isLook).slice(looksBefore);
  const end = looks[looksPerMinute];
  return end === undefined ? undefined : requests.slice(looks[0], end);
}

const isQuery: Is = ({ operation }) => operation === "query";
/** Who has the forwarders' lease renews it, who waits for it looks at it. */
const isOfHolder: Is = (request) =>
  isQuery(request) || request.operation === "replace" || isOfActivity(request);
const isLookOfHolder: Is = ({ operation, body }) =>
  operation === "query" && body.includes("c.scheduling.unqueued = true");
const isLookOfWaiting: Is = ({ operation, container }) =>
  operation === "read" && container === leasesContainer.name;

test("two forwarders, of which one waits for the lease, and a backend", async () => {
  await using peers = await AzurePeers.start();
  const { cosmos, queue } = peers;
  const startedAt = performance.now();
  await using _holder = await RpProcess.start({ ...peers.settings, ROLES: "forwarder" });
  await expect.poll(() => cosmos.items(leasesContainer.name)).toHaveLength(1);
  cosmos.requests.length = 0;
  queue.requests.length = 0;
  await using _others = await RpProcess.start({ ...peers.settings, ROLES: "forwarder,backend" });
  const isDepth = ({ operation }: { readonly operation: string }) => operation === "properties";
  const opening = queue.requests.splice(0).filter((request) => !isDepth(request));
  expect(opening.slice(0, 4).map(({ operation }) => operation)).toEqual([
    "peek",
    "send",
    "update",
    "delete",
  ]);

  const waiting = { timeout: 200_000, interval: 50 };
  const looks = (): number => indexesOf(cosmos.requests, isLookOfHolder).length;
  await expect.poll(looks, waiting).toBeGreaterThan(looksBefore);
  const [begunAt, before] = [performance.now(), queue.requests.length];
  await expect.poll(() => minuteOf(cosmos.requests, isLookOfHolder), waiting).toBeDefined();
  const isReceive = ({ operation }: { readonly operation: string }) => operation === "receive";
  const received = queue.requests.slice(before).filter(isReceive).length;
  const elapsedMs = performance.now() - begunAt;
  await expect.poll(() => minuteOf(cosmos.requests, isLookOfWaiting), waiting).toBeDefined();

  // about a minute; a busy machine may see its beginning late, and take longer
  expect(elapsedMs).toBeGreaterThan(56_000);
  expect(elapsedMs).toBeLessThan(110_000);
  const ofHolder = minuteOf(cosmos.requests, isLookOfHolder)?.filter(isOfHolder) ?? [];
  expect(countCosmos(ofHolder)).toEqual(idleCosts["a forwarder"].cosmos);
  const ofWaiting =
    minuteOf(cosmos.requests, isLookOfWaiting)?.filter((request) => !isOfHolder(request)) ?? [];
  const waits = idleCosts["a further forwarder, which waits for the lease"];
  expect(countCosmos(ofWaiting)).toEqual(waits.cosmos);
  // one at the start, and one a minute
  const depths = queue.requests.filter(isDepth).length;
  expect(depths).toBeGreaterThan(0);
  expect(depths).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - startedAt) / 60_000));
  // the backend's twelve looks begin somewhere within the minute, and go on while the forwarder's take longer
  const { receive } = idleCosts["a backend"].queue;
  const most = receive * Math.max(1, elapsedMs / 60_000);
  expect(received).toBeGreaterThanOrEqual(receive - 2);
  expect(received).toBeLessThanOrEqual(most + 2);
  expect(countQueue(queue.requests)).toEqual({});
});
