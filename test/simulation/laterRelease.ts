/**
 * What a later release would put into the documents that it creates: members that this one doesn't know, at every depth. Whatever
 * this release does with such a document, they have to stay.
 */
import type { ClusterDocument, OperationDocument, RpDocument } from "../../src/model/document.ts";
import type { Store, Write } from "../../src/store/store.ts";

const member = "ofALaterRelease";

function planted<T extends object>(value: T, sign: string): T {
  return { ...value, [member]: sign };
}

function plantedCluster(document: ClusterDocument): ClusterDocument {
  const { cluster, id } = document;
  return planted(
    {
      ...document,
      cluster: planted(
        {
          ...cluster,
          network: planted(cluster.network, id),
          controlPlane: planted(cluster.controlPlane, id),
          workers: cluster.workers.map((worker) => planted(worker, id)),
        },
        id,
      ),
      secrets: planted(document.secrets, id),
      operation: planted(document.operation, id),
      work: planted(document.work, id),
      installation: planted(document.installation, id),
    },
    id,
  );
}

function plantedOperation(document: OperationDocument): OperationDocument {
  return planted(document, document.id);
}

function plantedWrite(write: Write): Write {
  if (!("create" in write)) return write;
  const { create } = write;
  if (create.kind === "cluster") return { create: plantedCluster(create) };
  return create.kind === "operation" ? { create: plantedOperation(create) } : write;
}

/** The store as a later release uses it. */
export function laterRelease(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "commit") return value.bind(target) as unknown;
      return async (partition: string, writes: readonly Write[], options: object) =>
        target.commit(partition, writes.map(plantedWrite), options);
    },
  });
}

/** Where such members are, as text. */
export function plantsIn(document: RpDocument): string {
  if (document.kind === "operation") return signs([document]);
  if (document.kind !== "cluster") return "";
  const { cluster, secrets, operation, work, installation } = document;
  return signs([
    document,
    cluster,
    cluster.network,
    cluster.controlPlane,
    ...cluster.workers,
    secrets,
    operation,
    work,
    installation,
  ]);
}

function signs(places: readonly object[]): string {
  return places
    .map((place) => ((place as Record<string, unknown>)[member] === undefined ? "-" : "+"))
    .join("");
}
