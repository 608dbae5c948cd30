/**
 * What everything that the program does asks of the Azure engines: the one table. `azureRequests.slow.test.ts` and
 * `test/slow/azureIdle.test.ts` hold the program to it, `azureCosts.test.ts` holds docs/azure-costs.md to it. The bill of a month
 * follows from it by published prices and by assumptions, all written here. It must never hold a figure of an account's bill as if
 * somebody had measured it.
 */

/** What is told apart of Cosmos DB: by container and by what it costs. */
export type CosmosRequest =
  | "point read"
  | "batch"
  | "create"
  | "query"
  | "lease read"
  | "lease write";
/** A peek, a receive and so on is one request each; all cost the same. */
export type QueueRequest = "send" | "receive" | "update" | "delete" | "properties";
export type Counts<R extends string> = Readonly<Partial<Record<R, number>>>;

/** Of one operation, or of one process in a minute. */
export interface Cost {
  readonly cosmos: Counts<CosmosRequest>;
  readonly queue: Counts<QueueRequest>;
  /** Request units of the smallest cluster, as `requestUnits.ts` computes them; the test allows for some growth. */
  readonly units: number;
}

const nothing = {} as const;

/** A frontend asks the queue for nothing. */
export const operationCosts = {
  GET: { cosmos: { "point read": 1 }, queue: nothing, units: 2 },
  "GET of a cluster that is not there": { cosmos: { "point read": 1 }, queue: nothing, units: 2 },
  "a page of a list": { cosmos: { query: 1 }, queue: nothing, units: 5 },
  credentials: { cosmos: { "point read": 2 }, queue: nothing, units: 5 },
  "an operation's status or result": { cosmos: { "point read": 1 }, queue: nothing, units: 2 },
  "PUT that creates": { cosmos: { "point read": 2, batch: 1 }, queue: nothing, units: 15 },
  "PUT that begins an update": { cosmos: { "point read": 2, batch: 1 }, queue: nothing, units: 24 },
  "PATCH that begins an update": {
    cosmos: { "point read": 2, batch: 1 },
    queue: nothing,
    units: 24,
  },
  "PATCH of tags alone": { cosmos: { "point read": 2, batch: 1 }, queue: nothing, units: 19 },
  "PUT or PATCH that changes nothing": { cosmos: { "point read": 2 }, queue: nothing, units: 5 },
  "PUT or PATCH of a busy cluster": { cosmos: { "point read": 2 }, queue: nothing, units: 4 },
  DELETE: { cosmos: { "point read": 2, batch: 1 }, queue: nothing, units: 24 },
  "DELETE that cuts an operation short": {
    cosmos: { "point read": 3, batch: 1 },
    queue: nothing,
    units: 36,
  },
  "DELETE of a cluster that is not there": {
    cosmos: { "point read": 2 },
    queue: nothing,
    units: 4,
  },
  "a subscription is announced": {
    cosmos: { "point read": 1, batch: 1 },
    queue: nothing,
    units: 7,
  },
  "it is announced again in the same state": {
    cosmos: { "point read": 1 },
    queue: nothing,
    units: 2,
  },
  readiness: { cosmos: { create: 1 }, queue: nothing, units: 5 },
  liveness: { cosmos: nothing, queue: nothing, units: 0 },
  "forwarder: an operation": { cosmos: { batch: 1 }, queue: { send: 1 }, units: 13 },
  "forwarder: an operation that nobody looks after": {
    cosmos: { "lease read": 1, batch: 1 },
    queue: nothing,
    units: 15,
  },
  "worker: a claim": {
    cosmos: { "point read": 2, "lease write": 1, batch: 1 },
    queue: nothing,
    units: 30,
  },
  "worker: a heartbeat": {
    cosmos: { "lease write": 1, "point read": 1 },
    queue: { update: 1 },
    units: 12,
  },
  "worker: a note in the middle of a step": { cosmos: { batch: 1 }, queue: nothing, units: 13 },
  "worker: the end of a step": { cosmos: { batch: 1 }, queue: nothing, units: 26 },
  "worker: a step that is to be begun again later": {
    cosmos: { batch: 1, "lease write": 1 },
    queue: { update: 1 },
    units: 18,
  },
  "worker: the end of an operation": {
    cosmos: { batch: 1, "lease write": 1 },
    queue: { delete: 1 },
    units: 32,
  },
  "worker: a create by the local installer, when no step waits": {
    cosmos: { "point read": 2, batch: 23, "lease write": 2 },
    queue: { delete: 1 },
    units: 500,
  },
} as const satisfies Readonly<Record<string, Cost>>;

