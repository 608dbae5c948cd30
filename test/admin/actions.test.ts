/** What an operator may set going, against everything that may happen at the same time: one operation at most, and no worker disturbed. */
import { describe, expect, test } from "vitest";
import { schemaVersion, type ClusterDocument } from "../../src/model/document.ts";
import { clusterLeaseName } from "../../src/model/leaseNames.ts";
import { Nudge } from "../../src/runtime/nudge.ts";
import {
  StoreConflictError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  type Store,
  type Stored,
} from "../../src/store/store.ts";
import { HeldInstaller } from "../arm/heldInstaller.ts";
import { clusterPath, smallestBody, StartedRp } from "../frontend/startedRp.ts";
import { TestClock } from "../runtime/testClock.ts";
import {
  clusterDocument,
  operationDocument,
  partition,
  subscriptionDocument,
} from "../store/documents.ts";
import { adminPath, keyOf, StartedAdmin, type AdminResponse } from "./startedAdmin.ts";

const group = "group";
const retryOf = (name: string): string => `${adminPath(name, { group })}/retry`;
const redriveOf = (name: string): string => `${adminPath(name)}/redrive`;

async function cluster(store: Store, name: string, resourceGroup = "rg"): Promise<ClusterDocument> {
  const stored = await store.read("cluster", keyOf(name, resourceGroup));
  if (stored === undefined) throw new Error("gone");
  return stored.document;
}

/** A store of which some methods are replaced. */
function withMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const method = methods[name] ?? target[name];
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** A resource provider whose operations fail for now, and the operator's listener on its store. */
async function openFailing() {
  const held = new HeldInstaller();
  const rp = await StartedRp.start({ workers: true, installer: held.installer });
  const admin = await StartedAdmin.start({ store: rp.store });
  const failed = async (name: string): Promise<void> => {
    held.fail("create");
    await rp.put(clusterPath(name), smallestBody);
    expect((await rp.settled(name)).body.properties.provisioningState).toBe("Failed");
  };
  return {
    held,
    rp,
    admin,
    failed,
    [Symbol.asyncDispose]: async () => {
      await admin[Symbol.asyncDispose]();
      await rp[Symbol.asyncDispose]();
    },
  };
}

