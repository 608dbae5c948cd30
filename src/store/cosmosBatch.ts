/**
 * What a commit to Cosmos DB asks for: its writes, checked, as operations of one batch. Each is conditional: without an ETag the
 * service would take no condition at all, so none may leave without.
 */
import type { OperationInput } from "@azure/cosmos";
import { asJson, isPossibleKey, type PreparedItem } from "./cosmosItems.ts";
import type { ETag, Scheduling, Write } from "./store.ts";
import type { RpDocument } from "../model/document.ts";

/** The item of one write. */
export interface Target {
  readonly id: string;
  /** Absent for a create. */
  readonly replaces: ETag | undefined;
  /** Whether it is there afterwards. */
  readonly leavesItem: boolean;
}

/** One write, checked. */
export interface CheckedWrite extends Target {
  /** Absent for a delete. */
  readonly prepared: PreparedItem | undefined;
}

/** @throws {TypeError} when a document is not where the caller says. */
export function checkedWrite(
  partition: string,
  write: Write,
  prepare: (document: RpDocument) => PreparedItem,
): CheckedWrite {
  if ("delete" in write) {
    const { document, etag } = write.delete;
    assertBelongs(document, partition);
    assertETag(document.id, etag);
    return { id: document.id, replaces: etag, prepared: undefined, leavesItem: false };
  }
  const document = "create" in write ? write.create : write.document;
  assertBelongs(document, partition);
  if ("replace" in write) {
    const former = write.replace.document;
    assertBelongs(former, partition);
    assertETag(former.id, write.replace.etag);
    if (document.id !== former.id || document.kind !== former.kind) {
      throw new TypeError(
        `the ${document.kind} ${document.id} can't replace the ${former.kind} ${former.id}`,
      );
    }
  }
  return {
    id: document.id,
    replaces: "replace" in write ? write.replace.etag : undefined,
    prepared: prepare(document),
    leavesItem: true,
  };
}

function assertBelongs({ id, subscriptionId }: RpDocument, partition: string): void {
  if (subscriptionId !== partition) {
    throw new TypeError(`${id} belongs to the partition ${subscriptionId}, not to ${partition}`);
  }
  if (!isPossibleKey(partition, id)) {
    throw new TypeError(`no item can have the id ${JSON.stringify(id)}`);
  }
}

export function operationOf({ id, replaces, prepared }: CheckedWrite): OperationInput {
  const ifMatch = replaces === undefined ? {} : { ifMatch: replaces };
  if (prepared === undefined) return { operationType: "Delete", id, ...ifMatch };
  const resourceBody = asJson(prepared.item);
  return replaces === undefined
    ? { operationType: "Create", resourceBody }
    : { operationType: "Replace", id, resourceBody, ...ifMatch };
}

/** Seven of the ten operations that a patch may have. */
export function patchOf(
  { id, replaces }: { readonly id: string; readonly replaces: ETag },
  patch: {
    readonly scheduling: Scheduling;
    readonly writeId: string;
    readonly isDamaged: boolean;
  },
): OperationInput {
  const { unqueued, sweepAfter, sweeps } = patch.scheduling;
  const parents = patch.isDamaged ? ["/scheduling"] : ["/scheduling", "/document"];
  const set = (path: string, value: string | number | boolean) =>
    ({ op: "set", path, value }) as const;
  const operations = [
    set("/writeId", patch.writeId),
    ...parents.flatMap((parent) => [
      set(`${parent}/unqueued`, unqueued),
      set(`${parent}/sweepAfter`, sweepAfter),
      set(`${parent}/sweeps`, sweeps),
    ]),
  ];
  return { operationType: "Patch", id, ifMatch: replaces, resourceBody: { operations } };
}

export function isETag(etag: unknown): boolean {
  return typeof etag === "string" && etag !== "";
}

/** @throws {TypeError} as the service would take a condition that is left out for none. */
export function assertETag(id: string, etag: ETag): void {
  if (!isETag(etag)) throw new TypeError(`${id} can't be written without an ETag`);
}
