/**
 * What is written when an operator makes an operation due that hangs: a flag for the forwarder, and nothing that belongs to a
 * worker's claim. So a worker that is at it after all goes on along its own chain: operation, epoch and owner are what they were
 * (docs/protocol.md).
 */
import { written, type ClusterDocument, type EpochMs } from "./document.ts";
import { withWrite } from "./recentWrites.ts";

/**
 * @param current with an operation that runs.
 * @param redrive.writeId by which the write is known again, should its answer be lost.
 */
export function redriven(
  current: ClusterDocument,
  redrive: { readonly now: EpochMs; readonly writeId: string },
): ClusterDocument {
  const document = {
    ...written(current),
    unqueued: true,
    nextAttemptAt: 0,
    // the forwarder says until when it counts as looked after
    sweepAfter: redrive.now,
    sweeps: 0,
    work: { ...current.work, attempts: 0 },
  };
  return withWrite(document, redrive.writeId);
}
