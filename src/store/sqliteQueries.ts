/**
 * The listings of the store on the embedded database. Each is answered from its index: none may look at documents that it doesn't
 * bring, as most of them rest, nor bring a secret to whoever schedules.
 */
import { isUnsettledSql, jsonMember } from "./sqliteSchema.ts";

/**
 * Of the body, of which the listings read nothing else; a column of its own would keep a former operation's when an older
 * release starts another.
 */
const operationColumn =
  "CASE WHEN json_valid(body) THEN json_extract(body, '$.operation') END AS operation";

export const unqueuedSql = `SELECT partition, id, etag, operation_id, ${operationColumn}, next_attempt_at, sweeps
  FROM documents
  WHERE unqueued = 1 AND (partition, id) > (?, ?)
  ORDER BY partition, id LIMIT ?`;

/** Two ranges of the index, so that the many whose time is yet to come are not looked at. */
export const unattendedSql = inRangesSql({
  limit: "?6",
  order: "due_at, partition, id",
  ranges: [
    "due_at < ?1",
    `due_at > ?2 AND (next_attempt_at < ?1 OR next_attempt_at > ?2)
       AND (sweep_after < ?1 OR sweep_after > ?2)`,
  ],
  select: (range) =>
    `SELECT partition, id, etag, operation_id, ${operationColumn}, next_attempt_at, sweeps, due_at
     FROM documents
     WHERE active = 1 AND unqueued = 0 AND ${range} AND (due_at, partition, id) > (?3, ?4, ?5)`,
});
export const purgesSql = inRangesSql({
  limit: "?5",
  order: "next_attempt_at, partition",
  ranges: ["next_attempt_at < ?1", "next_attempt_at > ?2"],
  select: (range) =>
    `SELECT partition, id, etag, body, next_attempt_at FROM documents
     WHERE kind = 'subscription' AND active = 1 AND ${range}
       AND (next_attempt_at, partition) > (?3, ?4)`,
});

/** Left to itself, SQLite would look at every cluster: most of them rest. */
export const unsettledSql = unsettledAfter("(partition, id) > (?1, ?2)");
export const unsettledOfPartitionSql = unsettledAfter("partition = ?1 AND id > ?2");

function unsettledAfter(place: string): string {
  return `SELECT partition, id, etag, body FROM documents INDEXED BY documents_unsettled
    WHERE ${isUnsettledSql} AND ${place} AND (?3 IS NULL OR ${jsonMember("provisioningState")} = ?3)
    ORDER BY partition, id LIMIT ?4`;
}

/** Answered from its index alone, which is named as SQLite would rather take the one of all clusters, and read every body. */
export const runningSql = `SELECT partition, id, ${jsonMember("operation.kind")} AS operation_kind,
    ${jsonMember("provisioningState")} AS state, ${jsonMember("operation.startedAt")} AS started_at
  FROM documents INDEXED BY documents_running
  WHERE kind = 'cluster' AND active = 1 AND (partition, id) > (?, ?)
  ORDER BY partition, id LIMIT ?`;

/**
 * Of all documents that may be sealed and of no others: each start asks for the first of them, which lie behind any number of
 * records. A damaged one can't be opened by any key.
 */
export const notSealedBySql = inRangesSql({
  limit: "?4",
  order: "partition, id",
  ranges: ["documents_clusters WHERE kind = 'cluster'", "documents_keys WHERE kind = 'key'"],
  select: (range) =>
    `SELECT partition, id, kind, json_extract(body, '$.secrets.keyId') AS key_id
     FROM documents INDEXED BY ${range} AND (partition, id) > (?1, ?2)
       AND CASE WHEN json_valid(body)
         THEN json_type(body, '$.secrets') IS NOT NULL
           AND json_extract(body, '$.secrets.keyId') IS NOT ?3
         END`,
});

/** What lies in one of the ranges, in order. */
function inRangesSql(options: {
  readonly limit: string;
  readonly order: string;
  readonly ranges: readonly string[];
  readonly select: (range: string) => string;
}): string {
  const { limit, order, ranges, select } = options;
  const limited = ranges.map(
    (range) => `SELECT * FROM (${select(range)} ORDER BY ${order} LIMIT ${limit})`,
  );
  return `SELECT * FROM (${limited.join(" UNION ALL ")}) ORDER BY ${order} LIMIT ${limit}`;
}
