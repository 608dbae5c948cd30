/**
 * What the SDK does by itself on an account as it is in Azure, over https, where it looks for regions and moves its requests to
 * another: no write may be sent twice behind the store's back, which would take its own success for a conflict.
 */
import {
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPeer, type CosmosFixture } from "./cosmosFixture.ts";
import type { Fault } from "./cosmosPeer.ts";
import { clusterDocument, operationDocument, partition } from "./documents.ts";
import { issueCertificate } from "./peerCertificate.ts";

const trusted = getCACertificates("default");
const attemptTimeoutMs = getDefaultAutoSelectFamilyAttemptTimeout();
let tls: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  tls = await issueCertificate();
  setDefaultCACertificates([...trusted, tls.cert]);
  // a busy machine would be found at none of the addresses of its own name
  setDefaultAutoSelectFamilyAttemptTimeout(30_000);
});
afterAll(() => {
  setDefaultCACertificates(trusted);
  setDefaultAutoSelectFamilyAttemptTimeout(attemptTimeoutMs);
});

const cluster = clusterDocument("c");
const key = { partition, id: cluster.id };

/** What reached the service, apart from what the SDK asks about the account. */
function requestsOf({ peer }: CosmosFixture): readonly string[] {
  return peer.operations.filter((name) => !["account", "container", "ranges"].includes(name));
}

const faults: readonly [string, Fault][] = [
  ["reset", { reset: "after" }],
  ["408", { status: 408, effect: true }],
  ["410", { status: 410, effect: true }],
  ["500", { status: 500, effect: true }],
  ["503", { status: 503, effect: true }],
];

test.each(
  [false, true].flatMap((movesPartitions) =>
    faults.map(([name, fault]) => ({ name, fault, movesPartitions })),
  ),
)(
  "a write whose answer was lost is not sent again: $name, partitions that move: $movesPartitions",
  async ({ fault, movesPartitions }) => {
    await using fixture = await openPeer({ tls, movesPartitions });
    const { peer, store } = fixture;
    const [stored] = await store.commit(partition, [
      { create: cluster },
      { create: operationDocument("o") },
    ]);
    peer.requests.length = 0;
    peer.fail("batch", fault);
    const document = { ...cluster, revision: "2" };
    const [next] = await store.commit(partition, [{ replace: stored, document }]);
    expect(requestsOf(fixture)).toEqual(["batch", "read"]);
    expect(await store.read("cluster", key)).toEqual(next);
  },
);

test("a write follows a partition that has moved to another region", async () => {
  await using fixture = await openPeer({ tls, movesPartitions: true });
  const { peer, store } = fixture;
  peer.fail("batch", { status: 403, headers: { "x-ms-substatus": "3" } });
  await store.commit(partition, [{ create: cluster }]);
  const hosts = peer.requests
    .filter(({ operation }) => operation === "batch")
    .map(({ headers }) => headers.host?.split(":")[0]);
  expect(hosts).toEqual(["127.0.0.1", "localhost"]);
});
