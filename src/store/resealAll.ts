/**
 * Rewrites all secrets that the newest key has not sealed: after a rotation, or after an upgrade from a release that kept them in
 * clear. Each document is read and written back as it is, on the ETag that was read, so it may run beside everything else, be
 * interrupted at any line and begun again; whoever is in the middle of a change takes it for one of the races that happen
 * anyway. It must never write what it could not open.
 */
import { isTooNew, type SecretDocument } from "../model/document.ts";
import type { KeyRing } from "./keyRing.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  StoreConflictError,
  StoreOutcomeUnknownError,
  type CallOptions,
  type SecretsReference,
  type Store,
} from "./store.ts";

export interface ResealOptions {
  /** One that seals. */
  readonly store: Pick<Store, "read" | "commit" | "listNotSealedBy">;
  readonly keys: Pick<KeyRing, "current" | "latest">;
  readonly signal?: AbortSignal;
}

/** What has become of it, in numbers of documents. */
export interface ResealOutcome {
  /** The key that seals now. */
  readonly keyId: string;
  readonly resealed: number;
  /** Left as they were, by the reason; empty when everything is sealed by that key. */
  readonly left: ReadonlyMap<string, number>;
  /** A key that has become the newest meanwhile: what was resealed before that has to be once more. */
  readonly newerKeyId?: string;
}

const pageSize = 100;
/** At the same time: the store has others to serve. */
const atOnce = 8;
/** Documents change and move between pages while it runs; what others write meanwhile is sealed by the newest key anyway. */
const passesMax = 10;

/**
 * @throws {StoreUnavailableError} what was done stays done.
 * @throws the signal's reason.
 */
export async function resealAll({ store, keys, signal }: ResealOptions): Promise<ResealOutcome> {
  const options = signal === undefined ? {} : { signal };
  const { id: keyId } = await keys.current(signal);
  let resealed = 0;
  for (let pass = 1; ; pass += 1) {
    const left = new Map<string, number>();
    let resealedInPass = 0;
    let continuation: string | undefined;
    do {
      const page = await store.listNotSealedBy(
        keyId,
        { limit: pageSize, ...(continuation === undefined ? {} : { continuation }) },
        options,
      );
      for (let at = 0; at < page.items.length; at += atOnce) {
        const some = page.items.slice(at, at + atOnce);
        // none may be under way any more when this ends
        const outcomes = await Promise.allSettled(
          some.map(async (each) => reseal(each, store, options)),
        );
        for (const settled of outcomes) {
          if (settled.status === "rejected") throw settled.reason;
          const outcome = settled.value;
          if (outcome === "resealed") resealedInPass += 1;
          else if (outcome !== "gone") left.set(outcome, (left.get(outcome) ?? 0) + 1);
        }
      }
      continuation = page.continuation;
    } while (continuation !== undefined);
    resealed += resealedInPass;
    const mayBeMore = resealedInPass > 0 || left.has(changed);
    if (!mayBeMore || pass >= passesMax) {
      const { id: newest } = await keys.latest(signal);
      return { keyId, resealed, left, ...(newest === keyId ? {} : { newerKeyId: newest }) };
    }
  }
}

const changed = "changed by others each time";

/** @returns why it was left, if it was. */
async function reseal(
  { kind, key }: SecretsReference,
  store: ResealOptions["store"],
  options: CallOptions,
): Promise<string> {
  try {
    const stored = await store.read<SecretDocument["kind"]>(kind, key, options);
    if (stored === undefined) return "gone";
    if (isTooNew(stored.document)) return "written by a newer release";
    await store.commit(key.partition, [{ replace: stored, document: stored.document }], options);
    return "resealed";
  } catch (error) {
    if (error instanceof SealingKeyUnknownError) {
      return `sealed by the key ${JSON.stringify(error.keyId)}, which is not there`;
    }
    if (error instanceof DocumentUnreadableError) return "damaged";
    if (error instanceof StoreConflictError || error instanceof StoreOutcomeUnknownError) {
      return changed;
    }
    throw error;
  }
}
