/** What an operator finds: all that hangs or failed, over all subscriptions, in pages, and how each of it stands. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, test } from "vitest";
import { schemaVersion, type ClusterDocument } from "../../src/model/document.ts";
import { clusterLeaseName } from "../../src/model/leaseNames.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { StoreUnavailableError, type Store } from "../../src/store/store.ts";
import { TestClock } from "../runtime/testClock.ts";
import {
  clusterDocument,
  operationDocument,
  otherPartition,
  partition,
} from "../store/documents.ts";
import { temporaryFolder } from "../store/sqliteFixture.ts";
import { keyOf, StartedAdmin } from "./startedAdmin.ts";

const clusters = "/admin/v1/clusters";

async function create(store: Store, ...documents: readonly ClusterDocument[]): Promise<void> {
  for (const document of documents) {
    await store.commit(document.subscriptionId, [{ create: document }]);
  }
}

/** The names in all pages from a link on. */
async function allNames(admin: StartedAdmin, from: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (let link: string | undefined = from; link !== undefined;) {
    const { status, body } = await admin.get(link);
    expect(status).toBe(200);
    const value = body.value as readonly { readonly documentId: string }[];
    names.push(...value.map(({ documentId }) => documentId.replace("rg|", "")));
    link = body.nextLink as string | undefined;
  }
  return names;
}

test("it tells how each stands: by whom, since when, how often tried, and what went wrong", async () => {
  const clock = new TestClock();
  await using admin = await StartedAdmin.start({ clock });
  const { store } = admin;
  const now = clock.now();
  const lastError = { code: "InstallationFailed", message: "the quota is used up" } as const;
  await create(
    store,
    clusterDocument("running", {
      unqueued: false,
      sweeps: 2,
      nextAttemptAt: now + 30_000,
      operation: { id: "op1", kind: "create", correlationId: "c", startedAt: now - 90_500 },
      work: {
        epoch: 7,
        attempts: 3,
        owner: "w1",
        step: "Dns",
        stepStartedAt: now - 1_000,
        lastError,
      },
    }),
    clusterDocument("failed", {
      provisioningState: "Failed",
      unqueued: false,
      operation: { id: "op2", kind: "update", correlationId: "c", startedAt: now - 5_000 },
    }),
    clusterDocument("rests", { provisioningState: "Succeeded", unqueued: false }),
  );
  const error = { code: "StepTimedOut", message: "'Dns' did not end" } as const;
  await store.commit(partition, [
    { create: operationDocument("op2", { status: "Failed", error }) },
  ]);
  const name = clusterLeaseName(keyOf("running"));
  await store.acquireLease({ name, owner: "w1", leaseMs: 4_500 });

  const { body } = await admin.get(clusters);
  const iso = (time: number): string => new Date(time).toISOString();
  expect(body).toEqual({
    value: [
      {
        resourceId: clusterDocument("failed").resourceId,
        subscriptionId: partition,
        documentId: "rg|failed",
        provisioningState: "Failed",
        operation: { id: "op2", kind: "update", startedAt: iso(now - 5_000) },
        epoch: 0,
        attempts: 0,
        sweeps: 0,
        unqueued: false,
        lastError: error,
      },
      {
        resourceId: clusterDocument("running").resourceId,
        subscriptionId: partition,
        documentId: "rg|running",
        provisioningState: "Creating",
        operation: { id: "op1", kind: "create", startedAt: iso(now - 90_500), ageSeconds: 90 },
        step: "Dns",
        stepStartedAt: iso(now - 1_000),
        owner: "w1",
        epoch: 7,
        attempts: 3,
        nextAttemptAt: iso(now + 30_000),
        sweeps: 2,
        unqueued: false,
        leaseRemainingSeconds: 4.5,
        lastError,
      },
    ],
  });
});

test("it is narrowed by state, subscription and kind, regardless of the case of ids", async () => {
  await using admin = await StartedAdmin.start();
  const operation = (kind: "create" | "update" | "delete") => ({
    id: "o",
    kind,
    correlationId: "c",
  });
  await create(
    admin.store,
    clusterDocument("c1", { operation: operation("create") }),
    clusterDocument("d1", { provisioningState: "Deleting", operation: operation("delete") }),
    clusterDocument("f1", { provisioningState: "Failed", operation: operation("delete") }),
    clusterDocument("f2", {
      subscriptionId: otherPartition,
      provisioningState: "Failed",
      operation: operation("update"),
    }),
  );
  expect(await allNames(admin, clusters)).toEqual(["c1", "d1", "f1", "f2"]);
  expect(await allNames(admin, `${clusters}?state=Failed`)).toEqual(["f1", "f2"]);
  expect(await allNames(admin, `${clusters}?kind=delete`)).toEqual(["d1", "f1"]);
  expect(await allNames(admin, `${clusters}?subscriptionId=${otherPartition}`)).toEqual(["f2"]);
  expect(
    await allNames(admin, `${clusters}?subscriptionId=${partition}&state=Failed&kind=delete&top=1`),
  ).toEqual(["f1"]);
  const letters = "aaaaaaaa-0000-4000-8000-000000000001";
  await create(admin.store, clusterDocument("l", { subscriptionId: letters }));
  expect(await allNames(admin, `${clusters}?subscriptionId=${letters.toUpperCase()}`)).toEqual([
    "l",
  ]);
  expect(await allNames(admin, "/ADMIN/V1/CLUSTERS?kind=update")).toEqual(["f2"]);
});

