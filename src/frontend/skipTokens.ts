/**
 * `$skipToken`: the place where the next page of a list begins (ARM-60). It is encrypted and authenticated together with the
 * name of its collection, so that nobody can read, change or make one, and one of another list is no good. The key lies in
 * the store: every frontend can open what another has sealed, also after a restart.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { providerPartition, schemaVersion, type KeyDocument } from "../model/document.ts";
import type { LogIds } from "../model/logIds.ts";
import { RpError } from "../model/rpError.ts";
import type { Random } from "../runtime/ids.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  StoreConflictError,
  StoreOutcomeUnknownError,
  type Store,
} from "../store/store.ts";
import { refuseTooNew } from "./refuseTooNew.ts";

const cipher = "aes-256-gcm";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** The second takes the place of a first that can't be opened: lists go on, and only links of before lead nowhere. */
const keyIds = ["skipToken", "skipToken-2", "skipToken-3", "skipToken-4"] as const;

/** Which list, how long the store may take, and for which request. */
export interface SkipTokenUse {
  readonly collection: string;
  readonly signal: AbortSignal;
  readonly logIds: LogIds;
}

export class SkipTokens {
  readonly #store: Store;
  readonly #random: Random;
  #key: Buffer | undefined;

  constructor(options: { readonly store: Store; readonly random: Random }) {
    this.#store = options.store;
    this.#random = options.random;
  }

  /** The token for a place in a collection. */
  async seal(place: string, use: SkipTokenUse): Promise<string> {
    const key = await this.#sharedKey(use);
    const nonce = this.#random.bytes(nonceBytes);
    const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
    sealing.setAAD(Buffer.from(use.collection));
    const text = Buffer.concat([sealing.update(place, "utf8"), sealing.final()]);
    return Buffer.concat([nonce, sealing.getAuthTag(), text]).toString("base64url");
  }

  /**
   * The place in a token.
   *
   * @throws {RpError} `InvalidParameter` when it is not one of ours, or of another collection.
   */
  async open(token: string, use: SkipTokenUse): Promise<string> {
    const key = await this.#sharedKey(use);
    const bytes = Buffer.from(token, "base64url");
    // a decoder that passes over odd characters would take many tokens for one
    if (bytes.length < nonceBytes + tagBytes || bytes.toString("base64url") !== token) {
      throw invalidSkipToken();
    }
    const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    opening.setAAD(Buffer.from(use.collection));
    opening.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    try {
      const text = bytes.subarray(nonceBytes + tagBytes);
      return Buffer.concat([opening.update(text), opening.final()]).toString("utf8");
    } catch {
      throw invalidSkipToken();
    }
  }

  /** The one in the store; whoever comes first makes it. */
  async #sharedKey(use: SkipTokenUse): Promise<Buffer> {
    if (this.#key !== undefined) return this.#key;
    let unreadable: unknown;
    for (const id of keyIds) {
      try {
        const key = await this.#keyOf(id, use);
        // a substitute isn't kept, as the first may come back, and others may have it all the time
        if (id === keyIds[0]) this.#key = key;
        return key;
      } catch (error) {
        const canGoOn =
          error instanceof SealingKeyUnknownError || error instanceof DocumentUnreadableError;
        if (!canGoOn) throw error;
        unreadable = error;
      }
    }
    throw unreadable;
  }

  /** @throws {RpError} `DocumentTooNew`, or an error of the store. */
  async #keyOf(id: string, use: SkipTokenUse): Promise<Buffer> {
    const { signal, logIds } = use;
    for (;;) {
      const stored = await this.#store.read(
        "key",
        { partition: providerPartition, id },
        { signal, logIds },
      );
      if (stored !== undefined) {
        refuseTooNew(stored.document);
        return Buffer.from(stored.document.secrets.key, "base64");
      }
      await this.#makeKey(id, use);
    }
  }

  async #makeKey(id: string, { signal, logIds }: SkipTokenUse): Promise<void> {
    const document: KeyDocument = {
      kind: "key",
      id,
      subscriptionId: providerPartition,
      schemaVersion,
      secrets: { key: Buffer.from(this.#random.bytes(keyBytes)).toString("base64") },
    };
    try {
      await this.#store.commit(providerPartition, [{ create: document }], { signal, logIds });
    } catch (error) {
      // another has made it, or this one is found by the next look
      if (error instanceof StoreConflictError || error instanceof StoreOutcomeUnknownError) return;
      throw error;
    }
  }
}

/** The answer to a token that leads nowhere. */
export function invalidSkipToken(): RpError {
  return new RpError({
    code: "InvalidParameter",
    message: "'$skipToken' is not one of this list; begin the list again without it.",
    target: "$skipToken",
  });
}
