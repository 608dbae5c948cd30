/**
 * Spans as an effect: who does a piece of work says where it begins and ends, and below which other one. Parents are handed on
 * explicitly, as everything else is. The adapter over OpenTelemetry stands in `otlpTraces.ts` and is loaded only where traces
 * are exported; without it a span is nothing but its place in a trace.
 *
 * Names and attributes come from closed sets, or are ids that the log has too. Whoever describes a span passes no body, no
 * secret, no person's name and no text of an error: spans leave the machine.
 */
import type { LogIds } from "../model/logIds.ts";
import { traceOf, type TraceContext } from "../model/traceContext.ts";

/** Who asks whom, in OpenTelemetry's words. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

/** By the names of OpenTelemetry's semantic conventions, or below `rp.` where those have none; what is absent is left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Below another span, or where there is none, at the beginning of a trace whose id has the digits of a GUID. */
export type SpanPlace =
  | { readonly parent: TraceContext }
  | { readonly parent: TraceContext | undefined; readonly guid: string };

export type SpanStart = SpanPlace & {
  readonly kind: SpanKind;
  readonly attributes?: SpanAttributes;
};

/** A piece of work under way. */
export interface Span {
  /** For those below it, in this process and in others. */
  readonly context: TraceContext;
  /** Whether anybody will see it; if not, those below it need not be begun. */
  readonly isRecording: boolean;
  rename(name: string): void;
  describe(attributes: SpanAttributes): void;
  /** @param failure what was thrown, of which only its kind is told; or that kind in a word. */
  end(failure?: unknown): void;
}

export interface Traces {
  start(name: string, start: SpanStart): Span;
}

/** What a role needs to be traced; `Engines` are the ports that it asks. */
export interface Tracing<Engines> {
  readonly traces: Traces;
  /** What spans of messages say of the queue. */
  readonly messaging: SpanAttributes;
  /**
   * Those ports for one piece of work: each call is a span below the one that is current when it is made, and carries the ids of
   * that time for the log.
   */
  readonly enginesWithin: (current: () => Span, logIds: () => LogIds) => Engines;
}

/** A span of which nobody is told: it stands where its parent stands. */
class UnrecordedSpan implements Span {
  readonly context: TraceContext;
  readonly isRecording = false;

  constructor(context: TraceContext) {
    this.context = context;
  }

  rename(): void {}
  describe(): void {}
  end(): void {}
}

/** Where nothing is done for anybody in particular. */
export const unrecordedSpan: Span = new UnrecordedSpan(traceOf(""));

/** For a process that exports nothing. */
export const noTraces: Traces = {
  start: (_name, place) => new UnrecordedSpan(place.parent ?? newTrace(place)),
};

/** The context of a trace that begins at this place. */
export function newTrace(place: SpanPlace): TraceContext {
  return traceOf("guid" in place ? place.guid : "");
}

/** A role that is not traced. */
export function untraced<Engines>(engines: Engines): Tracing<Engines> {
  return { traces: noTraces, messaging: {}, enginesWithin: () => engines };
}

const identifierForm = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** What kind of failure it is, in a word: its code or the name of its class. Its message may hold anything. */
export function failureType(failure: unknown): string {
  if (typeof failure === "string" && identifierForm.test(failure)) return failure;
  if (!(failure instanceof Error)) return "unknown";
  const { code, name } = failure as Error & { readonly code?: unknown };
  if (typeof code === "string" && identifierForm.test(code)) return code;
  return identifierForm.test(name) ? name : "Error";
}
