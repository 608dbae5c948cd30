/**
 * What the SDK does by itself on an account as it is in Azure, over https, where it looks for regions and moves its requests to
 * another: no write may be sent twice behind the store's back, which would take its own success for a conflict.
 */
import { generateKeyPairSync } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPeer, type CosmosFixture } from "./cosmosFixture.ts";
import type { Fault } from "./cosmosPeer.ts";
import { clusterDocument, operationDocument, partition } from "./documents.ts";

/** Of this machine, for an hour. */
async function issueCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=peer",
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, true, ["sign"]),
      publicKey: publicKey.toCryptoKey(algorithm, true, ["verify"]),
    },
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "ip", value: "127.0.0.1" },
        { type: "dns", value: "localhost" },
      ]),
    ],
  });
  return {
    cert: certificate.toString("pem"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const trusted = getCACertificates("default");
let tls: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  tls = await issueCertificate();
  setDefaultCACertificates([...trusted, tls.cert]);
});
afterAll(() => setDefaultCACertificates(trusted));

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
