/**
 * What this process counts, in the form that Prometheus reads; `metricCatalogue.ts` says what each is. Labels come from closed sets —
 * operations of the contract, methods of a port, steps of an installer — so that their number is bounded: whatever else comes becomes
 * one value for all. It must never take one from a caller, nor hold anything that belongs to one customer.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Activity, EpochMs } from "../model/document.ts";
import type { ErrorCode } from "../model/errorCodes.ts";
import { runningState } from "../model/provisioningState.ts";
import { tellEventLoopLag, unusedPrecisionMs } from "./eventLoopLag.ts";
import {
  closedValue,
  metricCatalogue,
  noValue,
  type MetricName,
  type MetricRow,
} from "./metricCatalogue.ts";

/** A request that has come to its end. */
export interface AnsweredRequest {
  /** The operationId of the contract; absent when there is none for it. */
  readonly operation?: string | undefined;
  /** As the caller wrote it, whether it is served or not; absent when it wrote none. */
  readonly apiVersion?: string | undefined;
  /** 0 when the caller went away before the answer. */
  readonly status: number;
  readonly durationMs: number;
}

/** A run of a step that has come to its end. */
export interface EndedStep {
  readonly operationKind: string;
  readonly step: string;
  readonly outcome: string;
  readonly durationMs: number;
}

/** An operation that has come to its end. */
export interface EndedOperation {
  readonly kind: string;
  readonly outcome: "succeeded" | "failed" | "canceled";
  /** Why it failed or was canceled. */
  readonly code?: string;
}

/** A call of a port that has come to its end. */
export interface EndedCall {
  readonly method: string;
  readonly outcome: string;
  readonly durationMs: number;
}

/** What the forwarder of this process says of itself and of the fleet. */
export interface ForwarderView {
  readonly holdsLease: boolean;
  /** Only while it holds the lease. */
  readonly activity: Activity | undefined;
}

export interface MetricsOptions {
  /** Names of the api-versions served. */
  readonly apiVersions?: readonly string[];
}

/** Of ARM's announcement of a subscription. */
const subscriptionVersion = "2.0";

/** With which most operations fail; a step may fail with others. */
const failureCodes: readonly ErrorCode[] = [
  "InstallationFailed",
  "TooManyAttempts",
  "StepTimedOut",
];

const kinds: readonly string[] = metricCatalogue.rp_operations.labels.kind;
const states: readonly string[] = metricCatalogue.rp_operations.labels.state;
const codes: readonly string[] = metricCatalogue.rp_operations_ended_total.labels.code;
const outcomes: readonly string[] = metricCatalogue.rp_store_call_duration_seconds.labels.outcome;

