/**
 * What the rows of the embedded database say, as the store gives it to others. No error may quote the text of a document: it may
 * hold secrets.
 */
import type { RpDocument } from "../model/document.ts";
import { originOf, type OperationOrigin } from "../model/operationOrigin.ts";
import type { DocumentKey } from "../model/resourceId.ts";
import type { ClusterReference, ETag, SecretsReference, Stored } from "./store.ts";

export interface KeyRow {
  readonly partition: string;
  readonly id: string;
}

export interface BodyRow {
  readonly etag: string;
  readonly body: string;
}

export interface RunningRow extends KeyRow {
  readonly operation_kind: unknown;
  readonly state: unknown;
  readonly started_at: unknown;
}

export interface ReferenceRow extends KeyRow {
  readonly etag: string;
  readonly operation_id: string | null;
  /** JSON, or a value that is no object. */
  readonly operation: unknown;
  readonly next_attempt_at: number;
  readonly sweeps: number;
}

export interface SecretsRow extends KeyRow {
  readonly kind: SecretsReference["kind"];
  /** Whatever stands there. */
  readonly key_id: unknown;
}

/** @throws {TypeError} when the text is damaged. */
export function storedFrom<D extends RpDocument>({ etag, body }: BodyRow): Stored<D> {
  const document = parsed(body);
  if (typeof document !== "object" || document === null) throw new TypeError("it is no object");
  return { document: document as D, etag: etag as ETag };
}

/** The parser's own errors quote what they read, which the log must not show. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new TypeError("it is no JSON");
  }
}

export function keyFrom({ partition, id }: KeyRow): DocumentKey {
  return { partition, id };
}

/** `undefined` when there is no operation that a message could name. */
export function referenceFrom(row: ReferenceRow): ClusterReference | undefined {
  if (row.operation_id === null) return undefined;
  return {
    key: keyFrom(row),
    etag: row.etag as ETag,
    operationId: row.operation_id,
    origin: originFrom(row.operation),
    nextAttemptAt: row.next_attempt_at,
    sweeps: row.sweeps,
  };
}

function originFrom(operation: unknown): OperationOrigin {
  if (typeof operation !== "string") return {};
  try {
    return originOf(JSON.parse(operation));
  } catch {
    // a text that is no object's
    return {};
  }
}
