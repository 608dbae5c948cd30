/**
 * What stands outside `properties`: ARM's envelope, which is the same in every api-version, between its wire form and the
 * stored cluster.
 */
import type { Cluster, SystemData } from "../model/cluster.ts";
import type { ListedCluster } from "../model/document.ts";
import { clusterResourceType } from "../model/resourceId.ts";
import { objectOf } from "./wireObject.ts";

/** The envelope as it is shown (ARM-05, ARM-39). */
export interface Envelope {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly location: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly etag: string;
  readonly systemData?: SystemData;
}

export function showEnvelope(document: ListedCluster): Envelope {
  const { tags, systemData, location } = document.cluster;
  return {
    id: document.resourceId,
    name: document.name,
    type: clusterResourceType,
    location,
    ...(tags === undefined ? {} : { tags }),
    // equal to the ETag header, quotes included (ARM-97)
    etag: `"${document.revision}"`,
    ...(systemData === undefined ? {} : { systemData: showSystemData(systemData) }),
  };
}

function showSystemData(systemData: SystemData): SystemData {
  const { createdBy, createdByType, createdAt } = systemData;
  const { lastModifiedBy, lastModifiedByType, lastModifiedAt } = systemData;
  return objectOf(
    Object.entries({
      createdBy,
      createdByType,
      createdAt,
      lastModifiedBy,
      lastModifiedByType,
      lastModifiedAt,
    }),
  );
}

/** What a caller can set of the envelope. */
export interface EnvelopeGoal {
  readonly location: string | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
}

/** The cluster with other tags: members in the order in which they are stored, those that nobody here knows included. */
export function withTags(
  cluster: Omit<Cluster, "workers">,
  tags: EnvelopeGoal["tags"],
): Omit<Cluster, "workers"> {
  const { tags: _, ...withoutTags } = cluster;
  const hasTags = tags !== undefined && Object.keys(tags).length > 0;
  return hasTags ? { ...cluster, tags } : withoutTags;
}
