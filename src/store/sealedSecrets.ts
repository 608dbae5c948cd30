/**
 * The form of sealed secrets: AES-256-GCM over the JSON of a document's whole member `secrets`, with a fresh random nonce each
 * time. It is bound to the document, so that an envelope which is moved to another one, or back into a cluster that was made
 * again, does not open. Bytes that are kept elsewhere have the same form, bound to what their owner says. Pure but for the nonce,
 * which comes in. No error may hold a piece of what was sealed.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import type { SecretDocument } from "../model/document.ts";

const cipher = "aes-256-gcm";
/** Of a key. */
export const keyBytes = 32;
/** 96 bits at random: up to four thousand million writes a key is as good as never used twice. */
export const nonceBytes = 12;
const tagBytes = 16;
/** The form that is written; a later one would have another number. */
const presentForm = 1;

/** A key by the name that envelopes call it. Neither a log nor JSON shows what is in a `KeyObject`. */
export interface SealingKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** What is stored in place of `secrets`. */
export interface SealedSecrets {
  readonly sealed: number;
  readonly keyId: string;
  /** Base64. */
  readonly nonce: string;
  /** Base64, with the tag behind it. */
  readonly ciphertext: string;
}

/** It was changed, cut, moved from another document, or is of a form that nobody here knows. */
export class EnvelopeDamagedError extends Error {
  override readonly name = "EnvelopeDamagedError";
}

/** What seals: a key, and a nonce that was never used with it before. */
export interface SealWith {
  readonly key: SealingKey;
  readonly nonce: Uint8Array;
}

/** @param text the secrets as JSON. */
export function sealText(text: string, document: SecretDocument, by: SealWith): SealedSecrets {
  return sealed(Buffer.from(text, "utf8"), Buffer.from(bindingOf(document)), by);
}

/** @param binding what has to be said again to open them; no document's secrets open for any. */
export function sealBytes(bytes: Uint8Array, binding: string, by: SealWith): SealedSecrets {
  return sealed(bytes, bindingOfBytes(binding), by);
}

function sealed(
  plain: Uint8Array,
  binding: Buffer,
  { key: { id: keyId, key }, nonce }: SealWith,
): SealedSecrets {
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  sealing.setAAD(binding);
  const ciphertext = Buffer.concat([sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
  return {
    sealed: presentForm,
    keyId,
    nonce: Buffer.from(nonce).toString("base64"),
    ciphertext: ciphertext.toString("base64"),
  };
}

/**
 * Its members, checked.
 *
 * @throws {EnvelopeDamagedError}
 */
export function envelopeFrom(secrets: { readonly sealed: unknown }): SealedSecrets {
  const { sealed, keyId, nonce, ciphertext } = secrets as Partial<
    Record<keyof SealedSecrets, unknown>
  >;
  if (sealed !== presentForm) throw new EnvelopeDamagedError("its form is unknown");
  if (typeof keyId !== "string" || typeof nonce !== "string" || typeof ciphertext !== "string") {
    throw new EnvelopeDamagedError("a member is missing");
  }
  return { sealed, keyId, nonce, ciphertext };
}

/**
 * The secrets as JSON.
 *
 * @throws {EnvelopeDamagedError}
 */
export function openedText(
  envelope: SealedSecrets,
  document: SecretDocument,
  key: KeyObject,
): string {
  return opened(envelope, Buffer.from(bindingOf(document)), key).toString("utf8");
}

/** @throws {EnvelopeDamagedError} */
export function openedBytes(envelope: SealedSecrets, binding: string, key: KeyObject): Uint8Array {
  return opened(envelope, bindingOfBytes(binding), key);
}

function opened({ nonce, ciphertext }: SealedSecrets, binding: Buffer, key: KeyObject): Buffer {
  const bytes = Buffer.from(ciphertext, "base64");
  const nonceGiven = Buffer.from(nonce, "base64");
  if (nonceGiven.length !== nonceBytes || bytes.length < tagBytes) {
    throw new EnvelopeDamagedError("it is cut");
  }
  const tagAt = bytes.length - tagBytes;
  const opening = createDecipheriv(cipher, key, nonceGiven, { authTagLength: tagBytes });
  opening.setAAD(binding);
  opening.setAuthTag(bytes.subarray(tagAt));
  try {
    return Buffer.concat([opening.update(bytes.subarray(0, tagAt)), opening.final()]);
  } catch {
    throw new EnvelopeDamagedError("it was changed, or belongs to another document");
  }
}

/** What an envelope is good for and nothing else: it opens for all documents of which this is the same, and for no others. */
export function bindingOf(document: SecretDocument): string {
  const { kind, subscriptionId, id } = document;
  const incarnationId = kind === "cluster" ? document.incarnationId : "";
  return JSON.stringify([presentForm, kind, subscriptionId, id, incarnationId]);
}

/** Of fewer members than a document's, so that it is never the same. */
function bindingOfBytes(binding: string): Buffer {
  return Buffer.from(JSON.stringify([presentForm, "bytes", binding]));
}
