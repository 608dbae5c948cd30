/**
 * Seals the secrets of documents before they reach the store behind it, and opens them on the way back: no adapter ever gets a
 * secret in clear. Documents that an earlier release stored in clear are read as they are, and sealed when they are written
 * next. What is sealed is marked as too new for releases that would take the envelope for the secrets; the mark is this
 * layer's own: nobody in front of it sees it but on a document that was read unopened, which keeps its envelope as it is.
 *
 * It must never pass secrets on in clear because they can't be sealed, nor take what stands in the place of an envelope for
 * secrets of its own, and never say in an error what was in them.
 */
import { isDeepStrictEqual } from "node:util";
import { isSealed } from "../model/clusterSecrets.ts";
import {
  isTooNew,
  isUnopened,
  sealedSchemaVersion,
  type DocumentKind,
  type DocumentOfKind,
  type ListedCluster,
  type RpDocument,
  type SecretDocument,
  type SubscriptionDocument,
} from "../model/document.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { Random } from "../runtime/ids.ts";
import { committed } from "./committed.ts";
import type { KeyRing } from "./keyRing.ts";
import {
  bindingOf,
  envelopeFrom,
  EnvelopeDamagedError,
  nonceBytes,
  openedText,
  sealText,
  type SealedSecrets,
  type SealingKey,
} from "./sealedSecrets.ts";
import {
  DocumentUnreadableError,
  SealingKeyUnknownError,
  type CallOptions,
  type ClusterReference,
  type Committed,
  type DueQuery,
  type Lease,
  type LeaseAttempt,
  type Page,
  type PageRequest,
  type ReadOptions,
  type Replace,
  type RunningOperation,
  type Scheduling,
  type SecretsReference,
  type Store,
  type Stored,
  type UnsettledCluster,
  type UnsettledQuery,
  type Write,
} from "./store.ts";

export interface SealedStoreOptions {
  /** What keeps the documents. */
  readonly store: Store;
  readonly keys: KeyRing;
  /** For nonces. */
  readonly random: Pick<Random, "bytes">;
}

/** Every method is written out, also those that only hand on: one that the port gets later must not pass by the sealing unseen. */
export class SealedStore implements Store {
  readonly #store: Store;
  readonly #keys: KeyRing;
  readonly #random: Pick<Random, "bytes">;
  /**
   * Under which secrets in clear carry what they are sealed in, so that those that stay aren't sealed anew. It isn't enumerable:
   * neither a copy nor JSON has it. A `WeakMap` instead made each read a quarter dearer, in the garbage collector.
   */
  readonly #origin = Symbol("origin");

  constructor({ store, keys, random }: SealedStoreOptions) {
    this.#store = store;
    this.#keys = keys;
    this.#random = random;
  }

  async read<K extends DocumentKind>(
    kind: K,
    key: DocumentKey,
    options: ReadOptions = {},
  ): Promise<Stored<DocumentOfKind<K>> | undefined> {
    const stored = await this.#store.read(kind, key, options);
    if (stored === undefined) return undefined;
    const document: RpDocument = stored.document;
    if (!maySecretsStandIn(document)) return stored;
    if (options.openSecrets === false && isUnopened(document)) return stored;
    const opened = await this.#opened(document, options.signal);
    return { document: opened as DocumentOfKind<K>, etag: stored.etag };
  }

  async commit<const W extends readonly Write[]>(
    partition: string,
    writes: W,
    options: CallOptions = {},
  ): Promise<Committed<W>> {
    const key = writes.some(needsKey) ? await this.#keys.current(options.signal) : undefined;
    const sealed = writes.map((write) => this.#sealedWrite(write, key));
    const results: readonly (Stored | undefined)[] = await this.#store.commit(
      partition,
      sealed.map(({ write }) => write),
      options,
    );
    const opened = results.map((result, index) => {
      const secrets = sealed[index]?.secrets;
      if (result === undefined || secrets === undefined) return result;
      return committed(result.etag, () =>
        withSecrets(result.document as SecretDocument, secrets()),
      );
    });
    return opened as Committed<W>;
  }

