/** The blob service of the stand-in for Azure, over its real client. */
import {
  BlobSASPermissions,
  BlobServiceClient,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import type { AzureRequest } from "./azureService.ts";
import { BlobService } from "./blobService.ts";
import { LocalAzure } from "./localAzure.ts";
import { sasFault } from "./sharedKey.ts";
import { storageAccountKey } from "./storageAccountKeys.ts";

const accountId =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/clusterabc";
const key = storageAccountKey("clusterabc");
const operationMs = 1000;
let now = Date.parse("2026-01-01T00:00:00Z");
let azure: LocalAzure;

function clientWith(accountKey: string): BlobServiceClient {
  return new BlobServiceClient(
    `${azure.url}/clusterabc`,
    new StorageSharedKeyCredential("clusterabc", accountKey),
    { retryOptions: { maxTries: 1 } },
  );
}

beforeEach(async () => {
  azure = await LocalAzure.start({ clock: { ...systemClock, now: () => now }, operationMs });
  azure.trust();
  azure.state.put({
    id: accountId,
    name: "clusterabc",
    type: "Microsoft.Storage/storageAccounts",
    properties: { allowBlobPublicAccess: false },
  });
});
afterEach(async () => await azure[Symbol.asyncDispose]());

async function containerWithBlob(text = "content") {
  const container = clientWith(key).getContainerClient("aro");
  await container.create();
  const blob = container.getBlockBlobClient("graph");
  await blob.upload(text, Buffer.byteLength(text));
  return { container, blob };
}

test("keeps what is uploaded, whole and in part, until it is deleted", async () => {
  const { container, blob } = await containerWithBlob();
  const whole = await blob.downloadToBuffer();
  expect(whole.toString()).toBe("content");
  expect((await blob.downloadToBuffer(3, 2)).toString()).toBe("te");
  expect(await blob.getProperties()).toMatchObject({ contentLength: 7, blobType: "BlockBlob" });
  await blob.delete();
  expect(await blob.exists()).toBe(false);
  await expect(blob.download()).rejects.toMatchObject({ statusCode: 404 });
  await container.delete();
  expect(azure.state.list(accountId)).toEqual([]);
});

test("an empty blob and one with a name of any letters", async () => {
  const { container } = await containerWithBlob();
  const blob = container.getBlockBlobClient("a b/ü+&%.ign");
  await blob.upload("", 0, { metadata: { incarnation: "x" } });
  expect(await blob.getProperties()).toMatchObject({
    contentLength: 0,
    metadata: { incarnation: "x" },
  });
});

test("creates only where there is nothing, and replaces only what was read", async () => {
  const { container, blob } = await containerWithBlob();
  await expect(blob.upload("other", 5, { conditions: { ifNoneMatch: "*" } })).rejects.toMatchObject(
    { statusCode: 409, code: "BlobAlreadyExists" },
  );
  const { etag = "" } = await blob.getProperties();
  await blob.upload("newer", 5, { conditions: { ifMatch: etag } });
  await expect(blob.upload("late", 4, { conditions: { ifMatch: etag } })).rejects.toMatchObject({
    statusCode: 412,
    code: "ConditionNotMet",
  });
  await expect(blob.delete({ conditions: { ifMatch: etag } })).rejects.toMatchObject({
    statusCode: 412,
  });
  expect((await blob.downloadToBuffer()).toString()).toBe("newer");
  await expect(container.create()).rejects.toMatchObject({ code: "ContainerAlreadyExists" });
  expect(await container.createIfNotExists()).toMatchObject({ succeeded: false });
});

test("of many concurrent creators one wins", async () => {
  const { container } = await containerWithBlob();
  const blob = container.getBlockBlobClient("once");
  const tries = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) =>
      blob.upload(String(index), 1, { conditions: { ifNoneMatch: "*" } }),
    ),
  );
  const winners = tries.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
  expect(winners).toHaveLength(1);
  expect((await blob.downloadToBuffer()).toString()).toBe(String(winners[0]));
});

test("lists page by page", async () => {
  const { container } = await containerWithBlob();
  for (const name of ["b<1>", "a", "b2"]) await container.getBlockBlobClient(name).upload("", 0);
  const names: string[][] = [];
  for await (const page of container.listBlobsFlat({ prefix: "b" }).byPage({ maxPageSize: 1 })) {
    names.push(page.segment.blobItems.map(({ name }) => name));
  }
  expect(names).toEqual([["b2"], ["b<1>"]]);
  const containers = [];
  for await (const { name } of clientWith(key).listContainers()) containers.push(name);
  expect(containers).toEqual(["aro"]);
});

test("copies in the background", async () => {
  const { container } = await containerWithBlob();
  const blob = container.getBlobClient("rhcos.vhd");
  const source = "https://images.example.com/rhcos.vhd";
  await blob.beginCopyFromURL(source);
  expect(await blob.getProperties()).toMatchObject({
    copyStatus: "pending",
    copySource: source,
    contentLength: 0,
    blobType: "PageBlob",
  });
  await expect(blob.beginCopyFromURL(source)).rejects.toMatchObject({
    statusCode: 409,
    code: "PendingCopyOperation",
  });
  now += operationMs;
  expect(await blob.getProperties()).toMatchObject({
    copyStatus: "success",
    copyProgress: "14/14",
  });
});

