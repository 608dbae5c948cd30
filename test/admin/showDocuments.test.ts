/** Single documents as an operator sees them: whole, but for secrets and personal data, wherever a release may have put those. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { shownDocument } from "../../src/admin/shownDocument.ts";
import { secretNames } from "../../src/model/clusterSecrets.ts";
import { schemaVersion, type ClusterDocument } from "../../src/model/document.ts";
import { SqliteDatabase } from "../../src/store/sqliteDatabase.ts";
import { SqliteStore } from "../../src/store/sqliteStore.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import {
  clusterDocument,
  operationDocument,
  partition,
  subscriptionDocument,
} from "../store/documents.ts";
import { lostClusters, withLostClusters } from "../store/lostKey.ts";
import { temporaryFolder } from "../store/sqliteFixture.ts";
import { adminPath, StartedAdmin } from "./startedAdmin.ts";

const operationId = "11111111-2222-4333-8444-555555555555";
const planted = "planted-secret-value";

test("a cluster is shown with its operation's record, members of newer releases included", async () => {
  await using admin = await StartedAdmin.start();
  const document = clusterDocument("c", {
    operation: { id: operationId, kind: "create", correlationId: "x" },
    ofANewerRelease: { deeply: [{ nested: "shown" }] },
    secrets: { pullSecret: planted, kubeadminPassword: "another-secret" },
  });
  const record = operationDocument(operationId);
  await admin.store.commit(partition, [{ create: document }, { create: record }]);
  const { status, body, text } = await admin.get(adminPath("C", { group: "RG" }));
  expect(status).toBe(200);
  const { secrets: _, ...visible } = document;
  expect(body.cluster).toEqual({
    kind: "cluster",
    removed: ["secrets.pullSecret", "secrets.kubeadminPassword"],
    document: visible,
  });
  expect(body.operationRecord).toEqual({ kind: "operation", removed: [], document: record });
  expect(body.provisioningState).toBe("Creating");
  expect(text).not.toContain("-secret");

  const shown = await admin.get(
    `/admin/v1/subscriptions/${partition}/operations/${operationId.toUpperCase()}`,
  );
  expect(shown.body).toEqual(body.operationRecord);
});

test("who made or changed a cluster is personal data, and not shown", async () => {
  await using admin = await StartedAdmin.start();
  const systemData = { createdBy: "someone@example.com", createdByType: "User" };
  const { cluster } = clusterDocument("c");
  const document = clusterDocument("c", {
    cluster: { ...cluster, systemData } as ClusterDocument["cluster"],
    applied: { ...cluster, systemData } as ClusterDocument["cluster"],
    lastModifiedBy: "someone@example.com",
  });
  await admin.store.commit(partition, [{ create: document }]);
  const { body, text } = await admin.get(adminPath("c"));
  expect(text).not.toContain("someone");
  expect(body.cluster.removed).toEqual(
    expect.arrayContaining(["cluster.systemData", "applied.systemData", "lastModifiedBy"]),
  );
});

test("a subscription is shown; one that was never announced isn't there, nor an operation that ended long ago", async () => {
  await using admin = await StartedAdmin.start();
  const path = `/admin/v1/subscriptions/${partition}`;
  expect((await admin.get(path)).status).toBe(404);
  expect((await admin.get(`${path}/operations/${operationId}`)).status).toBe(404);
  expect((await admin.get(adminPath("none"))).body.error.code).toBe("ResourceNotFound");
  await admin.store.commit(partition, [{ create: subscriptionDocument(partition) }]);
  const { body } = await admin.get(path);
  expect(body).toEqual({
    kind: "subscription",
    removed: [],
    document: subscriptionDocument(partition),
  });
});

test("a damaged document is told of, and one of a newer release is left to that", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "rp.db");
  await using database = await SqliteDatabase.open({ path });
  const store = new SqliteStore({ database, clock: systemClock });
  await using admin = await StartedAdmin.start({ store });
  const minimumSchemaVersion = schemaVersion + 1;
  await store.commit(partition, [
    { create: clusterDocument("damaged") },
    { create: clusterDocument("newer", { minimumSchemaVersion, note: planted }) },
    { create: clusterDocument("half", { work: undefined as never }) },
    { create: clusterDocument("recordless", { operation: { id: operationId } as never }) },
    { create: operationDocument(operationId) },
  ]);
  const raw = new DatabaseSync(path);
  raw.exec(`UPDATE documents SET body = '{"secrets":"${planted}' WHERE id = 'rg|damaged'`);
  raw.exec(`UPDATE documents SET body = '[' WHERE id = '${operationId}'`);
  raw.close();
  const damaged = await admin.get(adminPath("damaged"));
  expect(damaged.status).toBe(500);
  expect(damaged.body.error.message).toMatch(/is damaged .* backup/);
  const newer = await admin.get(adminPath("newer"));
  expect([newer.status, newer.body.error.code]).toEqual([503, "DocumentTooNew"]);
  for (const { text } of [damaged, newer]) expect(text).not.toContain(planted);
  expect(JSON.stringify(admin.lines)).not.toContain(planted);
  for (const action of ["retry", "redrive"]) {
    expect((await admin.post(`${adminPath("damaged")}/${action}`)).status).toBe(500);
    expect((await admin.post(`${adminPath("newer")}/${action}`)).status).toBe(503);
  }
  const half = await admin.get(adminPath("half"));
  expect([half.status, half.body.problem]).toEqual([200, "Damaged"]);
  const recordless = await admin.get(adminPath("recordless"));
  expect(recordless.status).toBe(200);
  expect(recordless.body).not.toHaveProperty("operationRecord");
});

test("no value of a secret is shown, wherever it stands and whatever it is called", () => {
  const secretValue = fc.string({ minLength: 6, maxLength: 40 }).map((text) => `s3cr3t ${text}`);
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...secretNames, "ofANewerRelease"), secretValue, {
        minKeys: 1,
      }),
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom("plain", "inText", "asName", "inArray", "underSecretName", "asEnvelope"),
      (secrets, other, place) => {
        const [value = ""] = Object.values(secrets);
        const member = {
          plain: { note: value },
          inText: { note: { deeper: `it was ${value} before` } },
          asName: { [value]: 1 },
          inArray: { notes: ["a", value, [value]] },
          underSecretName: { Client_Secrets: [{ text: "s3cr3t of its own" }] },
          asEnvelope: { sealedSecrets: { key: "k1", text: "s3cr3t of its own" } },
        }[place];
        const document = clusterDocument("c", { secrets: secrets as never, other, ...member });
        const shown = shownDocument(document);
        expect(JSON.stringify(shown)).not.toContain("s3cr3t");
        expect(shown.removed.length).toBeGreaterThan(Object.keys(secrets).length);
        expect(shown.document["id"]).toBe("rg|c");
      },
    ),
  );
});

test("a document without secrets is shown as it is stored, `__proto__` included", () => {
  const text = '{"kind":"subscription","id":"x","__proto__":{"a":[1,null,"b"]},"constructor":{}}';
  const shown = shownDocument(JSON.parse(text) as never);
  expect(JSON.stringify(shown.document)).toBe(text);
  expect(Object.getPrototypeOf(shown.document)).toBe(Object.prototype);
});

test("a document that is nested without end is cut, not followed", () => {
  const text = `{"kind":"subscription","deep":${'{"a":['.repeat(2_000)}1${"]}".repeat(2_000)}}`;
  const shown = shownDocument(JSON.parse(text) as never);
  expect(JSON.stringify(shown.document).length).toBeLessThan(1_000);
  expect(shown.removed).toHaveLength(1);
});

test.each(lostClusters)("a cluster whose secrets are %s is shown without them", async (name) => {
  const database = await SqliteDatabase.open({ path: ":memory:" });
  onTestFinished(async () => database.close());
  const behind = new SqliteStore({ database, clock: systemClock });
  await using admin = await StartedAdmin.start({
    store: await withLostClusters(behind, systemClock),
  });
  const { status, body, text } = await admin.get(adminPath(name));
  expect(status).toBe(200);
  expect(body.cluster.document).toMatchObject({ name, provisioningState: "Failed" });
  expect(body.cluster.document).not.toHaveProperty("secrets");
  expect(body.cluster.removed).toEqual(
    expect.arrayContaining([name === "stripped" ? "secrets.pullSecret" : "secrets"]),
  );
  expect(text).not.toContain("ciphertext");
  expect(text).not.toContain("put-there-by-somebody");
  // and an operator can begin its deletion again, or whatever failed
  expect((await admin.post(`${adminPath(name)}/retry`)).status).toBe(202);
});
