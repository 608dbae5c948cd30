/**
 * How many requests have come to the peers of the Azure engines, in the words of the tables in docs/cosmos.md and
 * docs/storage-queue.md. What is asked for again and again while there is nothing to do is counted apart. What a request costs no
 * peer can tell.
 */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { activityKey } from "../../src/model/document.ts";
import { forwarderLeaseName } from "../../src/model/leaseNames.ts";
import { documentsContainer } from "../../src/store/cosmosLayout.ts";
import type { PeerRequest as QueueRequest } from "../queue/storageQueuePeer.ts";
import type { PeerRequest as CosmosRequest } from "../store/cosmosPeer.ts";

type Word = readonly [one: string, several: string];
const leaseWrite: Word = ["lease write", "lease writes"];

/** By container and operation; in this order they are told. */
const words: Readonly<Record<string, Word>> = {
  "documents read": ["point read", "point reads"],
  "documents batch": ["batch", "batches"],
  "documents create": ["create", "creates"],
  "documents query": ["query", "queries"],
  "leases read": ["lease read", "lease reads"],
  "leases create": leaseWrite,
  "leases replace": leaseWrite,
  "leases delete": leaseWrite,
};

/** Fails unless the page in `docs/` has one row for this operation, and with this number of requests. */
export function expectAsWritten(page: string, operation: string, requests: string): void {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith(`| ${operation} |`));
  expect(rows).toEqual([`| ${operation} | ${requests} |`]);
}

export function countCosmos(requests: readonly CosmosRequest[]): string {
  const counts = new Map<Word, number>(Object.values(words).map((word) => [word, 0]));
  for (const { operation, container } of requests) {
    const where = container === documentsContainer.name ? "documents" : "leases";
    const word = words[`${where} ${operation}`];
    if (word === undefined) throw new Error(`${operation} of ${container} has no word`);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return told(Array.from(counts, ([[one, several], n]) => [n, n === 1 ? one : several]));
}

/** What is done for a cluster, rather than to find out whether there is anything to do. */
export function isOfCluster({ operation, container, id, body }: CosmosRequest): boolean {
  if (operation === "account" || operation === "container" || operation === "query") return false;
  if (isOfActivity({ id, body })) return false;
  if (container === documentsContainer.name) return true;
  const name = id === "" ? (JSON.parse(body) as { readonly id: string }).id : id;
  return name !== forwarderLeaseName;
}

/** What is counted and published of all clusters together. */
export function isOfActivity({ id, body }: Pick<CosmosRequest, "id" | "body">): boolean {
  return id === activityKey.id || body.includes('"kind":"activity"');
}

/** Without those that ask whether there is a message, and how many. */
export function countQueue(requests: readonly QueueRequest[]): string {
  const counts = new Map<string, number>();
  for (const { operation } of requests) {
    if (operation !== "receive" && operation !== "properties")
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
  }
  return told(Array.from(counts, ([operation, n]) => [n, n === 1 ? operation : `${operation}s`]));
}

function told(counts: readonly (readonly [number, string])[]): string {
  const made = counts.filter(([n]) => n > 0);
  return made.length === 0 ? "none" : made.map(([n, word]) => `${n} ${word}`).join(", ");
}