test("aborts a copy, and refuses one from nowhere", async () => {
  const { container } = await containerWithBlob();
  const blob = container.getBlobClient("rhcos.vhd");
  const poller = await blob.beginCopyFromURL("https://images.example.com/rhcos.vhd");
  const { copyId = "" } = await blob.getProperties();
  poller.stopPolling();
  await blob.abortCopyFromURL(copyId);
  expect(await blob.getProperties()).toMatchObject({ copyStatus: "aborted" });
  await expect(blob.abortCopyFromURL(copyId)).rejects.toMatchObject({ statusCode: 409 });
  await expect(blob.beginCopyFromURL("https://images.invalid/rhcos.vhd")).rejects.toMatchObject({
    statusCode: 404,
    code: "CannotVerifyCopySource",
  });
});

test("refuses another key, and keys at all where the account does", async () => {
  await containerWithBlob();
  const other = clientWith(Buffer.from("another key").toString("base64"));
  await expect(other.getContainerClient("aro").getProperties()).rejects.toMatchObject({
    statusCode: 403,
    code: "AuthenticationFailed",
  });
  const account = azure.state.get(accountId);
  if (account === undefined) throw new Error("the account is gone");
  azure.state.put({ ...account, properties: { allowSharedKeyAccess: false } });
  await expect(clientWith(key).getContainerClient("aro").getProperties()).rejects.toMatchObject({
    code: "KeyBasedAuthenticationNotPermitted",
  });
});

test("a signed request is good for nothing but what was signed", async () => {
  await containerWithBlob();
  const handled = vi.spyOn(BlobService.prototype, "handle");
  await clientWith(key).getContainerClient("aro").getBlobClient("graph").getProperties();
  const [request] = handled.mock.calls[0] ?? [];
  const [service] = handled.mock.contexts as unknown[] as BlobService[];
  if (request === undefined || service === undefined) throw new Error("nothing was asked");
  const status = async (change: Partial<AzureRequest>) =>
    (await service.handle({ ...request, ...change }))?.status;
  expect(await status({})).toBe(200);
  const changes: Partial<AzureRequest>[] = [
    { method: "DELETE" },
    { url: new URL(`${request.url.href}?comp=metadata`) },
    { url: new URL(request.url.href.replace("graph", "other")) },
    { headers: { ...request.headers, "x-ms-date": new Date(0).toUTCString() } },
    { headers: { ...request.headers, "x-ms-meta-more": "x" } },
    { headers: { ...request.headers, "if-match": "*" } },
  ];
  for (const change of changes) expect([change, await status(change)]).toEqual([change, 403]);
});

function sas(options: { permissions?: string; expiresOn?: Date; startsOn?: Date } = {}) {
  return clientWith(key)
    .getContainerClient("aro")
    .getBlobClient("graph")
    .generateSasUrl({
      permissions: BlobSASPermissions.parse(options.permissions ?? "r"),
      protocol: SASProtocol.Https,
      expiresOn: options.expiresOn ?? new Date(now + 3_600_000),
      ...(options.startsOn === undefined ? {} : { startsOn: options.startsOn }),
    });
}

test("whoever has a blob's signed address reads it, that blob and for that time only", async () => {
  const { container } = await containerWithBlob();
  await container.getBlockBlobClient("secret").upload("s", 1);
  const url = await sas({ startsOn: new Date(now) });
  expect(await (await fetch(url)).text()).toBe("content");
  const refusals: [string, RequestInit?][] = [
    [url.replace("/graph?", "/secret?")],
    [url.replace("sp=r", "sp=rw")],
    [url.replace("spr=https&", "")],
    [url.replace(/se=[^&]*/, "se=2099-01-01T00%3A00%3A00Z")],
    [url, { method: "DELETE" }],
    [url, { method: "PUT", body: "other", headers: { "x-ms-blob-type": "BlockBlob" } }],
    [await sas({ permissions: "d" })],
    [await sas({ expiresOn: new Date(now) })],
    [await sas({ startsOn: new Date(now + 60_000) })],
  ];
  for (const [refused, init] of refusals) {
    const answer = await fetch(refused, init);
    expect([refused, init?.method, answer.status]).toEqual([refused, init?.method, 403]);
    expect(answer.headers.get("x-ms-error-code")).toMatch(/^Auth/);
  }
  now += 3_600_000;
  expect((await fetch(url)).status).toBe(403);
});

test("a signed address for TLS doesn't do without", async () => {
  await containerWithBlob();
  const url = new URL(await sas());
  const need = {
    account: "clusterabc",
    key,
    container: "aro",
    blob: "graph",
    permissions: "r",
    now,
  };
  expect(sasFault(url, need)).toBeUndefined();
  url.protocol = "http:";
  expect(sasFault(url, need)).toMatchObject({ code: "AuthenticationFailed" });
});

test("shows nothing to anybody without a signature", async () => {
  const { blob } = await containerWithBlob();
  expect((await fetch(blob.url)).status).toBe(409);
  const account = azure.state.get(accountId);
  if (account === undefined) throw new Error("the account is gone");
  azure.state.put({ ...account, properties: {} });
  expect((await fetch(blob.url)).status).toBe(404);
});

test("blobs are gone with their account", async () => {
  const { blob } = await containerWithBlob();
  for (const { id } of azure.state.list(accountId)) azure.state.delete(id);
  azure.state.delete(accountId);
  expect((await fetch(blob.url)).headers.get("x-ms-error-code")).toBeNull();
  azure.state.put({
    id: accountId,
    name: "clusterabc",
    type: "Microsoft.Storage/storageAccounts",
    properties: {},
  });
  await clientWith(key).getContainerClient("aro").create();
  await expect(blob.download()).rejects.toMatchObject({ code: "BlobNotFound" });
});
