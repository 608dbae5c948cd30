/**
 * How the record of an operation grows: begun steps, ended steps, the end. Pure functions over an `OperationDocument`;
 * members they don't know stay.
 */
import {
  operationRetentionMs,
  type EpochMs,
  type OperationDocument,
  type OperationStatus,
  type StepRecord,
} from "./document.ts";
import type { OperationError } from "./rpError.ts";

/** Where a step stands in its operation. */
export interface StepPlace {
  readonly name: string;
  readonly phase: string;
  /** From 0. */
  readonly index: number;
  readonly total: number;
}

/** A step is begun: once more, if it is the one that was begun last. */
export function stepBegun(
  operation: OperationDocument,
  place: StepPlace,
  now: EpochMs,
): OperationDocument {
  const last = operation.steps.at(-1);
  const begunAgain = last !== undefined && last.name === place.name && last.endedAt === undefined;
  const steps: readonly StepRecord[] = begunAgain
    ? [...operation.steps.slice(0, -1), { ...last, attempts: last.attempts + 1 }]
    : [...operation.steps, { name: place.name, phase: place.phase, attempts: 1, startedAt: now }];
  return {
    ...operation,
    steps,
    // another release may know more steps; a poller never sees it go back
    percentComplete: Math.max(operation.percentComplete, percentComplete(place)),
  };
}

/** The step that was begun last is done. */
export function stepEnded(operation: OperationDocument, now: EpochMs): OperationDocument {
  const last = operation.steps.at(-1);
  if (last === undefined || last.endedAt !== undefined) return operation;
  return { ...operation, steps: [...operation.steps.slice(0, -1), { ...last, endedAt: now }] };
}

/** The operation is over (ARM-81). It is kept for `operationRetentionMs` more. */
export function operationEnded(
  operation: OperationDocument,
  end: {
    readonly status: Exclude<OperationStatus, "InProgress">;
    readonly now: EpochMs;
    readonly error?: OperationError;
  },
): OperationDocument {
  return {
    ...operation,
    status: end.status,
    endedAt: end.now,
    percentComplete: end.status === "Succeeded" ? 100 : operation.percentComplete,
    expiresAt: end.now + operationRetentionMs,
    ...(end.error === undefined ? {} : { error: end.error }),
  };
}

function percentComplete(place: StepPlace): number {
  return Math.floor((100 * place.index) / Math.max(1, place.total));
}
