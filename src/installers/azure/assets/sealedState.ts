/**
 * What `openshift-install` made for a cluster, kept sealed in a blob of the cluster's own storage account: its user can read and
 * replace the blob, so nothing is in it in clear, and what was not sealed for this very cluster does not open. Of two workers that
 * made it, the first one's is the cluster's. It must never be overwritten but by who has read it, as long as it is what was read.
 */
import { isRestError } from "@azure/core-rest-pipeline";
import type { BlockBlobClient } from "@azure/storage-blob";
import type { InstallationSnapshot, StepContext } from "../../installer.ts";
import type { AzureEffects } from "../azureEffects.ts";
import { blobs, containers } from "../azureNames.ts";
import { whyBrokenOff } from "../requestLimit.ts";
import { blobServiceOf } from "../resources/storageAccount.ts";

/**
 * Sealed. The state file of `openshift-install` has 1 to 3 MB and ignition configs less than one: in base64 twice that is 7 MB, if nothing
 * of it could be compressed. What is far larger nobody here has made: the cluster's user can write the blob, and each worker that reads it
 * holds it in memory several times over.
 */
const stateBytesMax = 16 * 1024 * 1024;

/** Of one cluster. */
export class SealedState {
  readonly #blob: BlockBlobClient;
  readonly #sealing: AzureEffects["sealing"];
  readonly #binding: string;
  readonly #signal: AbortSignal;
  /** Of what was read last. */
  #etag: string | undefined;

  private constructor(
    blob: BlockBlobClient,
    options: {
      readonly sealing: AzureEffects["sealing"];
      readonly binding: string;
      readonly signal: AbortSignal;
    },
  ) {
    this.#blob = blob;
    this.#sealing = options.sealing;
    this.#binding = options.binding;
    this.#signal = options.signal;
  }

  /** @throws {RestError} when the storage account can't be reached. */
  static async of(
    { snapshot, signal }: Pick<StepContext, "snapshot" | "signal">,
    effects: Pick<AzureEffects, "azure" | "sealing">,
  ): Promise<SealedState> {
    const service = await blobServiceOf(effects, snapshot, signal);
    const blob = service.getContainerClient(containers.state).getBlockBlobClient(blobs.state);
    return new SealedState(blob, {
      sealing: effects.sealing,
      binding: bindingOf(snapshot),
      signal,
    });
  }

  /**
   * In clear; `undefined` when there is none.
   *
   * @throws when it doesn't open, naming the key that it was sealed by and nothing else of it.
   * @throws {RestError}
   */
  async read(): Promise<Uint8Array | undefined> {
    const sealed = await this.#download();
    if (sealed === undefined) return undefined;
    return await this.#sealing.open(sealed, this.#binding, this.#signal);
  }

  /**
   * Keeps it in the place of what was read here last, be that nothing, unless there is another one since; read it again to know
   * whose was first.
   *
   * @param guard called right before it is written.
   * @throws {RestError}
   */
  async keep(state: Uint8Array, guard: () => void): Promise<void> {
    const sealed = await this.#sealing.seal(state, this.#binding, this.#signal);
    if (sealed.length > stateBytesMax) throw new Error(tooLarge(sealed.length));
    guard();
    try {
      await this.#blob.upload(sealed, sealed.length, {
        conditions: this.#etag === undefined ? { ifNoneMatch: "*" } : { ifMatch: this.#etag },
        abortSignal: this.#signal,
      });
    } catch (error) {
      // a lost answer to our own write ends here as well
      if (!isRestError(error) || (error.statusCode !== 409 && error.statusCode !== 412)) {
        throw error;
      }
    }
  }

  async #download(): Promise<Buffer | undefined> {
    try {
      const {
        contentLength = 0,
        etag,
        readableStreamBody,
      } = await this.#blob.download(0, undefined, { abortSignal: this.#signal });
      const pieces: Buffer[] = [];
      let length = 0;
      for await (const piece of readableStreamBody ?? []) {
        const bytes = Buffer.from(piece);
        length += bytes.length;
        // only in here, as to leave the loop closes the stream: the end of the request's time would be an error of one that
        // is left open, which nobody listens for, and would end the process
        const sizeBytes = Math.max(length, contentLength);
        if (sizeBytes > stateBytesMax) throw new Error(tooLarge(sizeBytes));
        pieces.push(bytes);
      }
      this.#etag = etag;
      return Buffer.concat(pieces);
    } catch (error) {
      if (isRestError(error) && error.statusCode === 404) {
        this.#etag = undefined;
        return undefined;
      }
      throw whyBrokenOff(error, this.#signal);
    }
  }
}

function tooLarge(bytes: number): string {
  return `the sealed state has ${bytes} bytes, more than the ${stateBytesMax} that are allowed`;
}

/** One that was made again under the same id is another cluster. */
function bindingOf({ resourceId, incarnationId }: InstallationSnapshot): string {
  return JSON.stringify([resourceId.toLowerCase(), incarnationId]);
}
