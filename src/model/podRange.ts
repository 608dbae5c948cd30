/**
 * Whether a cluster's range for pods has room for its machines, each of which gets a part of it: the one rule for what a caller asks
 * for and for what an installer begins with. Pure.
 */
import { controlPlaneCount } from "./cluster.ts";

/** Of the part that a machine gets. */
export const hostPrefix = 23;

/** @returns what to tell whoever asks for so many workers; nothing when there is room, or the range is none. */
export function podRangeRefusal(podCidr: string, workerCount: number): string | undefined {
  const prefixLength = Number(podCidr.split("/")[1]);
  if (Number.isNaN(prefixLength)) return undefined;
  const nodes = controlPlaneCount + workerCount;
  const places = Math.floor(2 ** (hostPrefix - prefixLength));
  if (places >= nodes) return undefined;
  const neededLength = hostPrefix - Math.ceil(Math.log2(nodes));
  return (
    `The range for pods, ${podCidr}, has room for ${places} nodes with a /${hostPrefix} each, and ${workerCount} workers beside ` +
    `${controlPlaneCount} control plane machines are ${nodes}. Ask for fewer workers; for as many a cluster has to be created with ` +
    `a range of /${neededLength} or larger.`
  );
}