/** Each minute of a process that has nothing to do, from half a minute after its last work on; with the settings' defaults. */
export const idleCosts = {
  "a forwarder": {
    cosmos: { batch: 1, query: 25, "lease write": 6 },
    queue: { properties: 1 },
  },
  "a further forwarder, which waits for the lease": {
    cosmos: { "lease read": 12 },
    queue: nothing,
  },
  "a backend": { cosmos: nothing, queue: { receive: 12 } },
  "a frontend": { cosmos: nothing, queue: nothing },
} as const satisfies Readonly<Record<string, Omit<Cost, "units">>>;

/**
 * Request units of a request whose item is small: 1 KB of a read or a write (`requestUnits.ts`), twice that of a read at Strong
 * consistency and of a replacement. A query that finds nothing costs at least this for each physical partition it looks at.
 */
export const smallUnits: Readonly<Record<CosmosRequest, number>> = {
  "point read": 2,
  "lease read": 2,
  create: 4.95,
  // of the activity, and of leases nearly all are renewals
  batch: 9.9,
  "lease write": 9.9,
  // https://learn.microsoft.com/azure/cosmos-db/how-to-query-container: about 2.5, and reads at Strong consistency count twice
  query: 5,
};

/** In US dollars, without discounts and taxes; the page says where each is published. */
const prices = {
  /** One region that takes writes, standard: 0.008 for 100 RU/s and hour; autoscale half as much again. */
  autoscale100UnitsHour: 0.012,
  storageGigabyteMonth: 0.25,
  /** Of any kind, in a general-purpose v2 account, locally redundant. */
  queue10000Requests: 0.004,
};

/** What a month is supposed to hold. Whoever knows better puts in his own. */
export const assumptions = {
  hours: 730,
  getsPerClusterHour: 4,
  /** Each list shows so many clusters, and each cluster is in one list an hour. */
  clustersPerList: 10,
  updatesPerClusterMonth: 4,
  tagPatchesPerClusterMonth: 1,
  /** As many as are deleted. */
  createsPerClusterMonth: 0.1,
  createMinutes: 40,
  updateMinutes: 10,
  deleteMinutes: 10,
  /** `RETRY_AFTER_SECONDS`: the caller asks for the status so often. */
  statusSeconds: 10,
  /** `AZURE_POLL_SECONDS`: a step that waits is begun again so often. */
  pollSeconds: 10,
  stepsPerOperation: 20,
  /** The queue is asked so often for each message, until the pauses are as long as when idle. */
  receivesPerMessage: 7,
  /** A forwarder that is never idle looks every half second, and sweeps as always. */
  busyQueriesPerMinute: 120 + 12 + 4,
  frontends: 2,
  forwarders: 2,
  /** Of an hour, by its average: autoscale bills each hour's highest. */
  peak: 4,
  /** `deploy/azure.json`, and what autoscale never goes below: a tenth. */
  leastUnitsPerSecond: 100,
  /** Throughput and size of a physical partition, of which each one is asked by every query over all. */
  unitsPerSecondOfPartition: 10_000,
  /** A cluster's item, and the records of its operations of a week. */
  bytesPerCluster: 16 * 1024,
  /** Of those that a backend has at once, `WORKERS`. */
  workersOfBackend: 100,
  /** What each role's Pod asks for of a node, in thousandths of a processor: deploy/kubernetes.yaml. */
  podMillicores: { frontend: 250, forwarder: 100, backend: 250 },
  /** deploy/azure.json: `minCount`. */
  leastNodes: 2,
  /**
   * What a node has for Pods: of the two processors of a `Standard_D2as_v5` the node itself keeps a tenth of one
   * (https://learn.microsoft.com/azure/aks/node-resource-reservations).
   */
  nodeMillicores: 1_900,
};

