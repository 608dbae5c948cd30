/**
 * Every metric of the program as data: name, type, meaning, labels and what these can be. `metrics.ts` makes them, docs/metrics.md
 * shows them, and dashboard and alerts are held against them. It must never have a label whose values a caller, a customer or
 * another release can choose: each combination is a series that is kept for ever.
 */
import { errorCodes } from "../model/errorCodes.ts";
import { isTerminal, provisioningStates } from "../model/provisioningState.ts";

/** A label: all that it can be, or in words what it is one of, where that is known elsewhere. */
export type LabelValues = readonly string[] | string;

export interface MetricRow {
  readonly type: "counter" | "gauge" | "histogram";
  /** A sentence, for Prometheus and for the page. */
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** Of a histogram, in its unit. */
  readonly buckets?: readonly number[];
  /** Which processes tell it: those with this role, whoever holds the forwarders' lease, or all. */
  readonly told: "all" | "frontend" | "forwarder" | "backend" | "lease holder" | "Azure engines";
}

/** In place of a value that isn't one of the label's. */
const otherValue = "other";
/** In place of a value that isn't there. */
export const noValue = "none";

const operationKinds = ["create", "update", "delete"];
const callOutcomes = [
  "ok",
  "conflict",
  "lost",
  "unavailable",
  "unknown",
  "unreadable",
  "invalid",
  "aborted",
  "error",
];
const methodOfStore = "a method of the port `src/store/store.ts`";

const callSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 20,
];
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const stepSeconds = [0.01, 0.1, 1, 10, 60, 300, 900, 1_800, 3_600];

