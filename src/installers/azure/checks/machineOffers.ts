/**
 * What a region offers of the machines that a cluster needs, out of Azure's catalogue of sizes: zones, generation, cores, and what
 * forbids a size. Pure.
 */
import { regionName } from "../../../model/regionName.ts";
import type { ResourceSku } from "@azure/arm-compute";
import type { MachineOffer } from "../azureNotes.ts";
import type { CheckFault } from "./checkStep.ts";

/** Machines of one size. */
export interface NeededMachines {
  readonly vmSize: string;
  readonly count: number;
}

export interface NeededCluster {
  /** As the user wrote it. */
  readonly location: string;
  /** With the one that begins the installation. */
  readonly controlPlane: NeededMachines;
  readonly workers: readonly NeededMachines[];
}

/** How many cores of a family are needed. */
export interface NeededCores {
  /** As quotas name it; absent when the catalogue names none. */
  readonly family?: string;
  readonly cores: number;
}

export interface RegionOffer {
  readonly faults: readonly CheckFault[];
  /** Only without faults. */
  readonly machines?: MachineOffer;
  /** Of the sizes that are there. */
  readonly cores: readonly NeededCores[];
}

/** Locations are written with spaces and capitals, or without. */
export function sameLocation(one: string | undefined, other: string | undefined): boolean {
  const plain = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : regionName(name);
  return plain(one) === plain(other);
}

/** @param skus the catalogue, at least of the location. */
export function regionOffer(needed: NeededCluster, skus: readonly ResourceSku[]): RegionOffer {
  const { location, controlPlane, workers } = needed;
  const all = [controlPlane, ...workers];
  const sizes = [...new Set(all.map(({ vmSize }) => vmSize))];
  const found = new Map(sizes.map((size) => [size, find(size, location, skus)]));
  const faults = sizes.flatMap((size) => sizeFaults(size, found.get(size), location));
  const cores = all.flatMap(({ vmSize, count }) => {
    const sku = found.get(vmSize);
    if (sku === undefined) return [];
    const each = Number(capability(sku, "vCPUs") ?? 0);
    return [{ ...(sku.family === undefined ? {} : { family: sku.family }), cores: each * count }];
  });
  const generation = commonGeneration([...found.values()].filter((sku) => sku !== undefined));
  if (generation === undefined && faults.length === 0) {
    faults.push({
      code: "SkuNotAvailable",
      message: `The sizes ${sizes.join(", ")} have no generation of virtual machines in common, and one image serves all.`,
    });
  }
  const controlPlaneSku = found.get(controlPlane.vmSize);
  if (faults.length > 0 || generation === undefined || controlPlaneSku === undefined) {
    return { faults, cores };
  }
  const machines = { zones: zonesOf(controlPlaneSku, location), hyperVGeneration: generation };
  return { faults, machines, cores };
}

function find(
  size: string,
  location: string,
  skus: readonly ResourceSku[],
): ResourceSku | undefined {
  return skus.find(
    ({ resourceType, name, locations }) =>
      resourceType?.toLowerCase() === "virtualmachines" &&
      name?.toLowerCase() === size.toLowerCase() &&
      locations?.some((each) => sameLocation(each, location)) === true,
  );
}

function sizeFaults(size: string, sku: ResourceSku | undefined, location: string): CheckFault[] {
  const fault = (message: string): CheckFault[] => [{ code: "SkuNotAvailable", message }];
  if (sku === undefined) {
    return fault(
      `There are no machines of the size ${size} in ${location}: delete the cluster and create it with another.`,
    );
  }
  const restriction = sku.restrictions?.find(
    ({ type, restrictionInfo, values }) =>
      type === "Location" &&
      [...(restrictionInfo?.locations ?? []), ...(values ?? [])].some((each) =>
        sameLocation(each, location),
      ),
  );
  if (restriction !== undefined) {
    const reason = restriction.reasonCode ?? "no reason given";
    return fault(
      `The subscription can't have machines of the size ${size} in ${location} (${reason}): ask Azure's support for access, or delete the cluster and create it with another.`,
    );
  }
  // the disks of all machines are premium ones
  if (capability(sku, "PremiumIO")?.toLowerCase() === "false") {
    return fault(
      `Machines of the size ${size} take no premium disks: delete the cluster and create it with another.`,
    );
  }
  return [];
}

function capability(sku: ResourceSku, name: string): string | undefined {
  return sku.capabilities?.find((each) => each.name?.toLowerCase() === name.toLowerCase())?.value;
}

/** Those that the subscription may use. */
function zonesOf(sku: ResourceSku, location: string): readonly string[] {
  const here = sku.locationInfo?.find((info) => sameLocation(info.location, location));
  const restricted = (sku.restrictions ?? [])
    .filter(({ type }) => type === "Zone")
    .flatMap(({ restrictionInfo }) => restrictionInfo?.zones ?? []);
  return [...new Set(here?.zones)].filter((zone) => !restricted.includes(zone)).toSorted();
}

/** The newer where there is a choice, as `openshift-install` chooses too. A size that says nothing is of the first. */
function commonGeneration(
  skus: readonly ResourceSku[],
): MachineOffer["hyperVGeneration"] | undefined {
  const offered = skus.map((sku) =>
    (capability(sku, "HyperVGenerations") ?? "V1").split(",").map((each) => each.trim()),
  );
  return (["V2", "V1"] as const).find((generation) =>
    offered.every((generations) => generations.includes(generation)),
  );
}
