/**
 * How a document of ours is an item of Cosmos DB: whole, in a member of its own, so that none of its members, known or from a
 * newer release, can be taken for one of the service's (`ttl`, `_etag`) or of the listings. Its secrets stand beside it, so
 * that a listing can leave them where they are; earlier releases had them in it.
 */
import type { JSONObject } from "@azure/cosmos";
import { CosmosFailure, failedAnswer, type AnswerHeaders } from "./cosmosFailure.ts";
import { expiresAtOf, schedulingOf, type SchedulingColumns } from "./scheduling.ts";
import type { ETag, Stored } from "./store.ts";
import {
  listedCluster,
  type DocumentKind,
  type EpochMs,
  type ListedCluster,
  type RpDocument,
} from "../model/document.ts";

/** What is written. */
export interface CosmosItem {
  readonly id: string;
  /** The partition. */
  readonly subscriptionId: string;
  readonly kind: DocumentKind;
  /** New for each write: recognises one whose answer was lost. */
  readonly writeId: string;
  readonly scheduling?: SchedulingColumns;
  /** Without its secrets. */
  readonly document: object;
  /** Of a cluster or a key. */
  readonly secrets?: unknown;
  /** Seconds after which the service forgets it. */
  readonly ttl?: number;
}

/** What is read: an item that somebody else may have written. */
export interface CosmosItemRead {
  readonly _etag: string;
  readonly kind?: unknown;
  readonly writeId?: unknown;
  readonly document?: unknown;
  readonly secrets?: unknown;
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
  const hasSecrets = document.kind === "cluster" || document.kind === "key";
  const { secrets, ...withoutSecrets } = read as { readonly secrets?: unknown };
  return {
    document: read,
    bytes: Buffer.byteLength(body),
    item: {
      id: document.id,
      subscriptionId: document.subscriptionId,
      kind: document.kind,
      writeId,
      ...(scheduling === undefined ? {} : { scheduling }),
      ...(hasSecrets && secrets !== undefined
        ? { document: withoutSecrets, secrets }
        : { document: read }),
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
export function storedFrom<D extends RpDocument>({
  document,
  secrets,
  _etag,
}: CosmosItemRead): Stored<D> {
  const read = documentIn<D>(document);
  return {
    document: secrets === undefined ? read : { ...read, secrets },
    etag: _etag as ETag,
  };
}

/** The members that a listing asks for, those of a document being absent where there is none. */
export type ListedClusterRow = Pick<ListedCluster, "id"> & Partial<ListedCluster>;

/**
 * The cluster of a listing, whoever wrote its item.
 *
 * @throws {TypeError} when the item holds no document.
 */
export function listedFrom(row: ListedClusterRow): ListedCluster {
  const { id: _, ...members } = listedCluster(row as ListedCluster);
  if (Object.keys(members).length === 0) throw new TypeError("it holds no document");
  return { ...members, id: row.id };
}

function documentIn<D extends RpDocument>(document: unknown): D {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new TypeError("it holds no document");
  }
  return document as D;
}

/**
 * Whether an item can have this id and partition. The service refuses these characters in an id, and the SDK does so
 * before; a URL can't hold half a surrogate pair.
 */
export function isPossibleKey(partition: string, id: string): boolean {
  return id !== "" && !/[/\\?#]/.test(id) && id.isWellFormed() && partition.isWellFormed();
}