describe("retry", () => {
  test("a failed create is created anew, and found failed before with its reason", async () => {
    await using opened = await openFailing();
    const { rp, admin, held, failed } = opened;
    await failed("c");
    const before = await cluster(rp.store, "c", group);
    const { body: list } = await admin.get("/admin/v1/clusters?state=Failed");
    expect(list.value).toHaveLength(1);
    expect(list.value[0].lastError.message).toMatch(/quota of the region/);

    held.fail("create", false);
    const { status, body } = await admin.post(`/admin/v1${list.value[0].resourceId}/retry`);
    expect([status, body.kind, body.provisioningState]).toEqual([202, "create", "Creating"]);
    expect(body.operationId).not.toBe(before.operation.id);
    expect((await rp.settled("c")).body.properties.provisioningState).toBe("Succeeded");
    const after = await cluster(rp.store, "c", group);
    expect(after.operation.id).toBe(body.operationId);
    // what was made outside carries it, and is what the retry goes on with
    expect(after.incarnationId).toBe(before.incarnationId);
    expect(after.secrets.pullSecret).toBe(before.secrets.pullSecret);
    const record = await rp.store.read("operation", { partition, id: body.operationId as string });
    expect(record?.document).toMatchObject({ status: "Succeeded", operationKind: "create" });
    expect((await admin.get("/admin/v1/clusters")).body.value).toEqual([]);
  });

  test("a failed update brings the cluster to the goal it shows, a failed deletion goes on", async () => {
    await using opened = await openFailing();
    const { rp, admin, held } = opened;
    await rp.created("c");
    held.fail("update");
    const workerProfiles = [{ name: "worker", count: 9 }];
    await rp.patch(clusterPath("c"), { properties: { workerProfiles } });
    expect((await rp.settled("c")).body.properties.provisioningState).toBe("Failed");
    held.fail("update", false);
    expect((await admin.post(retryOf("c"))).body.kind).toBe("update");
    const { body } = await rp.settled("c");
    expect(body.properties.provisioningState).toBe("Succeeded");
    expect(body.properties.workerProfiles[0].count).toBe(3);

    held.fail("delete");
    await rp.delete(clusterPath("c"));
    expect((await rp.settled("c")).body.properties.provisioningState).toBe("Failed");
    held.fail("delete", false);
    const again = await admin.post(retryOf("c"));
    expect([again.body.kind, again.body.provisioningState]).toEqual(["delete", "Deleting"]);
    await rp.until(clusterPath("c"), ({ status }) => status === 404);
  });

  test("of many at once, and a PUT besides, exactly one begins an operation", async () => {
    await using opened = await openFailing();
    const { rp, admin, held, failed } = opened;
    for (const name of ["c0", "c1", "c2"]) {
      await failed(name);
      held.fail("create", false);
      held.hold("create");
      const answers = await Promise.all([
        ...Array.from({ length: 5 }, async () => admin.post(retryOf(name))),
        rp.put(clusterPath(name), smallestBody),
        ...Array.from({ length: 5 }, async () => admin.post(retryOf(name))),
      ]);
      const begun = answers.filter(({ status }) => status < 300);
      expect(begun).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(10);
      held.release("create");
      await rp.settled(name);
    }
  });

  test("what hasn't failed is not begun again", async () => {
    await using opened = await openFailing();
    const { rp, admin, held } = opened;
    held.hold("create");
    await rp.put(clusterPath("c"), smallestBody);
    const running = await admin.post(retryOf("c"));
    expect([running.status, running.body.error.code]).toEqual([409, "Conflict"]);
    expect(running.body.error.message).toMatch(/is Creating, by the create operation/);
    held.release("create");
    await rp.settled("c");
    expect((await admin.post(retryOf("c"))).status).toBe(409);
    expect((await admin.post(retryOf("none"))).status).toBe(404);
  });

  test("the state of the subscription binds users, not operators; but nothing is built in a deleted one", async () => {
    await using admin = await StartedAdmin.start();
    const { store } = admin;
    const failed = { provisioningState: "Failed", unqueued: false } as const;
    const operation = { id: "d", kind: "delete", correlationId: "c" } as const;
    await store.commit(partition, [
      { create: clusterDocument("a", failed) },
      { create: clusterDocument("b", failed) },
      { create: clusterDocument("d", { ...failed, operation }) },
      { create: subscriptionDocument(partition, { state: "Suspended" }) },
    ]);
    expect((await admin.post(`${adminPath("a")}/retry`)).status).toBe(202);
    const key = { partition, id: "subscription" };
    const stored = await store.read("subscription", key);
    if (stored === undefined) throw new Error("gone");
    const document = subscriptionDocument(partition, { state: "Deleted" });
    await store.commit(partition, [{ replace: stored, document }]);
    const refused = await admin.post(`${adminPath("b")}/retry`);
    expect([refused.status, refused.body.error.code]).toEqual([409, "InvalidSubscriptionState"]);
    expect((await admin.post(`${adminPath("d")}/retry`)).status).toBe(202);
  });

  test("a commit whose answer is lost is found, not done twice", async () => {
    await using opened = await openFailing();
    const { rp, held, failed } = opened;
    await failed("c");
    held.hold("create");
    let commits = 0;
    const commit: Store["commit"] = async (...given) => {
      commits += 1;
      await rp.store.commit(...given);
      throw new StoreOutcomeUnknownError("no answer");
    };
    await using unlucky = await StartedAdmin.start({ store: withMethods(rp.store, { commit }) });
    const { status, body } = await unlucky.post(retryOf("c"));
    expect([status, commits]).toEqual([202, 1]);
    expect((await cluster(rp.store, "c", group)).operation.id).toBe(body.operationId);
    held.fail("create", false);
    held.release("create");
    await rp.settled("c");
  });

  test("a deletion whose first commit got no answer is found, though it has come to its end", async () => {
    await using admin = await StartedAdmin.start();
    const { store } = admin;
    const operation = { id: "d", kind: "delete", correlationId: "c" } as const;
    const failed = { provisioningState: "Failed", unqueued: false } as const;
    await store.commit(partition, [{ create: clusterDocument("c", { ...failed, operation }) }]);
    const commit: Store["commit"] = async (...given) => {
      const [deleting] = await store.commit(...given);
      if (deleting === undefined) throw new Error("no deletion");
      await store.commit(partition, [{ delete: deleting }]);
      throw new StoreOutcomeUnknownError("no answer");
    };
    await using unlucky = await StartedAdmin.start({ store: withMethods(store, { commit }) });
    expect((await unlucky.post(`${adminPath("c")}/retry`)).status).toBe(202);
  });

  test("a store that never answers, is down, or is always ahead gives an error that says to come back", async () => {
    await using admin = await StartedAdmin.start();
    const failed = clusterDocument("c", { provisioningState: "Failed", unqueued: false });
    await admin.store.commit(partition, [{ create: failed }]);
    const cases: readonly (readonly [Error, number])[] = [
      [new StoreOutcomeUnknownError("db-7"), 503],
      [new StoreUnavailableError("db-7"), 503],
      [new StoreConflictError("db-7"), 409],
    ];
    for (const [error, expected] of cases) {
      const commit = async (): Promise<never> => {
        throw error;
      };
      await using unlucky = await StartedAdmin.start({
        store: withMethods(admin.store, { commit }),
      });
      const { status, headers, text } = await unlucky.post(`${adminPath("c")}/retry`);
      expect([error.name, status]).toEqual([error.name, expected]);
      expect(headers.get("retry-after")).toMatch(/^\d+$/);
      expect(text).not.toContain("db-7");
    }
    expect(await cluster(admin.store, "c")).toEqual(failed);
  });
});