/** The metrics of one process. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #apiVersions: readonly string[];
  readonly #requests = this.#histogram("rp_http_request_duration_seconds");
  readonly #inFlight = this.#gauge("rp_http_requests_in_flight");
  readonly #refused = this.#counter("rp_operations_refused_total");
  readonly #sent = this.#counter("rp_messages_sent_total");
  readonly #flagged = this.#counter("rp_sweep_flagged_total");
  readonly #ended = this.#counter("rp_operations_ended_total");
  readonly #claims = this.#counter("rp_claims_total");
  readonly #claimsLost = this.#counter("rp_claims_lost_total");
  readonly #steps = this.#histogram("rp_step_duration_seconds");
  readonly #storeCalls = this.#histogram("rp_store_call_duration_seconds");
  readonly #queueCalls = this.#histogram("rp_queue_call_duration_seconds");
  readonly #requestUnits = this.#counter("rp_store_request_units_total");
  readonly #keysNotRead = this.#counter("rp_sealing_key_read_failures_total");
  readonly #retries = this.#counter("rp_azure_retries_total");

  constructor({ apiVersions = [] }: MetricsOptions = {}) {
    this.#apiVersions = [...apiVersions.map((name) => name.toLowerCase()), subscriptionVersion];
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: unusedPrecisionMs,
    });
    tellEventLoopLag(this.#registry);
    this.#beginAtZero();
  }

  /** The growth of a series that begins with its first event is not seen: what alerts wait for has to be there before. */
  #beginAtZero(): void {
    for (const kind of metricCatalogue.rp_operations_ended_total.labels.kind) {
      this.#ended.inc({ kind, outcome: "succeeded", code: noValue }, 0);
      this.#ended.inc({ kind, outcome: "canceled", code: "OperationCanceled" }, 0);
      for (const code of failureCodes) this.#ended.inc({ kind, outcome: "failed", code }, 0);
    }
  }

  /** A request has begun; `answered` says that it has ended. */
  readonly received = (): void => this.#inFlight.inc();

  readonly answered = ({ operation, apiVersion, status, durationMs }: AnsweredRequest): void => {
    this.#inFlight.dec();
    const labels = {
      operation: operation ?? noValue,
      // a caller chooses its case, and ARM's preflight takes any
      api_version:
        apiVersion === undefined
          ? noValue
          : closedValue(this.#apiVersions, apiVersion.toLowerCase()),
      status_class: status === 0 ? noValue : `${Math.floor(status / 100)}xx`,
    };
    this.#requests.observe(labels, durationMs / 1_000);
  };

  /** An operation was refused, as too many are under way. */
  readonly refused = (): void => this.#refused.inc();

  /** @param limit 0: none. */
  operationsLimit(limit: number): void {
    this.#gauge("rp_operations_limit").set(limit);
  }

  readonly stepEnded = ({ operationKind, step, outcome, durationMs }: EndedStep): void => {
    const kind = closedValue(kinds, operationKind);
    this.#steps.observe({ kind, step, outcome }, durationMs / 1_000);
  };

  readonly operationEnded = ({ kind, outcome, code = noValue }: EndedOperation): void => {
    // a code of a newer release may stand in a document
    const known = codes.includes(code) ? code : noValue;
    this.#ended.inc({ kind: closedValue(kinds, kind), outcome, code: known });
  };

  /** @param attempts with this claim. */
  readonly claimed = ({ attempts }: { readonly attempts: number }): void =>
    this.#claims.inc({ attempt: attempts > 1 ? "further" : "first" });

  readonly claimLost = (reason: "lease" | "superseded"): void => this.#claimsLost.inc({ reason });

  readonly storeCalled = ({ method, outcome, durationMs }: EndedCall): void =>
    this.#storeCalls.observe({ method, outcome: callOutcome(outcome) }, durationMs / 1_000);

  readonly queueCalled = ({ method, outcome, durationMs }: EndedCall): void =>
    this.#queueCalls.observe({ method, outcome: callOutcome(outcome) }, durationMs / 1_000);

  readonly charged = (charge: {
    readonly operation: string;
    readonly requestUnits: number;
  }): void => {
    this.#requestUnits.inc({ method: charge.operation }, charge.requestUnits);
  };

  /** A request to a service of Azure is made again. */
  readonly retried = (retry: {
    readonly service: "cosmos" | "queue";
    readonly reason: "putOff" | "unanswered";
  }): void => {
    const reason = retry.reason === "putOff" ? "put_off" : "unanswered";
    this.#retries.inc({ service: retry.service, reason });
  };

  readonly messagesSent = (count: number): void => this.#sent.inc(count);

  readonly flagged = (count: number): void => this.#flagged.inc(count);

  /** @param busy how many workers have a message in hand, asked at each look. */
  workers(slots: number, busy: () => number): void {
    this.#gauge("rp_worker_slots").set(slots);
    this.#gauge("rp_workers_busy", (gauge) => gauge.set(busy()));
  }

  /** @param view asked at each look. */
  forwarder(view: () => ForwarderView, now: () => EpochMs): void {
    this.#gauge("rp_forwarder_lease_held", (gauge) => gauge.set(view().holdsLease ? 1 : 0));
    this.#gauge("rp_operations", (gauge) => {
      gauge.reset();
      const { activity } = view();
      if (activity === undefined) return;
      // none is a number too
      for (const [kind, state] of Object.entries(runningState)) gauge.set({ kind, state }, 0);
      for (const { kind, state, count } of activity.running) {
        gauge.inc({ kind: closedValue(kinds, kind), state: closedValue(states, state) }, count);
      }
    });
    this.#fleetGauge("rp_oldest_operation_age_seconds", view, ({ oldestStartedAt }) =>
      oldestStartedAt === undefined ? 0 : Math.max(0, now() - oldestStartedAt) / 1_000,
    );
    this.#fleetGauge("rp_queue_messages", view, ({ queuedMessages }) => queuedMessages);
  }

  /** @param dropped how many lines so far, asked at each look. */
  logLinesDropped(dropped: () => number): void {
    let told = 0;
    this.#counter("rp_log_lines_dropped_total", (counter) => {
      const count = dropped();
      counter.inc(count - told);
      told = count;
    });
  }

  /** The keys could not be read again. */
  readonly sealingKeysNotRead = (): void => this.#keysNotRead.inc();

  /** @param ageMs since they were read, asked at each look. */
  sealingKeys(ageMs: () => number): void {
    this.#gauge("rp_sealing_keys_age_seconds", (gauge) => gauge.set(ageMs() / 1_000));
  }

  /** The media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it, as it is now. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Says nothing where there is nothing to say: a process without the lease must not tell of the fleet. */
  #fleetGauge(
    name: MetricName,
    view: () => ForwarderView,
    value: (activity: Activity) => number | undefined,
  ): void {
    const gauge = this.#gauge(name, () => {
      const { activity } = view();
      const present = activity === undefined ? undefined : value(activity);
      if (present === undefined) gauge.remove();
      else gauge.set(present);
    });
  }

  #settings(name: MetricName) {
    const row: MetricRow = metricCatalogue[name];
    const registers = [this.#registry];
    return { name, help: row.help, labelNames: Object.keys(row.labels), registers };
  }

  #gauge(name: MetricName, collect?: (gauge: Gauge) => void): Gauge {
    const gauge: Gauge = new Gauge({
      ...this.#settings(name),
      ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
    });
    return gauge;
  }

  #counter(name: MetricName, collect?: (counter: Counter) => void): Counter {
    const counter: Counter = new Counter({
      ...this.#settings(name),
      ...(collect === undefined ? {} : { collect: () => collect(counter) }),
    });
    return counter;
  }

  #histogram(name: MetricName): Histogram {
    const { buckets = [] }: MetricRow = metricCatalogue[name];
    return new Histogram({ ...this.#settings(name), buckets: [...buckets] });
  }
}

function callOutcome(outcome: string): string {
  return outcomes.includes(outcome) ? outcome : "error";
}
