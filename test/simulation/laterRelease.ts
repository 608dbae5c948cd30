/**
 * What a later release would put into documents where it makes something new, a document or a part of one: members that this
 * release doesn't know, at every depth. Whatever this release does with such a document, they have to stay. It must never put
 * back what was lost.
 */
import type {
  ClusterDocument,
  OperationDocument,
  RpDocument,
  SubscriptionDocument,
} from "../../src/model/document.ts";
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

/** A record begins without steps; each is planted when it is new. */
function withPlantedSteps(
  document: OperationDocument,
  former: readonly object[],
): OperationDocument {
  const steps = document.steps.map((step, index) =>
    index < former.length ? step : planted(step, document.id),
  );
  return { ...document, steps };
}

function withPlantedPurge(
  document: SubscriptionDocument,
  former: SubscriptionDocument | undefined,
): SubscriptionDocument {
  const { purge, id } = document;
  if (purge === undefined || former?.purge !== undefined) return document;
  return { ...document, purge: planted(purge, id) };
}

function plantedDocument(document: RpDocument): RpDocument {
  switch (document.kind) {
    case "cluster":
      return plantedCluster(document);
    case "operation":
      return planted(withPlantedSteps(document, []), document.id);
    case "subscription":
      return planted(withPlantedPurge(document, undefined), document.id);
    case "key":
    case "activity":
      return planted(document, document.id);
  }
}

function plantedWrite(write: Write): Write {
  if ("create" in write) return { create: plantedDocument(write.create) };
  if (!("replace" in write)) return write;
  const { replace, document } = write;
  const former = replace.document;
  if (document.kind === "operation" && former.kind === "operation") {
    return { replace, document: withPlantedSteps(document, former.steps) };
  }
  if (document.kind === "subscription" && former.kind === "subscription") {
    return { replace, document: withPlantedPurge(document, former) };
  }
  return write;
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

/** Where a document that became another has lost such members. */
export function lostPlants(before: RpDocument, after: RpDocument): readonly string[] {
  const kept = placesIn(after);
  return Object.entries(placesIn(before)).flatMap(([path, place]) => {
    const counterpart = kept[path];
    if (place === undefined || !isPlanted(place)) return [];
    // a part that may go may go as a whole
    if (counterpart === undefined && optional.has(path)) return [];
    return counterpart !== undefined && isPlanted(counterpart) ? [] : [path];
  });
}

type Places = Readonly<Record<string, object | undefined>>;

const optional: ReadonlySet<string> = new Set(["applied", "purge"]);

/** All that such members may be in. */
function placesIn(document: RpDocument): Places {
  switch (document.kind) {
    case "cluster": {
      const { applied, cluster, secrets, operation, work, installation } = document;
      const { network, controlPlane, workers } = cluster;
      return {
        top: document,
        cluster,
        network,
        controlPlane,
        ...numbered("workers", workers),
        applied,
        secrets,
        operation,
        work,
        installation,
      };
    }
    case "operation":
      return { top: document, ...numbered("steps", document.steps) };
    case "subscription":
      return { top: document, purge: document.purge };
    case "key":
    case "activity":
      return { top: document };
  }
}

function numbered(name: string, items: readonly object[]): Places {
  return Object.fromEntries(items.map((item, index) => [`${name}[${index}]`, item]));
}

function isPlanted(place: object): boolean {
  return Object.hasOwn(place, member);
}
