/**
 * What this process counts, in the form that Prometheus reads. Labels come from closed sets — operations of the contract, methods of
 * a port, steps of an installer — so that their number is bounded. It must never take one from a caller, nor hold anything that
 * belongs to one customer.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** A request that has come to its end. */
export interface AnsweredRequest {
  /** The operationId of the contract; absent when there is none for it. */
  readonly operation?: string | undefined;
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

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const stepSeconds = [0.01, 0.1, 1, 10, 60, 300, 900, 1_800, 3_600];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new Histogram({
    name: "rp_http_request_duration_seconds",
    help: "Time from a request's first byte to the end of its answer.",
    labelNames: ["operation", "api_version", "status_class"],
    buckets: requestSeconds,
    registers: [this.#registry],
  });
  readonly #steps = new Histogram({
    name: "rp_step_duration_seconds",
    help: "Time that a run of a step took; its outcome is done, again or failed.",
    labelNames: ["operation_kind", "step", "outcome"],
    buckets: stepSeconds,
    registers: [this.#registry],
  });
  readonly #requestUnits = new Counter({
    name: "rp_store_request_units_total",
    help: "Request units that Cosmos DB has charged, by method of the store.",
    labelNames: ["operation"],
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  readonly answered = ({ operation, apiVersion, status, durationMs }: AnsweredRequest): void => {
    const labels = {
      operation: operation ?? "none",
      api_version: apiVersion ?? "none",
      status_class: status === 0 ? "none" : `${Math.floor(status / 100)}xx`,
    };
    this.#requests.observe(labels, durationMs / 1_000);
  };

  readonly stepEnded = ({ operationKind, step, outcome, durationMs }: EndedStep): void => {
    this.#steps.observe({ operation_kind: operationKind, step, outcome }, durationMs / 1_000);
  };

  readonly charged = (charge: {
    readonly operation: string;
    readonly requestUnits: number;
  }): void => {
    this.#requestUnits.inc({ operation: charge.operation }, charge.requestUnits);
  };

  /** @param busy how many workers have a message in hand, asked at each look. */
  workers(slots: number, busy: () => number): void {
    const registers = [this.#registry];
    new Gauge({
      name: "rp_worker_slots",
      help: "How many clusters this process may work on at the same time.",
      registers,
    }).set(slots);
    new Gauge({
      name: "rp_workers_busy",
      help: "How many clusters this process works on.",
      registers,
      collect() {
        this.set(busy());
      },
    });
  }

  /** The media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it, as it is now. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
