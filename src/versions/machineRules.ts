/** Rules about machines: the sizes that can be used, that there is one pool of workers, and how many the pods' range has room for. */
import { podRangeRefusal } from "../model/podRange.ts";
import { shown } from "../model/shownText.ts";
import type { Fault } from "../model/rpError.ts";
import { refused } from "./refused.ts";
import { soleItemFaults } from "./soleItem.ts";

const masterVmSizes = ["Standard_D8s_v3"];
const workerVmSizes = ["Standard_D2s_v3", "Standard_D4s_v3", "Standard_D8s_v3"];

/** A pool of workers as a caller asks for it. */
export interface AskedPool {
  readonly name?: string | undefined;
  readonly vmSize?: string | undefined;
  readonly count?: number | undefined;
}

/** A fault if control plane machines can't have this size. */
export function masterSizeFaults(size: string | undefined, path: string): Fault[] {
  return sizeFaults(size, masterVmSizes, path);
}

/** Everything wrong with pools. What is stored already isn't judged again. */
export function poolFaults(
  pools: readonly AskedPool[],
  stored: readonly AskedPool[] | undefined,
  path: string,
): Fault[] {
  const before = new Set(stored?.map(({ name }) => name));
  return [
    ...pools.flatMap(({ name, vmSize }, index) =>
      // its size was set when it was made
      before.has(name) ? [] : sizeFaults(vmSize, workerVmSizes, `${path}[${index}].vmSize`),
    ),
    ...soleItemFaults(pools, stored, { path, name: "worker", what: "worker profile" }),
  ];
}

/**
 * A fault if the pods' range has no room for the workers. Fewer than are stored, or as many, may always be asked for.
 *
 * @param path of the pools.
 */
export function podRangeFaults(
  {
    podCidr,
    pools,
  }: { readonly podCidr: string | undefined; readonly pools: readonly AskedPool[] },
  stored: readonly AskedPool[] | undefined,
  path: string,
): Fault[] {
  const workerCount = totalOf(pools);
  if (podCidr === undefined || (stored !== undefined && workerCount <= totalOf(stored))) return [];
  const refusal = podRangeRefusal(podCidr, workerCount);
  return refusal === undefined ? [] : [refused(`${path}[0].count`, refusal)];
}

function totalOf(pools: readonly AskedPool[]): number {
  return pools.reduce((total, { count = 0 }) => total + count, 0);
}

function sizeFaults(size: string | undefined, allowed: readonly string[], path: string): Fault[] {
  if (size === undefined || allowed.includes(size)) return [];
  const choice = allowed.join(", ");
  return [
    refused(path, `'${shown(size)}' is not a size that can be used here; allowed: ${choice}.`),
  ];
}
