/**
 * What travels on the queue: the ids of a document and of the operation that is to be driven, and where that comes from, for
 * logs and traces; nothing else. State is read from the document; a message is a hint that may come twice, late or never.
 */
import { readOrigin, type OperationOrigin } from "./operationOrigin.ts";

/** The format that this release writes. A reader takes any number and reads the members it knows. */
const format = 1;

export interface WorkMessage {
  /** The partition of the cluster's document. */
  readonly partition: string;
  readonly documentId: string;
  readonly operationId: string;
  /** For logs and traces; empty in messages of older releases. */
  readonly origin?: OperationOrigin;
}

/** The body of a queue message. */
export function encodeWorkMessage(message: WorkMessage): string {
  return JSON.stringify({
    format,
    partition: message.partition,
    documentId: message.documentId,
    operationId: message.operationId,
    ...message.origin,
  });
}

/** Reads a body; `undefined` when it isn't one of ours, which no retry can mend. */
export function decodeWorkMessage(body: string): WorkMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { partition, documentId, operationId } = value as Record<string, unknown>;
  if (!isId(partition) || !isId(documentId) || !isId(operationId)) return undefined;
  return { partition, documentId, operationId, origin: readOrigin(value) };
}

/** Longer than any key of a document; a store refuses such a one each time, and it would come back for ever. */
const idLengthMax = 1_023;

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= idLengthMax;
}