export const metricCatalogue = {
  rp_http_request_duration_seconds: {
    type: "histogram",
    help: "Time from the end of a request's headers to the end of its answer; left out are those for health, and those that the HTTP parser refuses.",
    labels: {
      operation: `an operationId of the contract, or \`${noValue}\``,
      api_version: `one that is served, \`2.0\`, \`${otherValue}\` or \`${noValue}\``,
      status_class: ["2xx", "3xx", "4xx", "5xx", noValue],
    },
    buckets: requestSeconds,
    told: "frontend",
  },
  rp_http_requests_in_flight: {
    type: "gauge",
    help: "Requests whose headers are in and that have not ended, those for health left out.",
    labels: {},
    told: "frontend",
  },
  rp_operations_limit: {
    type: "gauge",
    help: "OPERATIONS_LIMIT: how many operations may be under way before more are refused; 0 is no limit.",
    labels: {},
    told: "frontend",
  },
  rp_operations_refused_total: {
    type: "counter",
    help: "Creates and updates that were refused as too many operations are under way.",
    labels: {},
    told: "frontend",
  },
  rp_operations: {
    type: "gauge",
    help: "Operations of the whole fleet that have not ended, as last counted; 10000 are the most that are counted.",
    labels: {
      kind: [...operationKinds, otherValue],
      state: [...provisioningStates.filter((state) => !isTerminal(state)), otherValue],
    },
    told: "lease holder",
  },
  rp_oldest_operation_age_seconds: {
    type: "gauge",
    help: "How long ago the oldest operation was asked for that has not ended, of those that were counted; 0 when there is none.",
    labels: {},
    told: "lease holder",
  },
  rp_queue_messages: {
    type: "gauge",
    help: "About how many messages are on the queue, those in hand included.",
    labels: {},
    told: "lease holder",
  },
  rp_forwarder_lease_held: {
    type: "gauge",
    help: "1 for the one forwarder that acts, 0 for those that wait.",
    labels: {},
    told: "forwarder",
  },
  rp_messages_sent_total: {
    type: "counter",
    help: "Messages that the forwarder put on the queue.",
    labels: {},
    told: "forwarder",
  },
  rp_sweep_flagged_total: {
    type: "counter",
    help: "Operations that nobody looked after, and that the sweep flagged to be sent again.",
    labels: {},
    told: "forwarder",
  },
  rp_operations_ended_total: {
    type: "counter",
    help: "Operations that this process has ended, a DELETE that cut one short included.",
    labels: {
      kind: [...operationKinds, otherValue],
      outcome: ["succeeded", "failed", "canceled"],
      code: [...Object.keys(errorCodes), noValue],
    },
    told: "all",
  },
  rp_claims_total: {
    type: "counter",
    help: "Claims of clusters by workers; a further attempt follows a failure, or a worker that died.",
    labels: { attempt: ["first", "further"] },
    told: "backend",
  },
  rp_claims_lost_total: {
    type: "counter",
    help: "Claims that a worker lost while it worked: its lease ran out, or a newer claim or operation took the cluster.",
    labels: { reason: ["lease", "superseded"] },
    told: "backend",
  },
  rp_step_duration_seconds: {
    type: "histogram",
    help: "Time that a run of a step took.",
    labels: {
      kind: [...operationKinds, otherValue],
      step: "a step of the installer",
      outcome: ["done", "again", "failed"],
    },
    buckets: stepSeconds,
    told: "backend",
  },
  rp_worker_slots: {
    type: "gauge",
    help: "How many clusters this process may work on at the same time.",
    labels: {},
    told: "backend",
  },
  rp_workers_busy: {
    type: "gauge",
    help: "How many clusters this process works on.",
    labels: {},
    told: "backend",
  },
  rp_store_call_duration_seconds: {
    type: "histogram",
    help: "Time that a call of the store took, with all its requests and pauses.",
    labels: { method: methodOfStore, outcome: callOutcomes },
    buckets: callSeconds,
    told: "all",
  },
  rp_store_request_units_total: {
    type: "counter",
    help: "Request units that Cosmos DB has charged, by method of the store.",
    labels: { method: methodOfStore },
    told: "Azure engines",
  },
  rp_queue_call_duration_seconds: {
    type: "histogram",
    help: "Time that a call of the queue took, with all its requests and pauses.",
    labels: { method: "a method of the port `src/queue/queue.ts`", outcome: callOutcomes },
    buckets: callSeconds,
    told: "all",
  },
  rp_azure_retries_total: {
    type: "counter",
    help: "Requests that were made again: the service put them off, or gave no answer that tells what became of them.",
    labels: { service: ["cosmos", "queue"], reason: ["put_off", "unanswered"] },
    told: "Azure engines",
  },
  rp_log_lines_dropped_total: {
    type: "counter",
    help: "Lines of the log that nobody read in time.",
    labels: {},
    told: "all",
  },
  rp_sealing_key_read_failures_total: {
    type: "counter",
    help: "Times that the keys which secrets are sealed by could not be read again; those that were known stay in use.",
    labels: {},
    told: "all",
  },
  rp_sealing_keys_age_seconds: {
    type: "gauge",
    help: "How long ago the keys that secrets are sealed by could be read the last time; they are read every 300 s.",
    labels: {},
    told: "all",
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

/** The name of a metric of ours. */
export type MetricName = keyof typeof metricCatalogue;

/** The value itself if the label can have it, else the one for all others. */
export function closedValue(values: readonly string[], value: string): string {
  return values.includes(value) ? value : otherValue;
}

/** The table in docs/metrics.md. */
export function metricsTable(): string {
  const rows = Object.entries<MetricRow>(metricCatalogue).map(([name, row]) => {
    const labels = Object.entries(row.labels).map(([label, values]) =>
      typeof values === "string" ? `\`${label}\`: ${values}` : `\`${label}\`: ${shortList(values)}`,
    );
    return `| \`${name}\` | ${row.type} | ${row.told} | ${row.help} | ${labels.join("<br>")} |`;
  });
  return ["| metric | type | told by | meaning | labels |", "|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}

/** The codes of errors have a table of their own. */
function shortList(values: readonly string[]): string {
  const codes: readonly string[] = Object.keys(errorCodes);
  const others = values.filter((value) => !codes.includes(value)).map((value) => `\`${value}\``);
  return values.length === others.length
    ? others.join(", ")
    : `a code of [the table](../README.md#error-codes), or ${others.join(", ")}`;
}
