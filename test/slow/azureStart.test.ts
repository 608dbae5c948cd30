/**
 * The real program is to run on Azure engines that can't be used, or never answer: it says why in one sentence, without a secret,
 * and ends with an exit code that a supervisor can act on.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { AzurePeers } from "../process/azurePeers.ts";
import { RpProcess, type Environment } from "../process/rpProcess.ts";

/** Of the form of a key, and nobody's. */
const wrongKey = Buffer.alloc(64, "some-other-key").toString("base64");

/** An address where nobody listens, nor can begin to: it is the other end of a connection. */
async function deserted(): Promise<Disposable & { readonly url: string }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const connection = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(connection, "connect");
  return {
    url: `http://127.0.0.1:${connection.localPort}`,
    [Symbol.dispose]: () => {
      connection.destroy();
      server.close();
    },
  };
}

/** Nothing that it has said holds a secret, not even a part of one, or shows where in the program it was said. */
function expectDiscreet(rp: RpProcess, settings: Environment): void {
  const said = `${rp.errors}\n${JSON.stringify(rp.log)}`;
  for (const name of ["COSMOSDB_KEY", "STORAGE_KEY"]) {
    const key = settings[name];
    if (key !== undefined) expect(said).not.toContain(key.slice(0, 16));
  }
  expect(said).not.toMatch(/SharedKey|type%3Dmaster|sig%3D|authorization/i);
  expect(said).not.toMatch(/\bat .+:\d+:\d+/);
}

/** @returns what it says on standard error, once it has given up. */
async function refusalOf(settings: Environment): Promise<string> {
  await using rp = RpProcess.spawn({ PORT: "0", ...settings });
  expect(await rp.exit()).toEqual({ code: 1, signal: null });
  expectDiscreet(rp, settings);
  expect(rp.errors).toMatch(/^[^\n]+\n$/);
  const reason = rp.errors.trim();
  // besides which key seals
  expect(rp.log.filter(({ level }) => level !== "info")).toEqual([
    expect.objectContaining({ level: "error", reason }),
  ]);
  return reason;
}

test("the key of the storage account is another's", async () => {
  await using peers = await AzurePeers.start();
  expect(await refusalOf({ ...peers.settings, STORAGE_KEY: wrongKey })).toMatch(
    /^the queue openshift-cluster-operations .*AuthenticationFailed.*look at the key/,
  );
});

test("the key of the Cosmos DB account is refused", async () => {
  await using peers = await AzurePeers.start();
  // as the service does, its text repeats what was signed
  const text = JSON.stringify({ message: `signed with ${wrongKey}: authorization` });
  peers.cosmos.outage = { status: 401, text };
  expect(await refusalOf({ ...peers.settings, COSMOSDB_KEY: wrongKey })).toMatch(
    /^the Cosmos DB account cannot be used: .*401.*look at the key/,
  );
});

test.each([
  ["COSMOSDB_ENDPOINT", "", /^the Cosmos DB account cannot be used: .*\(ECONNREFUSED\)/],
  [
    "STORAGE_QUEUE_ENDPOINT",
    "/devstoreaccount1",
    /^the queue .* can't be reached \(ECONNREFUSED\)/,
  ],
])("nobody listens at %s", async (variable, path, sentence) => {
  await using peers = await AzurePeers.start();
  using nowhere = await deserted();
  const settings = { ...peers.settings, [variable]: `${nowhere.url}${path}` };
  expect(await refusalOf(settings)).toMatch(sentence);
});

test("nobody listens where the account has its regions: told at once, not when all was tried for long", async () => {
  await using peers = await AzurePeers.start();
  using nowhere = await deserted();
  const endpoint = nowhere.url.replace("http:", "https:");
  const begun = performance.now();
  expect(await refusalOf({ ...peers.settings, COSMOSDB_ENDPOINT: endpoint })).toMatch(
    /^the Cosmos DB account cannot be used: it can't be reached \(ECONNREFUSED\); look at its name/,
  );
  expect(performance.now() - begun).toBeLessThan(25_000);
});