export interface Month {
  readonly clusters: number;
  readonly unitsPerSecond: number;
  readonly billedUnitsPerSecond: number;
  readonly cosmosDollars: number;
  readonly storageDollars: number;
  readonly queueRequests: number;
  readonly queueDollars: number;
  /** By what the Pods of the three roles ask for in the highest hour; those of AKS itself come on top. */
  readonly leastNodes: number;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

function requestsOf(counts: Counts<string>): number {
  return sum(Object.values(counts).map((count) => count ?? 0));
}

export function smallUnitsOf(counts: Counts<CosmosRequest>): number {
  const kinds = Object.keys(counts) as readonly CosmosRequest[];
  return sum(kinds.map((kind) => (counts[kind] ?? 0) * smallUnits[kind]));
}

/** Of one operation that runs for so long, all that its user, the forwarder and the workers ask for. */
function operationOf(minutes: number, request: keyof typeof operationCosts) {
  const { statusSeconds, pollSeconds, stepsPerOperation, receivesPerMessage } = assumptions;
  const waits = (minutes * 60) / pollSeconds;
  const parts: readonly (readonly [times: number, cost: Cost])[] = [
    [1, operationCosts[request]],
    [(minutes * 60) / statusSeconds, operationCosts["an operation's status or result"]],
    [1, operationCosts["forwarder: an operation"]],
    [waits + 1, operationCosts["worker: a claim"]],
    [waits, operationCosts["worker: a step that is to be begun again later"]],
    [stepsPerOperation, operationCosts["worker: a note in the middle of a step"]],
    [stepsPerOperation, operationCosts["worker: the end of a step"]],
    [1, operationCosts["worker: the end of an operation"]],
  ];
  return {
    units: sum(parts.map(([times, { units }]) => times * units)),
    queueRequests:
      sum(parts.map(([times, { queue }]) => times * requestsOf(queue))) +
      (waits + 1) * receivesPerMessage,
  };
}

/** What so many clusters cost in a month. */
export function monthOf(clusters: number): Month {
  const a = assumptions;
  const seconds = a.hours * 3_600;
  const operations = [
    [a.createsPerClusterMonth, operationOf(a.createMinutes, "PUT that creates"), a.createMinutes],
    [a.createsPerClusterMonth, operationOf(a.deleteMinutes, "DELETE"), a.deleteMinutes],
    [
      a.updatesPerClusterMonth,
      operationOf(a.updateMinutes, "PATCH that begins an update"),
      a.updateMinutes,
    ],
  ] as const;
  // a list brings its clusters, as dear as if each were read by itself
  const list = operationCosts["a page of a list"].units + a.clustersPerList * 2;
  const unitsOfCluster =
    a.hours * (a.getsPerClusterHour * operationCosts.GET.units + list / a.clustersPerList) +
    a.tagPatchesPerClusterMonth * operationCosts["PATCH of tags alone"].units +
    sum(operations.map(([times, { units }]) => times * units));
  const waiting = idleCosts["a further forwarder, which waits for the lease"];
  const forwarder = idleCosts["a forwarder"];
  // deploy/kubernetes.yaml: a frontend is asked every ten seconds whether it is ready, the others every thirty
  const underWay = (clusters * sum(operations.map(([n, , minutes]) => n * minutes))) / a.hours / 60;
  const backends = Math.max(1, Math.ceil((underWay * a.peak) / (a.workersOfBackend / 2)));
  const { frontend, forwarder: forwards, backend } = a.podMillicores;
  const millicores = a.frontends * frontend + a.forwarders * forwards + backends * backend;
  const probesPerMinute = 6 * a.frontends + 2 * (a.forwarders + backends);
  const onPartitions = (partitions: number): number => {
    const { query: _, ...rest } = forwarder.cosmos;
    const perMinute =
      a.busyQueriesPerMinute * smallUnits.query * partitions +
      smallUnitsOf(rest) +
      (a.forwarders - 1) * smallUnitsOf(waiting.cosmos) +
      probesPerMinute * smallUnits.create;
    return (clusters * unitsOfCluster) / seconds + perMinute / 60;
  };
  const partitions = Math.ceil((onPartitions(1) * a.peak) / a.unitsPerSecondOfPartition);
  const unitsPerSecond = onPartitions(partitions);
  const billedUnitsPerSecond = Math.max(
    a.leastUnitsPerSecond,
    Math.ceil((unitsPerSecond * a.peak) / 100) * 100,
  );
  const idlePerMinute =
    requestsOf(forwarder.queue) * 4 + backends * requestsOf(idleCosts["a backend"].queue);
  const queueRequests =
    (seconds / 60) * idlePerMinute +
    clusters * sum(operations.map(([times, { queueRequests: n }]) => times * n));
  return {
    clusters,
    unitsPerSecond,
    billedUnitsPerSecond,
    cosmosDollars: (billedUnitsPerSecond / 100) * prices.autoscale100UnitsHour * a.hours,
    storageDollars: ((clusters * a.bytesPerCluster) / 1e9) * prices.storageGigabyteMonth,
    queueRequests,
    queueDollars: (queueRequests / 10_000) * prices.queue10000Requests,
    leastNodes: Math.max(a.leastNodes, Math.ceil(millicores / a.nodeMillicores)),
  };
}

/** Of one and of several, where it isn't the kind itself with an s. */
const words: Readonly<Record<string, readonly [one: string, several: string]>> = {
  query: ["query", "queries"],
  batch: ["batch", "batches"],
  properties: ["look at its length", "looks at its length"],
};

/** As a table tells it: `2 point reads, 1 batch`. */
export function told(counts: Counts<string>): string {
  const made = Object.entries(counts).filter(([, count = 0]) => count > 0);
  if (made.length === 0) return "none";
  return made
    .map(([kind, count = 0]) => {
      const [one, several] = words[kind] ?? [kind, `${kind}s`];
      return `${count.toLocaleString("en-US")} ${count === 1 ? one : several}`;
    })
    .join(", ");
}