describe("redrive", () => {
  const stuck: Partial<ClusterDocument> = {
    unqueued: false,
    sweeps: 5,
    nextAttemptAt: Date.UTC(2100, 0, 1),
    sweepAfter: Date.UTC(2100, 0, 1),
    work: { epoch: 4, owner: "dead", writeId: "w", attempts: 5, step: "s", stepStartedAt: 7 },
  };

  test("an operation that hangs is due now; its step, its claim and everything else are what they were", async () => {
    const clock = new TestClock();
    const committed = new Nudge(clock);
    await using admin = await StartedAdmin.start({ clock, committed });
    const document = clusterDocument("c", { ...stuck, ofANewerRelease: true });
    await admin.store.commit(partition, [{ create: document }]);
    const { status, body } = await admin.post(redriveOf("c"));
    expect(status).toBe(202);
    expect(body).toEqual({
      operationId: document.operation.id,
      kind: "create",
      provisioningState: "Creating",
    });
    const { recentWrites, ...after } = await cluster(admin.store, "c");
    expect(recentWrites).toHaveLength(1);
    expect(after).toEqual({
      ...document,
      schemaVersion,
      unqueued: true,
      sweeps: 0,
      nextAttemptAt: 0,
      sweepAfter: clock.now(),
      work: { ...document.work, attempts: 0 },
    });
    // a forwarder of this process need not wait for its next look
    await committed.wait(60_000, AbortSignal.timeout(1_000));
    expect((await admin.store.listUnqueued({ limit: 5 })).items).toHaveLength(1);
  });

  test("while a worker holds the cluster it is left to that, for as long as the lease lasts", async () => {
    const clock = new TestClock();
    await using admin = await StartedAdmin.start({ clock });
    await admin.store.commit(partition, [{ create: clusterDocument("c", stuck) }]);
    const before = await cluster(admin.store, "c");
    const name = clusterLeaseName(keyOf("c"));
    await admin.store.acquireLease({ name, owner: "w", leaseMs: 6_000 });
    const held = await admin.post(redriveOf("c"));
    expect([held.status, held.headers.get("retry-after")]).toEqual([409, "6"]);
    expect(held.body.error.message).toMatch(/lease lasts 6 s more/);
    expect(await cluster(admin.store, "c")).toEqual(before);
    await clock.advance(6_001);
    expect((await admin.post(redriveOf("c"))).status).toBe(202);
  });

  test("where nothing runs there is nothing to drive", async () => {
    await using admin = await StartedAdmin.start();
    for (const provisioningState of ["Succeeded", "Failed", "Canceled"] as const) {
      const document = clusterDocument(provisioningState, { provisioningState, unqueued: false });
      await admin.store.commit(partition, [{ create: document }]);
      const { status, body } = await admin.post(redriveOf(provisioningState));
      expect([status, body.error.message.includes("retry")]).toEqual([
        409,
        provisioningState === "Failed",
      ]);
      expect(await cluster(admin.store, provisioningState)).toEqual(document);
    }
    expect((await admin.post(redriveOf("none"))).status).toBe(404);
  });

  /** What somebody else writes between the operator's read and commit. */
  async function againstWriter(
    write: (current: Stored<ClusterDocument>) => ClusterDocument,
  ): Promise<{ readonly answer: AdminResponse; readonly after: ClusterDocument }> {
    await using admin = await StartedAdmin.start();
    const { store } = admin;
    await store.commit(partition, [
      { create: clusterDocument("c", stuck) },
      { create: operationDocument("operation of c") },
    ]);
    let isFirst = true;
    const leaseRemainingMs: Store["leaseRemainingMs"] = async (...given) => {
      const remainingMs = await store.leaseRemainingMs(...given);
      if (isFirst) {
        isFirst = false;
        const current = await store.read("cluster", keyOf("c"));
        if (current === undefined) throw new Error("gone");
        await store.commit(partition, [{ replace: current, document: write(current) }]);
      }
      return remainingMs;
    };
    await using racing = await StartedAdmin.start({
      store: withMethods(store, { leaseRemainingMs }),
    });
    const answer = await racing.post(redriveOf("c"));
    return { answer, after: await cluster(store, "c") };
  }

  test("a worker that ends the operation just then has ended it", async () => {
    const { answer, after } = await againstWriter(({ document }) => ({
      ...document,
      provisioningState: "Succeeded",
    }));
    expect(answer.status).toBe(409);
    expect([after.provisioningState, after.unqueued]).toEqual(["Succeeded", false]);
  });

  test("a worker that claims it just then keeps its claim", async () => {
    const { answer, after } = await againstWriter(({ document }) => ({
      ...document,
      work: { ...document.work, epoch: 5, owner: "new", attempts: 1 },
    }));
    // here its lease was given back at once; the second look finds the operation free
    expect(answer.status).toBe(202);
    expect(after.work).toMatchObject({ epoch: 5, owner: "new", attempts: 0 });
  });

  test("two at once do what one does", async () => {
    await using admin = await StartedAdmin.start();
    await admin.store.commit(partition, [{ create: clusterDocument("c", stuck) }]);
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => admin.post(redriveOf("c"))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(await cluster(admin.store, "c")).toMatchObject({ unqueued: true, nextAttemptAt: 0 });
  });

  test("a commit whose answer is lost is found", async () => {
    await using admin = await StartedAdmin.start();
    const { store } = admin;
    await store.commit(partition, [{ create: clusterDocument("c", stuck) }]);
    let commits = 0;
    const commit: Store["commit"] = async (...given) => {
      commits += 1;
      await store.commit(...given);
      throw new StoreOutcomeUnknownError("no answer");
    };
    await using unlucky = await StartedAdmin.start({ store: withMethods(store, { commit }) });
    expect((await unlucky.post(redriveOf("c"))).status).toBe(202);
    expect(commits).toBe(1);
  });
});

test("hostile names lead nowhere, and to no other cluster", async () => {
  await using admin = await StartedAdmin.start();
  const failed = { provisioningState: "Failed", unqueued: false } as const;
  await admin.store.commit(partition, [{ create: clusterDocument("c", failed) }]);
  const long = "x".repeat(9_000);
  for (const name of ["c|", "..", "c%2f..", "c\u0000", "c\r\nx", "__proto__", long, "ｃ", "с"]) {
    const { status } = await admin.post(`${adminPath(name)}/retry`);
    expect([name.slice(0, 20), [400, 404].includes(status)]).toEqual([name.slice(0, 20), true]);
  }
  for (const resourceGroup of ["rg|c", "rg.", "", " rg", "rg\n"]) {
    const { status } = await admin.post(`${adminPath("c", { group: resourceGroup })}/retry`);
    expect([resourceGroup, [400, 404].includes(status)]).toEqual([resourceGroup, true]);
  }
  expect((await cluster(admin.store, "c")).provisioningState).toBe("Failed");
});