test("both services are busy at the moment of the start: it goes on as soon as they aren't", async () => {
  await using peers = await AzurePeers.start();
  const busy = { status: 429, headers: { "x-ms-retry-after-ms": "100" } };
  peers.cosmos.fail("account", busy, busy);
  peers.queue.fail("peek", { status: 503, code: "ServerBusy" });
  await using rp = await RpProcess.start(peers.settings);
  expect(rp.log.filter(({ level }) => level === "error")).toEqual([]);
});

test("the account's consistency is not Strong", async () => {
  await using peers = await AzurePeers.start({ consistency: "Session" });
  expect(await refusalOf(peers.settings)).toMatch(/must be Strong, and is Session/);
});

test("a container has another partition key", async () => {
  await using peers = await AzurePeers.start({ partitionKey: "/id" });
  expect(await refusalOf(peers.settings)).toMatch(
    /partition key of OpenShiftClusterDocuments must be \/subscriptionId, and is \/id/,
  );
});

test("a container has not been made", async () => {
  await using peers = await AzurePeers.start();
  peers.cosmos.fail("container", { status: 404 });
  expect(await refusalOf(peers.settings)).toMatch(
    /no container OpenShiftClusterDocuments .*the deployment must create them/,
  );
});

test("the queue has not been made", async () => {
  await using peers = await AzurePeers.start({ queueName: "another" });
  expect(await refusalOf(peers.settings)).toMatch(/QueueNotFound.*the deployment must create it/);
});

test("of both engines only one is set: exit code 2, and the missing variable by its name", async () => {
  await using peers = await AzurePeers.start();
  const { COSMOSDB_ENDPOINT, COSMOSDB_KEY, STORAGE_QUEUE_ENDPOINT, STORAGE_KEY } = peers.settings;
  const halves: readonly [string, Environment][] = [
    ["STORAGE_QUEUE_ENDPOINT", { COSMOSDB_ENDPOINT, COSMOSDB_KEY } as Environment],
    ["COSMOSDB_ENDPOINT", { STORAGE_QUEUE_ENDPOINT, STORAGE_KEY } as Environment],
  ];
  for (const [missing, settings] of halves) {
    await using rp = RpProcess.spawn(settings);
    expect(await rp.exit()).toEqual({ code: 2, signal: null });
    expect(rp.errors).toContain(missing);
    expectDiscreet(rp, settings);
  }
  expect(peers.cosmos.requests).toEqual([]);
  expect(peers.queue.requests).toEqual([]);
});

test.each(["Cosmos DB", "Azure Storage"])(
  "told to stop while %s leaves it without an answer at the start, it ends with 0 soon",
  async (silent) => {
    await using peers = await AzurePeers.start();
    const isCosmos = silent === "Cosmos DB";
    (isCosmos ? peers.cosmos : peers.queue).outage = { hang: "before" };
    const asked = isCosmos ? peers.cosmos.arrival("account") : peers.queue.arrival("peek");
    await using rp = RpProcess.spawn({ PORT: "0", ...peers.settings });
    await asked;
    const begun = performance.now();
    rp.kill("SIGTERM");
    expect(await rp.exit()).toEqual({ code: 0, signal: null });
    // far from the half minute after which it would give up, whatever a busy machine adds
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(rp.errors).toBe("");
    expect(rp.log.filter(({ level }) => level !== "info")).toEqual([]);
  },
);

test("without an answer from Cosmos DB at the start it gives up after half a minute", async () => {
  await using peers = await AzurePeers.start();
  peers.cosmos.outage = { hang: "before" };
  const asked = peers.cosmos.arrival("account");
  const refusal = refusalOf(peers.settings);
  await asked;
  const begun = performance.now();
  expect(await refusal).toBe("Cosmos DB did not answer within 30 s");
  expect(performance.now() - begun).toBeGreaterThan(20_000);
});
