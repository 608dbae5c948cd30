/**
 * How many requests each operation makes of the Azure engines, as our own peers count them, and that docs/cosmos.md and
 * docs/storage-queue.md say so, with what they should cost by published figures. Each is paid for.
 */
import { expect, test } from "vitest";
import { leasesContainer } from "../../src/store/cosmosLayout.ts";
import { AzurePeers } from "./azurePeers.ts";
import {
  announceSubscription,
  clusterUrl,
  deleteCluster,
  listClusters,
  patchCluster,
  putCluster,
} from "./clusterCalls.ts";
import { countCosmos, countQueue, expectAsWritten, isOfCluster } from "./requestCount.ts";
import { expectUnitsAsWritten, unitsOf } from "./requestUnits.ts";
import { RpProcess } from "./rpProcess.ts";

const patiently = { timeout: 30_000 };

test("what is written of the requests of each operation is what is made", async () => {
  await using peers = await AzurePeers.start();
  const settings = {
    ...peers.settings,
    LOCAL_INSTALL_SECONDS: "0",
    // none comes in between
    HEARTBEAT_SECONDS: "44",
    // nor does the look at the published activity
    OPERATIONS_LIMIT: "0",
  };
  await using web = await RpProcess.start({ ...settings, ROLES: "frontend" });
  // the look for missing keys, which no start waits for
  await expect
    .poll(() => peers.cosmos.requests.some(({ operation }) => operation === "query"))
    .toBe(true);
  peers.cosmos.requests.length = 0;

  const expectRequests = async (
    operation: string,
    call: () => Promise<Response | number | void>,
    status?: number,
  ): Promise<void> => {
    const answer = await call();
    const got = typeof answer === "object" ? answer.status : answer;
    expect(got, operation).toBe(status);
    const requests = peers.cosmos.requests.splice(0);
    expectAsWritten("cosmos.md", operation, countCosmos(requests));
    if (operation !== "a page of a list" && requests.length > 0) {
      expectUnitsAsWritten(operation, unitsOf(peers.cosmos, requests));
    }
    expect(peers.queue.requests).toEqual([]);
  };
  const of = (name: string) => async () => fetch(clusterUrl(web, name));
  await expectRequests("a subscription is announced", async () =>
    announceSubscription(web, "Registered"),
  );
  await expectRequests("it is announced again in the same state", async () =>
    announceSubscription(web, "Registered"),
  );
  await expectRequests("PUT that creates", async () => putCluster(web, "c"), 201);
  await expectRequests("PUT or PATCH of a busy cluster", async () => putCluster(web, "c"), 409);
  await expectRequests("GET", of("c"), 200);

  const expectWork = (work: string): void => {
    const requests = peers.cosmos.requests.splice(0).filter(isOfCluster);
    expectAsWritten("cosmos.md", work, countCosmos(requests));
    expectUnitsAsWritten(work, unitsOf(peers.cosmos, requests));
    const opening = peers.queue.requests.splice(0, 4).map(({ operation }) => operation);
    expect(opening).toEqual(["peek", "send", "update", "delete"]);
    expectAsWritten("storage-queue.md", work, countQueue(peers.queue.requests.splice(0)));
  };
  await using forwarder = await RpProcess.start({ ...settings, ROLES: "forwarder" });
  await expect.poll(() => peers.clusters()[0]?.unqueued, patiently).toBe(false);
  expectWork("forwarder: an operation");
  await using backend = await RpProcess.start({ ...settings, ROLES: "backend" });
  await expect.poll(() => peers.clusters()[0]?.provisioningState, patiently).toBe("Succeeded");
  await expect.poll(() => peers.messageCount(), patiently).toBe(0);
  await expect.poll(() => peers.cosmos.items(leasesContainer.name), patiently).toHaveLength(1);
  expectWork("backend: a create by the local installer, when no step waits");

  for (const process of [forwarder, backend]) {
    process.kill("SIGTERM");
    expect((await process.exit()).code).toBe(0);
  }
  peers.cosmos.requests.length = 0;
  peers.queue.requests.length = 0;

  const unchanged = "PUT or PATCH that changes nothing";
  await expectRequests(unchanged, async () => putCluster(web, "c"), 200);
  await expectRequests(unchanged, async () => patchCluster(web, "c", {}), 200);
  const tags = { tags: { a: "b" } };
  await expectRequests("PATCH of tags alone", async () => patchCluster(web, "c", tags), 200);
  await expectRequests("credentials", of("c/credentials"), 200);
  await expectRequests("a page of a list", async () => (await listClusters(web)).status, 200);
  await expectRequests("readiness", async () => fetch(`${web.url}/healthz/ready`), 200);
  await expectRequests("liveness", async () => fetch(`${web.url}/healthz/live`), 200);

  const properties = { workerProfiles: [{ name: "worker", count: 4 }] };
  let status = "";
  const update = async (): Promise<Response> => {
    const response = await patchCluster(web, "c", { properties });
    status = response.headers.get("azure-asyncoperation") ?? "";
    return response;
  };
  await expectRequests("PATCH that begins an update", update, 202);
  await expectRequests("an operation's status or result", async () => fetch(status), 200);
  await expectRequests(
    "DELETE that cuts an operation short",
    async () => deleteCluster(web, "c"),
    202,
  );
});