test("a filter that is misspelt shows nothing rather than everything", async () => {
  await using admin = await StartedAdmin.start();
  for (const query of [
    "?stat=Failed",
    "?state=failed",
    "?state=Succeeded",
    "?state=",
    "?state=Failed&state=Creating",
    "?kind=install",
    "?subscriptionId=none",
    "?top=0",
    "?top=101",
    "?top=1.5",
    "?top=many",
    "?continuation=garbage",
    "?__proto__=1",
    "?constructor=1",
    `?${"x".repeat(5_000)}=1`,
    "?%00=1",
  ]) {
    const { status, body } = await admin.get(`${clusters}${query}`);
    expect([query.slice(0, 40), status]).toEqual([query.slice(0, 40), 400]);
    expect(body.error.message.length).toBeLessThan(500);
  }
});

test("thousands are listed page by page, each once", async () => {
  await using admin = await StartedAdmin.start();
  const { store } = admin;
  const names = Array.from({ length: 2_500 }, (_, index) => `c${String(index).padStart(5, "0")}`);
  const states = ["Failed", "Creating", "Succeeded"] as const;
  await Promise.all(
    names.map(async (name, index) => {
      const provisioningState = states[index % 3] ?? "Failed";
      const id = `operation ${index}`;
      const kind = index === 2_400 ? "delete" : "create";
      const operation = { id, kind, correlationId: "c" } as const;
      await create(store, clusterDocument(name, { provisioningState, operation }));
    }),
  );
  const unsettled = names.filter((_, index) => index % 3 !== 2);
  expect(await allNames(admin, `${clusters}?top=100`)).toEqual(unsettled);
  // one among thousands is found by following the links, whose pages may be empty
  expect(await allNames(admin, `${clusters}?kind=delete&top=5`)).toEqual(["c02400"]);
  const first = await admin.get(clusters);
  expect(first.body.value).toHaveLength(50);
});

test("a damaged document, and one that a newer release keeps to itself, are listed by their keys alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  const clock = new TestClock();
  await using database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock });
  await using admin = await StartedAdmin.start({ store, clock });
  const minimumSchemaVersion = schemaVersion + 1;
  await create(
    store,
    clusterDocument("damaged"),
    clusterDocument("newer", { minimumSchemaVersion, resourceId: "of a newer form" }),
    clusterDocument("nonsense", {
      nextAttemptAt: "soon" as never,
      sweeps: -1.5,
      operation: { id: 5, kind: {}, startedAt: 1e300 } as never,
      work: {
        attempts: "many",
        epoch: null,
        step: [],
        owner: "o".repeat(100_000),
        lastError: 3,
      } as never,
    }),
  );
  const raw = new DatabaseSync(path);
  raw.exec("UPDATE documents SET body = '{' WHERE id = 'rg|damaged'");
  raw.close();
  const { body } = await admin.get(clusters);
  const place = { subscriptionId: partition };
  expect(body.value).toEqual([
    { ...place, documentId: "rg|damaged", problem: "Damaged" },
    { ...place, documentId: "rg|newer", problem: "TooNew" },
    expect.objectContaining({ documentId: "rg|nonsense", operation: { id: "", kind: "" } }),
  ]);
  expect(body.value[2].owner).toHaveLength(4_096);
  expect(await allNames(admin, `${clusters}?kind=create`)).toEqual(["newer"]);
});

test("a store that is down gives 503 with Retry-After, and nothing of the cause", async () => {
  const fail = async (): Promise<never> => {
    throw new StoreUnavailableError("host db-7 is down", { retryAfterMs: 7_000 });
  };
  const store = { listUnsettled: fail, read: fail, ping: fail } as unknown as Store;
  await using admin = await StartedAdmin.start({ store });
  const { status, headers, text } = await admin.get(clusters);
  expect([status, headers.get("retry-after")]).toEqual([503, "7"]);
  expect(text).not.toContain("db-7");
});