  async listClusters(
    query: { readonly partition: string; readonly idPrefix?: string },
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<ListedCluster>> {
    const listed = await this.#store.listClusters(query, page, options);
    return { ...listed, items: listed.items.map(withoutMark) };
  }

  async listUnqueued(page: PageRequest, options?: CallOptions): Promise<Page<ClusterReference>> {
    return this.#store.listUnqueued(page, options);
  }

  async listUnattended(
    query: DueQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<ClusterReference>> {
    return this.#store.listUnattended(query, page, options);
  }

  async listPurges(
    query: DueQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<Stored<SubscriptionDocument>>> {
    return this.#store.listPurges(query, page, options);
  }

  async listRunning(page: PageRequest, options?: CallOptions): Promise<Page<RunningOperation>> {
    return this.#store.listRunning(page, options);
  }

  async listUnsettled(
    query: UnsettledQuery,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<UnsettledCluster>> {
    const listed = await this.#store.listUnsettled(query, page, options);
    const items = listed.items.map(({ key, standing }) =>
      standing === undefined ? { key } : { key, standing: withoutMark(standing) },
    );
    return { ...listed, items };
  }

  async listNotSealedBy(
    keyId: string,
    page: PageRequest,
    options?: CallOptions,
  ): Promise<Page<SecretsReference>> {
    return this.#store.listNotSealedBy(keyId, page, options);
  }

  async updateScheduling(
    reference: ClusterReference,
    scheduling: Scheduling,
    options?: CallOptions,
  ): Promise<void> {
    await this.#store.updateScheduling(reference, scheduling, options);
  }

  async acquireLease(
    request: { readonly name: string; readonly owner: string; readonly leaseMs: number },
    options?: CallOptions,
  ): Promise<LeaseAttempt> {
    return this.#store.acquireLease(request, options);
  }

  async renewLease(
    lease: Lease,
    request: { readonly leaseMs: number },
    options?: CallOptions,
  ): Promise<boolean> {
    return this.#store.renewLease(lease, request, options);
  }

  async releaseLease(lease: Lease, options?: CallOptions): Promise<void> {
    await this.#store.releaseLease(lease, options);
  }

  async leaseRemainingMs(name: string, options?: CallOptions): Promise<number | undefined> {
    return this.#store.leaseRemainingMs(name, options);
  }

  async ping(options?: CallOptions): Promise<void> {
    await this.#store.ping(options);
  }

  /**
   * A document that is too new is given as it is when it can't be opened: whoever asked finds out by its mark, and its form may
   * be one of later.
   *
   * @throws {DocumentUnreadableError}
   * @throws {SealingKeyUnknownError}
   */
  async #opened(document: SecretDocument, signal: AbortSignal | undefined): Promise<RpDocument> {
    const secrets: unknown = document.secrets;
    if (!isSealed(secrets)) {
      if (!isUnopened(document)) return document;
      throw new DocumentUnreadableError(
        `the sealed secrets of the ${nameOf(document)} are gone: something else is in their place`,
      );
    }
    try {
      const envelope = envelopeFrom(secrets);
      const found = await this.#keys.find(envelope.keyId, signal);
      if (found === undefined) throw keyUnknown(document, envelope.keyId);
      const opened = parsed(openedText(envelope, document, found.key));
      return withSecrets(document, this.#remembered(opened, envelope, document));
    } catch (error) {
      const isForeign = error instanceof EnvelopeDamagedError;
      if (isTooNew(document) && (isForeign || error instanceof SealingKeyUnknownError)) {
        return document;
      }
      if (!isForeign) throw error;
      throw new DocumentUnreadableError(
        `the sealed secrets of the ${nameOf(document)} are damaged: ${error.message}`,
      );
    }
  }

  /**
   * `secrets` are those that were sealed, as a reader will see them.
   *
   * @throws {TypeError} when they were never opened, unless they stay as they were read.
   */
  #sealedWrite(
    write: Write,
    key: SealingKey | undefined,
  ): { readonly write: Write; readonly secrets?: () => unknown } {
    if ("delete" in write) return { write: { delete: withoutSecrets(write.delete) } };
    const document = writtenBy(write);
    if ("replace" in write && keepsEnvelope(write)) {
      return { write: { replace: withoutSecrets(write.replace), document: keptSealed(write) } };
    }
    if (!isSecretDocument(document) || key === undefined) return { write };
    if (isSealed(document.secrets)) {
      // of a document that is too new, which nobody may write
      throw new TypeError(`the secrets of the ${nameOf(document)} were never opened`);
    }
    const { envelope, secrets } = this.#kept(write, key) ?? this.#sealedAnew(document, key);
    const sealed = withSealed(document, envelope);
    return {
      secrets,
      write:
        "create" in write
          ? { create: sealed }
          : { replace: withoutSecrets(write.replace), document: sealed },
    };
  }

  #sealedAnew(document: SecretDocument, key: SealingKey): Sealed {
    const text = JSON.stringify(document.secrets);
    const nonce = this.#random.bytes(nonceBytes);
    const envelope = sealText(text, document, { key, nonce });
    return { envelope, secrets: () => this.#remembered(JSON.parse(text), envelope, document) };
  }

  /** The envelope that they were read in, for secrets that stay: `undefined` if it is of a former key, or for another document. */
  #kept(write: Write, key: SealingKey): Sealed | undefined {
    if (!("replace" in write)) return undefined;
    const { secrets } = write.replace.document as SecretDocument;
    const after = write.document as SecretDocument;
    const { envelope, binding } = this.#originOf(secrets) ?? {};
    if (envelope === undefined || envelope.keyId !== key.id) return undefined;
    if (binding !== bindingOf(after) || !isDeepStrictEqual(after.secrets, secrets))
      return undefined;
    return { envelope, secrets: () => secrets };
  }

  /** Nobody may change them afterwards: the envelope would no longer be theirs. */
  #remembered(secrets: unknown, envelope: SealedSecrets, document: SecretDocument): unknown {
    if (!isObject(secrets)) return secrets;
    const value: Origin = { envelope, binding: bindingOf(document) };
    return frozen(Object.defineProperty(secrets, this.#origin, { value }));
  }

  #originOf(secrets: unknown): Origin | undefined {
    if (!isObject(secrets)) return undefined;
    return (secrets as { readonly [origin: symbol]: Origin | undefined })[this.#origin];
  }
}

/** What secrets in clear were read from, and for which document. */
interface Origin {
  readonly envelope: SealedSecrets;
  readonly binding: string;
}

/** With all that is in it. */
function frozen(value: object): object {
  for (const member of Object.values(value)) if (isObject(member)) frozen(member);
  return Object.freeze(value);
}

/** Secrets in clear, and what they are sealed in. */
interface Sealed {
  readonly envelope: SealedSecrets;
  readonly secrets: () => unknown;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function maySecretsStandIn(document: RpDocument): document is SecretDocument {
  return document.kind === "cluster" || document.kind === "key";
}

function isSecretDocument(document: RpDocument): document is SecretDocument {
  // a stranger's document may have none
  return maySecretsStandIn(document) && (document.secrets as unknown) !== undefined;
}

/** Whether it was read unopened. What is too new is written by nobody. */
function keepsEnvelope({ replace, document }: Replace): boolean {
  const before = replace.document;
  return maySecretsStandIn(before) && isUnopened(before) && !isTooNew(document);
}

/** @throws {TypeError} when it has other secrets than it was read with. */
function keptSealed({ replace, document }: Replace): RpDocument {
  const [before, after] = [replace.document as SecretDocument, document as SecretDocument];
  if (!isDeepStrictEqual(after.secrets, before.secrets)) {
    throw new TypeError(
      `the secrets of the ${nameOf(before)} were never opened, so they must stay`,
    );
  }
  const mark = Math.max(after.minimumSchemaVersion ?? 0, sealedSchemaVersion);
  return { ...after, minimumSchemaVersion: mark };
}

function needsKey(write: Write): boolean {
  if ("delete" in write || ("replace" in write && keepsEnvelope(write))) return false;
  return isSecretDocument(writtenBy(write));
}

/** The document that is written, or that goes. */
function writtenBy(write: Write): RpDocument {
  if ("create" in write) return write.create;
  return "delete" in write ? write.delete.document : write.document;
}

/** A condition needs no secrets. */
function withoutSecrets(stored: Stored): Stored {
  if (!isSecretDocument(stored.document)) return stored;
  const { secrets: _, ...document } = stored.document;
  return { document: document as RpDocument, etag: stored.etag };
}

function withSealed(document: SecretDocument, secrets: object): RpDocument {
  const mark = document.minimumSchemaVersion ?? 0;
  const minimumSchemaVersion = Math.max(mark, sealedSchemaVersion);
  // where secrets stand in the store, an envelope takes their place
  return { ...document, minimumSchemaVersion, secrets } as unknown as RpDocument;
}

/** In clear. */
function withSecrets(document: SecretDocument, secrets: unknown): RpDocument {
  return { ...withoutMark(document), secrets } as RpDocument;
}

/** Without the mark of this layer; a newer release's stays. */
function withoutMark<D extends { readonly minimumSchemaVersion?: number }>(document: D): D {
  if (document.minimumSchemaVersion !== sealedSchemaVersion) return document;
  const { minimumSchemaVersion: _, ...rest } = document;
  return rest as D;
}

/** The parser's own errors quote what they read. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EnvelopeDamagedError("what was sealed is no JSON");
  }
}

function keyUnknown(document: SecretDocument, keyId: string): SealingKeyUnknownError {
  const key = JSON.stringify(keyId);
  return new SealingKeyUnknownError(
    `the ${nameOf(document)} is sealed by the key ${key}, which this process doesn't have`,
    keyId,
  );
}

function nameOf({ kind, subscriptionId: partition, id }: SecretDocument): string {
  return `${kind} ${JSON.stringify({ partition, id })}`;
}
