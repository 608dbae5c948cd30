/**
 * How a document of ours is an item of Cosmos DB: whole, in a member of its own, so that none of its members, known or from a
 * newer release, can be taken for one of the service's (`ttl`, `_etag`) or of the listings.
 */
import type { JSONObject } from "@azure/cosmos";
import { CosmosFailure, failedAnswer, type AnswerHeaders } from "./cosmosFailure.ts";
import { expiresAtOf, schedulingOf, type SchedulingColumns } from "./scheduling.ts";
import type { ETag, Stored } from "./store.ts";
import type { DocumentKind, EpochMs, RpDocument } from "../model/document.ts";

/** What is written. */
export interface CosmosItem {
  readonly id: string;
  /** The partition. */
  readonly subscriptionId: string;
  readonly kind: DocumentKind;
  /** New for each write: recognises one whose answer was lost. */
  readonly writeId: string;
  readonly scheduling?: SchedulingColumns;
  readonly document: RpDocument;
  /** Seconds after which the service forgets it. */
  readonly ttl?: number;
}

/** What is read: an item that somebody else may have written. */
export interface CosmosItemRead {
  readonly _etag: string;
  readonly kind?: unknown;
  readonly writeId?: unknown;
  readonly document?: unknown;
}

/** An item and what a reader of it will see. */
export interface PreparedItem {
  readonly item: CosmosItem;
  readonly document: RpDocument;
  readonly bytes: number;
}

/**
 * The time to live counts from the write, by the service's clock. So a wrong clock here makes the time that is left wrong by
 * as much, in days of which it's some seconds, and nothing else.
 *
 * @param now by the clock that `expiresAt` was taken from.
 */
export function prepareItem(document: RpDocument, writeId: string, now: EpochMs): PreparedItem {
  const body = JSON.stringify(document);
  const read = JSON.parse(body) as RpDocument & Readonly<Record<string, unknown>>;
  const expiresAt = expiresAtOf(document.kind, read);
  const scheduling = schedulingOf(document.kind, read);
  return {
    document: read,
    bytes: Buffer.byteLength(body),
    item: {
      id: document.id,
      subscriptionId: document.subscriptionId,
      kind: document.kind,
      writeId,
      ...(scheduling === undefined ? {} : { scheduling }),
      document: read,
      ...(expiresAt === null ? {} : { ttl: ttlSeconds(expiresAt - now) }),
    },
  };
}

/** The service takes whole seconds from 1 up to those of 32 bits. */
function ttlSeconds(durationMs: number): number {
  return Math.min(2 ** 31 - 1, Math.max(1, Math.ceil(durationMs / 1_000)));
}

/**
 * The item of a point read.
 *
 * @throws {CosmosFailure} when it is absent (a condition), or the answer is none of the service's.
 */
export function itemIn<I extends { readonly _etag: string }>(answer: {
  readonly statusCode: number;
  readonly headers: AnswerHeaders;
  readonly resource?: I | undefined;
}): I {
  const { statusCode, headers, resource } = answer;
  if (statusCode === 404) throw failedAnswer(statusCode, headers);
  if (typeof resource?._etag !== "string") {
    throw new CosmosFailure("unanswered", "Cosmos DB answered without the item");
  }
  return resource;
}

/** As the SDK's types want it. */
export function asJson(item: CosmosItem): JSONObject {
  return item as unknown as JSONObject;
}

/** @throws {TypeError} when the item holds no document. */
export function storedFrom<D extends RpDocument>({ document, _etag }: CosmosItemRead): Stored<D> {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new TypeError("it holds no document");
  }
  return { document: document as D, etag: _etag as ETag };
}

/**
 * Whether an item can have this id and partition. The service refuses these characters in an id, and the SDK does so
 * before; a URL can't hold half a surrogate pair.
 */
export function isPossibleKey(partition: string, id: string): boolean {
  return id !== "" && !/[/\\?#]/.test(id) && id.isWellFormed() && partition.isWellFormed();
}
