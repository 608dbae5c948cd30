/**
 * What requests to Cosmos DB should cost by the figures that Microsoft publishes, as docs/azure-costs.md tells it. No peer can charge as the
 * service does: this is arithmetic over the requests that were made and the sizes of their items, never a measurement.
 */
import { smallUnits } from "./azureCosts.ts";
import type { CosmosPeer, PeerRequest } from "../store/cosmosPeer.ts";

/**
 * Request units of a read at less than Strong consistency, and of a write, by kilobytes of the item:
 * https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption
 */
const published: readonly (readonly [kilobytes: number, read: number, write: number])[] = [
  [1, 1, 4.95],
  [2, 1.04, 6.29],
  [4, 1.14, 6.67],
  [8, 1.33, 7.04],
  [16, 1.67, 9.52],
  [32, 2.19, 11.23],
  [64, 4.76, 22.67],
];
/** Both from https://learn.microsoft.com/azure/cosmos-db/optimize-cost-reads-writes */
const strongReadFactor = 2;
const replaceFactor = 2;

/** In the row of the next larger size. */
function rowOf(bytes: number): readonly [kilobytes: number, read: number, write: number] {
  const row = published.find(([kilobytes]) => bytes <= kilobytes * 1_024);
  if (row === undefined) throw new RangeError(`an item of ${bytes} bytes`);
  return row;
}

function bytesOf(item: unknown): number {
  return item === undefined ? 0 : Buffer.byteLength(JSON.stringify(item));
}

export const readUnits = (item: unknown): number => rowOf(bytesOf(item))[1] * strongReadFactor;
export const createUnits = (item: unknown): number => rowOf(bytesOf(item))[2];
export const replaceUnits = (item: unknown): number => createUnits(item) * replaceFactor;

interface BatchOperation {
  readonly operationType: string;
  readonly id?: string;
  readonly resourceBody?: unknown;
}

/** Of a query the least that it costs, whatever it finds. A deletion counts as a create, a patch as a replace. */
export function unitsOf(cosmos: CosmosPeer, requests: readonly PeerRequest[]): number {
  return requests.reduce((sum, request) => sum + unitsOfOne(cosmos, request), 0);
}

function unitsOfOne(
  cosmos: CosmosPeer,
  { operation, container, id, headers, body }: PeerRequest,
): number {
  const [partition = ""] = JSON.parse(
    String(headers["x-ms-documentdb-partitionkey"] ?? "[]"),
  ) as readonly string[];
  // as it is by now, or, if it is gone, as small as an item may be
  const stored = (name: string): unknown => cosmos.item(container, partition, name);
  switch (operation) {
    case "read":
      return readUnits(stored(id));
    case "create":
      return createUnits(JSON.parse(body));
    case "replace":
      return replaceUnits(JSON.parse(body));
    case "delete":
      return createUnits(stored(id));
    case "batch":
      return (JSON.parse(body) as readonly BatchOperation[]).reduce(
        (sum, { operationType, id: name = "", resourceBody }) =>
          sum +
          (operationType === "Create"
            ? createUnits(resourceBody)
            : operationType === "Replace"
              ? replaceUnits(resourceBody)
              : operationType === "Patch"
                ? replaceUnits(stored(name))
                : createUnits(stored(name))),
        0,
      );
    case "query":
      return smallUnits.query;
    case "account":
    case "container":
    case "ranges":
    case "queryPlan":
      return 0;
  }
}
