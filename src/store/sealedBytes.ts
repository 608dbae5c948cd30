/**
 * Seals bytes that are kept outside of the store by the keys that seal documents, for whoever keeps them: the same envelope as
 * JSON. What was sealed opens only for the binding that it was sealed for. It must never say in an error what was in it, nor
 * more of what it was given than the name of a key.
 */
import type { Random } from "../runtime/ids.ts";
import type { KeyRing } from "./keyRing.ts";
import {
  envelopeFrom,
  EnvelopeDamagedError,
  nonceBytes,
  openedBytes,
  sealBytes,
  type SealedSecrets,
} from "./sealedSecrets.ts";
import { SealingKeyUnknownError } from "./store.ts";

/** What names a key in a message; keys have such names. */
const keyIdLengthMax = 256;

export class SealedBytes {
  readonly #keys: KeyRing;
  readonly #random: Pick<Random, "bytes">;

  /** @param options.random for nonces. */
  constructor({
    keys,
    random,
  }: {
    readonly keys: KeyRing;
    readonly random: Pick<Random, "bytes">;
  }) {
    this.#keys = keys;
    this.#random = random;
  }

  /** By the newest key. */
  async seal(plain: Uint8Array, binding: string, signal?: AbortSignal): Promise<Uint8Array> {
    const key = await this.#keys.current(signal);
    const nonce = this.#random.bytes(nonceBytes);
    return Buffer.from(JSON.stringify(sealBytes(plain, binding, { key, nonce })));
  }

  /**
   * @throws {SealingKeyUnknownError} when this process doesn't have the key.
   * @throws {EnvelopeDamagedError} when it was changed, or sealed for another binding.
   */
  async open(sealed: Uint8Array, binding: string, signal?: AbortSignal): Promise<Uint8Array> {
    const envelope = envelopeOf(sealed);
    const name = JSON.stringify(envelope.keyId);
    const found = await this.#keys.find(envelope.keyId, signal);
    if (found === undefined) {
      throw new SealingKeyUnknownError(
        `what is kept outside is sealed by the key ${name}, which this process doesn't have`,
        envelope.keyId,
      );
    }
    try {
      return openedBytes(envelope, binding, found.key);
    } catch (error) {
      if (!(error instanceof EnvelopeDamagedError)) throw error;
      throw new EnvelopeDamagedError(
        `what is kept outside was sealed by the key ${name}, then changed, cut, or put in another's place`,
      );
    }
  }
}

/** @throws {EnvelopeDamagedError} */
function envelopeOf(sealed: Uint8Array): SealedSecrets {
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(sealed).toString("utf8"));
  } catch {
    // the parser's own error quotes what it read
    throw new EnvelopeDamagedError("what is kept outside is not in the form of what is sealed");
  }
  if (typeof read !== "object" || read === null || !Object.hasOwn(read, "sealed")) {
    throw new EnvelopeDamagedError("what is kept outside is not in the form of what is sealed");
  }
  const envelope = envelopeFrom(read as { readonly sealed: unknown });
  if (envelope.keyId.length > keyIdLengthMax) {
    throw new EnvelopeDamagedError("what is kept outside names no key");
  }
  return envelope;
}
