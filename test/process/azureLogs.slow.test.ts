/** What the real program on the Azure engines says in its log, and that each line tells for whom. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { documentsContainer } from "../../src/store/cosmosLayout.ts";
import { AzurePeers } from "./azurePeers.ts";
import { announceSubscription, askForCluster, listClusters, untilState } from "./clusterCalls.ts";
import { RpProcess, temporaryFolder } from "./rpProcess.ts";

test("every line about a request or an operation has its ids, what Cosmos DB was asked included", async () => {
  using folder = temporaryFolder();
  await using peers = await AzurePeers.start();
  const settings = {
    ...peers.settings,
    DATA_DIR: join(folder.path, "none"),
    LOCAL_INSTALL_SECONDS: "0",
    LOG_LEVEL: "debug",
    // no heartbeat comes in between, however slow the machine is
    HEARTBEAT_SECONDS: "44",
  };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  await using forwarder = await RpProcess.start({ ...settings, ROLES: "forwarder" });
  await using backend = await RpProcess.start({ ...settings, ROLES: "backend" });
  await announceSubscription(web, "Registered");
  const put = await askForCluster(web, "c");
  expect(put.status).toBe(201);
  await untilState(web, "c", "Succeeded");
  await askForCluster(web, "damaged");
  await untilState(web, "damaged", "Succeeded");
  const item = peers.cosmos.items(documentsContainer.name).find(({ id }) => id === "g|damaged");
  if (item === undefined) throw new Error("there is no such item");
  const { document: _, ...rest } = item;
  peers.cosmos.put(documentsContainer.name, String(item["subscriptionId"]), rest);
  expect((await listClusters(web)).names).toEqual(["c"]);
  expect((await fetch(`${web.url}/healthz/ready`)).status).toBe(200);
  await expect.poll(() => peers.queue.texts).toEqual([]);
  for (const process of [web, forwarder, backend]) {
    process.kill("SIGTERM");
    expect((await process.exit()).code).toBe(0);
  }

  // the look for missing keys at the start is nobody's
  const asked = ({ log }: RpProcess) =>
    log.filter(
      ({ message, operation: method }) =>
        message === "Cosmos DB was asked" && method !== "listNotSealedBy",
    );
  const requests = new Set(
    web.log.filter(({ method }) => method !== undefined).map(({ requestId }) => requestId),
  );
  const requestId = put.headers.get("x-ms-request-id");
  const ids = {
    correlationId: expect.any(String) as string,
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
  };
  // a frontend asks for nobody but its callers
  expect(asked(web).length).toBeGreaterThan(5);
  for (const line of asked(web)) {
    expect(line).toMatchObject(ids);
    expect(requests).toContain(line["requestId"]);
    expect(line["requestUnits"]).toBeTypeOf("number");
  }
  const damaged = web.log.filter(({ documentId }) => documentId === "g|damaged");
  expect(damaged).toEqual([
    expect.objectContaining({ ...ids, message: "a stored document is damaged; it is passed over" }),
  ]);
  expect(requests).toContain(damaged[0]?.["requestId"]);
  // nor does a backend do anything but for an operation
  const operation = { ...ids, requestId: expect.any(String) as string };
  expect(asked(backend).length).toBeGreaterThan(2 * 12);
  for (const line of asked(backend)) {
    expect(line).toMatchObject({ ...operation, operationId: expect.any(String) as string });
  }
  const ofPut = asked(backend).filter((line) => line["requestId"] === requestId);
  expect(new Set(ofPut.map(({ operation: method }) => method))).toEqual(
    new Set(["acquireLease", "read", "commit", "releaseLease"]),
  );
  // a forwarder looks for work in nobody's name, and does it in somebody's
  const written = asked(forwarder).filter(({ operation: name }) => name === "updateScheduling");
  expect(written.length).toBeGreaterThanOrEqual(2);
  for (const line of written) expect(line).toMatchObject(operation);
  expect(written.map((line) => line["requestId"])).toContain(requestId);
});
