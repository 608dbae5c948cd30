/** The way to blobs: where ARM says the account is, by its key, which no address shows. */
import { expect, it } from "vitest";
import type { AzureConnection } from "../../../../src/installers/azure/azureConnection.ts";
import { limitingBlobRequests } from "../../../../src/installers/azure/requestLimit.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import {
  blobServiceOf,
  sasUrl,
} from "../../../../src/installers/azure/resources/storageAccount.ts";
import { planted } from "../../../leaks/leakWatch.ts";
import { azureSnapshot } from "../azureSnapshot.ts";

const key = planted(Buffer.from("the key of the storage account").toString("base64"));

/** What ARM says of the account. */
function connection(account: object, keys: object): AzureConnection {
  const asked = (group: string, name: string): void => {
    expect([group, name]).toEqual(["aro-shop-abcdefgh", "clusterabcdefgh"]);
  };
  const storageAccounts = {
    getProperties: async (group: string, name: string) => {
      asked(group, name);
      return account;
    },
    listKeys: async (group: string, name: string) => {
      asked(group, name);
      return keys;
    },
  };
  const blobLimit = limitingBlobRequests({ clock: systemClock, limitMs: 60_000 });
  return { blobLimit, of: () => ({ storage: { storageAccounts } }) } as unknown as AzureConnection;
}

const found = { primaryEndpoints: { blob: "https://clusterabcdefgh.blob.core.windows.net/" } };
const { signal } = new AbortController();

it("gives an address that reads one blob for a time and no more", async () => {
  const azure = connection(found, { keys: [{ value: undefined }, { value: key }] });
  const service = await blobServiceOf({ azure }, azureSnapshot(), signal);
  const url = new URL(
    await sasUrl(service, {
      container: "ignition",
      blob: "bootstrap.ign",
      startsAt: Date.UTC(2020, 0, 1),
      expiresAt: Date.UTC(2020, 0, 2),
    }),
  );
  expect(url.origin).toBe("https://clusterabcdefgh.blob.core.windows.net");
  expect(url.pathname).toBe("/ignition/bootstrap.ign");
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    sp: "r",
    sr: "b",
    spr: "https",
    st: "2020-01-01T00:00:00Z",
    se: "2020-01-02T00:00:00Z",
    sig: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
  });
  expect(decodeURIComponent(url.href)).not.toContain(key);
});

it("waits for an account that has no address or key yet", async () => {
  const withoutAddress = connection({}, { keys: [{ value: key }] });
  await expect(blobServiceOf({ azure: withoutAddress }, azureSnapshot(), signal)).rejects.toThrow(
    "the storage account clusterabcdefgh has no address for blobs yet",
  );
  for (const keys of [{}, { keys: [] }, { keys: [{ keyName: "key1" }] }]) {
    const azure = connection(found, keys);
    await expect(blobServiceOf({ azure }, azureSnapshot(), signal)).rejects.toThrow(/no key yet$/);
  }
});
