/**
 * The parts of docs/azure-costs.md that follow from the table of costs: `azureCosts.test.ts` holds the page to them, between marks of
 * these names.
 */
import {
  assumptions,
  idleCosts,
  monthOf,
  operationCosts,
  smallUnits,
  smallUnitsOf,
  told,
  type Cost,
} from "./azureCosts.ts";

/** By the names of their marks. */
export const sections: Readonly<Record<string, () => string>> = {
  operations: operationsTable,
  idle: idleTable,
  month: monthTable,
  assumptions: assumptionsList,
};

/** @param columns of numbers, which stand to the right. */
function tableOf(heads: readonly string[], columns: readonly number[], rows: readonly string[][]) {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = `|${heads.map((_, index) => (columns.includes(index) ? "--:" : "---")).join("|")}|`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}

/** With commas, and so many digits behind the point. */
function number(value: number, digits = 0): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function operationsTable(): string {
  const rows = (Object.entries(operationCosts) as [string, Cost][]).map(
    ([operation, { cosmos, queue, units }]) => [
      operation,
      told(cosmos),
      told(queue),
      number(units),
    ],
  );
  return tableOf(["operation", "Cosmos DB", "queue", "request units, computed"], [3], rows);
}

function idleTable(): string {
  const hour = 60;
  const beats = 360 * assumptions.workersOfBackend;
  const beat = operationCosts["worker: a heartbeat"];
  const probe = (times: number, of: string): string[] => [
    `${of}, for its probe of readiness (deploy/kubernetes.yaml)`,
    told({ create: times * hour }),
    number(times * hour * smallUnits.create),
    "none",
  ];
  const rows = [
    ...(Object.entries(idleCosts) as [string, Omit<Cost, "units">][]).map(
      ([process, { cosmos, queue }]) => [
        process,
        told(timesHour(cosmos)),
        number(smallUnitsOf(cosmos) * hour),
        told(timesHour(queue)),
      ],
    ),
    probe(6, "a frontend"),
    probe(2, "any other"),
    [
      `heartbeats of ${assumptions.workersOfBackend} workers that are in the middle of a step all the time`,
      `${number(beats)} lease writes, ${number(beats)} point reads`,
      number(beats * beat.units),
      `${number(beats)} updates`,
    ],
  ];
  return tableOf(["process", "Cosmos DB", "request units, computed", "queue"], [2], rows);
}

function timesHour(counts: Cost["cosmos"] | Cost["queue"]) {
  return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, count * 60]));
}

function monthTable(): string {
  const rows = [10, 1_000, 100_000].map((clusters) => {
    const month = monthOf(clusters);
    const dollars = month.cosmosDollars + month.storageDollars + month.queueDollars;
    return [
      number(clusters),
      number(month.unitsPerSecond),
      number(month.billedUnitsPerSecond),
      number(month.cosmosDollars, 2),
      number(month.storageDollars, 2),
      number(month.queueRequests / 1e6, 1),
      number(month.queueDollars, 2),
      number(dollars, 2),
      number(month.leastNodes),
    ];
  });
  const heads = [
    "clusters",
    "RU/s on average",
    "RU/s billed",
    "throughput $",
    "storage $",
    "million queue requests",
    "queue $",
    "together $, without nodes",
    "nodes besides, at least",
  ];
  return tableOf(heads, [...heads.keys()], rows);
}

function assumptionsList(): string {
  const a = assumptions;
  const pods = Object.entries(a.podMillicores)
    .map(([role, millicores]) => `a ${role} ${millicores / 1_000}`)
    .join(", ");
  const lines = [
    `of each cluster ${a.getsPerClusterHour} GETs an hour, and a list an hour that shows ${a.clustersPerList} of them`,
    `of each cluster ${a.updatesPerClusterMonth} updates and ${a.tagPatchesPerClusterMonth} change of tags a month; ${number(a.createsPerClusterMonth * 100)} % are created and as many deleted`,
    `a create takes ${a.createMinutes} minutes, an update ${a.updateMinutes}, a deletion ${a.deleteMinutes}: ${a.stepsPerOperation} steps with a note each, and else steps that wait and are begun again every ${a.pollSeconds} s (\`AZURE_POLL_SECONDS\`)`,
    `whoever asked for it asks for its status every ${a.statusSeconds} s (\`RETRY_AFTER_SECONDS\`)`,
    `${a.frontends} frontends and ${a.forwarders} forwarders, and a backend for each ${a.workersOfBackend / 2} operations under way at the highest; their probes as deploy/kubernetes.yaml has them`,
    `nodes by what the Pods ask for: ${pods} of a processor, of which a node has ${a.nodeMillicores / 1_000} for Pods; at least ${a.leastNodes}`,
    `the forwarder never finds rest: ${a.busyQueriesPerMinute} queries a minute; each message is preceded by ${a.receivesPerMessage} requests that receive`,
    `the highest second of each hour has ${a.peak} times the average, in steps of 100 RU/s, and ${a.leastUnitsPerSecond} at least`,
    `${a.bytesPerCluster / 1024} KB of storage for each cluster with the records of its operations of a week`,
    `a month of ${a.hours} hours; a physical partition for each ${number(a.unitsPerSecondOfPartition)} RU/s`,
  ];
  return `${lines.map((line) => `- ${line}`).join(";\n")}.`;
}
