/**
 * Traces exported by OTLP over HTTP, by OpenTelemetry's SDK. It is loaded only where that is configured. What it can't hand over in time it drops:
 * a collector that is down, slow or odd costs spans, a bounded amount of memory and a line of the log now and then, and nothing
 * else. It must never wait for the collector where work is done, nor let the library read the environment: everything comes
 * from the settings.
 *
 * The library takes the time of spans from the system's clocks by itself.
 */
import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Span as OtelSpan,
  type Tracer,
} from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import { formatTraceparent, parseTraceparent, type TraceContext } from "../model/traceContext.ts";
import type { Clock } from "./clock.ts";
import { deadlineSignal, untilAborted } from "./deadlineSignal.ts";
import type { Random } from "./ids.ts";
import type { Log } from "./log.ts";
import { LostSpans } from "./lostSpans.ts";
import { OtlpExporter } from "./otlpExporter.ts";
import {
  failureType,
  newTrace,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanStart,
  type Traces,
} from "./traces.ts";
import type { TraceSettings, TraceSampler } from "./traceSettings.ts";

/** Spans that wait to be exported; more are dropped. */
const queuedMax = 2_048;
const batchMax = 512;
/** How long a span may wait for others. */
const batchDelayMs = 1_000;
const attributeLengthMax = 1_024;
const attributesMax = 64;

export interface OtlpTracesOptions {
  readonly settings: TraceSettings;
  readonly version: string;
  readonly random: Random;
  readonly clock: Clock;
  /** The network. */
  readonly fetch: typeof fetch;
  readonly log: Log;
}

const kinds: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

export class OtlpTraces implements Traces {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lost: LostSpans;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  /** Of the next trace that begins. */
  #traceId = "";

  constructor({ settings, version, random, clock, fetch, log }: OtlpTracesOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#lost = new LostSpans({ clock, log });
    const hex = (bytes: number): string => Buffer.from(random.bytes(bytes)).toString("hex");
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.version": version,
        "service.instance.id": hex(16),
        ...settings.resourceAttributes,
        "service.name": settings.serviceName,
      }),
      sampler: samplerOf(settings.sampler, settings.samplerRatio),
      idGenerator: { generateTraceId: () => this.#traceId, generateSpanId: () => hex(8) },
      spanLimits: {
        attributeValueLengthLimit: attributeLengthMax,
        attributeCountLimit: attributesMax,
      },
      spanProcessors: [
        new CountedProcessor(
          new OtlpExporter({ settings, clock, random, fetch, lost: this.#lost }),
          {
            timeoutMs: settings.timeoutMs,
            lost: this.#lost,
          },
        ),
      ],
    });
    this.#tracer = this.#provider.getTracer("openshift-resource-provider", version);
  }

  start(name: string, start: SpanStart): Span {
    const { kind, parent, attributes = {} } = start;
    if (parent === undefined) this.#traceId = traceIdOf(newTrace(start));
    const context =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: kind === "server" || kind === "consumer",
            ...(parent.traceState === undefined
              ? {}
              : { traceState: createTraceState(parent.traceState) }),
          });
    return new OtlpSpan(
      this.#tracer.startSpan(name, { kind: kinds[kind], attributes: given(attributes) }, context),
    );
  }

  /** Exports what waits, for at most so long; what is left then is lost. Never rejects. */
  async stop(limitMs: number): Promise<void> {
    using limit = deadlineSignal({
      clock: this.#clock,
      afterMs: limitMs,
      reason: () => new Error("the collector of traces did not take the last ones in time"),
    });
    try {
      await untilAborted(limit.signal, async () => this.#provider.shutdown());
    } catch {
      // why, if it was refused, was told by the exporter
      if (limit.signal.aborted)
        this.#log.warn({ limitMs }, "the last traces were not exported in time");
    }
    this.#lost.flush();
  }
}

class OtlpSpan implements Span {
  readonly context: TraceContext;
  readonly isRecording: boolean;
  readonly #span: OtelSpan;

  constructor(span: OtelSpan) {
    this.#span = span;
    this.isRecording = span.isRecording();
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    this.context = {
      traceId,
      spanId,
      isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0,
      ...(traceState === undefined ? {} : { traceState: traceState.serialize() }),
    };
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  describe(attributes: SpanAttributes): void {
    this.#span.setAttributes(given(attributes));
  }

  end(failure?: unknown): void {
    if (failure !== undefined) {
      this.#span.setAttribute("error.type", failureType(failure));
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

function given(attributes: SpanAttributes): Attributes {
  const kept: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** Some texts that should be GUIDs come from documents; then what the trace is called doesn't matter. */
function traceIdOf(begun: TraceContext): string {
  return parseTraceparent(formatTraceparent(begun))?.traceId ?? "f".repeat(32);
}

function samplerOf(name: TraceSampler, ratio: number): Sampler {
  switch (name) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(ratio);
    case "parentbased_always_on":
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}

/**
 * The library's queue of spans, which drops in silence what it has no room for: here that is counted. What it holds is what has
 * ended and was not handed to the exporter yet.
 */
class CountedProcessor implements SpanProcessor {
  readonly #inner: SpanProcessor;
  readonly #lost: LostSpans;
  #waiting = 0;

  constructor(exporter: SpanExporter, { timeoutMs, lost }: { timeoutMs: number; lost: LostSpans }) {
    this.#lost = lost;
    this.#inner = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => {
          this.#waiting -= spans.length;
          exporter.export(spans, done);
        },
        shutdown: async () => exporter.shutdown(),
      },
      maxQueueSize: queuedMax,
      maxExportBatchSize: batchMax,
      scheduledDelayMillis: batchDelayMs,
      // the exporter's own limit comes first; this one would leave its request under way
      exportTimeoutMillis: timeoutMs + batchDelayMs,
    });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= queuedMax) {
      this.#lost.dropped();
      return;
    }
    this.#waiting += 1;
    this.#inner.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }
}
