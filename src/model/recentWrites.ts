/**
 * The ids of the latest writes of a document that leave no record of their own, kept in the document itself: whoever lost the
 * answer to a commit finds out that it happened even when others have written since. A worker's writes need none, since a claim
 * has one writer. It must never be shown to a caller, nor count as a change of what is shown.
 */

/** A document that is written without an operation. */
export interface RecentlyWritten {
  /** Newest last. */
  readonly recentWrites?: readonly string[];
}

/** As many as nobody overtakes in the time of one request. */
const recentWritesMax = 32;

/** The document as the write of this id leaves it. */
export function withWrite<D extends RecentlyWritten>(document: D, writeId: string): D {
  const recentWrites = [...(document.recentWrites ?? []), writeId].slice(-recentWritesMax);
  return { ...document, recentWrites };
}

/** Whether the write of this id is among the latest. */
export function hasWrite({ recentWrites = [] }: RecentlyWritten, writeId: string): boolean {
  return recentWrites.includes(writeId);
}
