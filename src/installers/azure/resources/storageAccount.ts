/**
 * The way to the blobs of a cluster's storage account: by its key, which is asked for each time and lives in memory only. It must
 * never note a key, nor the address of a blob that holds a signature.
 */
import {
  BlobSASPermissions,
  BlobServiceClient,
  SASProtocol,
  StorageSharedKeyCredential,
  newPipeline,
} from "@azure/storage-blob";
import { TransientError } from "../../../model/rpError.ts";
import type { EpochMs } from "../../../model/document.ts";
import type { InstallationSnapshot } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { noted } from "../azureNotes.ts";

/** Times that a call is tried before its step has to try again. */
const triesMax = 3;
const tryTimeoutMs = 60_000;

/**
 * @throws {RestError} what Azure answers, such as 404 when there is no such account.
 */
export async function blobServiceOf(
  effects: Pick<AzureEffects, "azure">,
  snapshot: InstallationSnapshot,
  signal: AbortSignal,
): Promise<BlobServiceClient> {
  const { managedGroup, storageAccount } = noted(snapshot, "names");
  const { storageAccounts } = effects.azure.of(snapshot.subscriptionId).storage;
  const options = { abortSignal: signal };
  const account = await storageAccounts.getProperties(managedGroup, storageAccount, options);
  const endpoint = account.primaryEndpoints?.blob;
  if (endpoint === undefined) {
    throw new TransientError(`the storage account ${storageAccount} has no address for blobs yet`);
  }
  const { keys = [] } = await storageAccounts.listKeys(managedGroup, storageAccount, options);
  const key = keys.find(({ value }) => value !== undefined)?.value;
  if (key === undefined)
    throw new TransientError(`the storage account ${storageAccount} has no key yet`);
  const pipeline = newPipeline(new StorageSharedKeyCredential(storageAccount, key), {
    retryOptions: { maxTries: triesMax, tryTimeoutInMs: tryTimeoutMs },
  });
  // the time of a try is the service's to keep: it doesn't help when no answer comes
  pipeline.factories.push(effects.azure.blobLimit);
  return new BlobServiceClient(endpoint, pipeline);
}

/** An address at which anybody may read the one blob, over TLS, for a time. It is a secret. */
export async function sasUrl(
  service: BlobServiceClient,
  options: {
    readonly container: string;
    readonly blob: string;
    readonly startsAt: EpochMs;
    readonly expiresAt: EpochMs;
  },
): Promise<string> {
  const { container, blob, startsAt, expiresAt } = options;
  return await service
    .getContainerClient(container)
    .getBlobClient(blob)
    .generateSasUrl({
      permissions: BlobSASPermissions.parse("r"),
      protocol: SASProtocol.Https,
      startsOn: new Date(startsAt),
      expiresOn: new Date(expiresAt),
    });
}
