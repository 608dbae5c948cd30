/**
 * What belongs to one request from its first byte to its log line: ids, deadline, log. Ids of the caller are written
 * to the log and, where asked for, echoed; they are never taken for unique and never decide anything (ARM-18 to ARM-20).
 */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import type { Clock } from "../runtime/clock.ts";
import { deadlineSignal } from "../runtime/deadlineSignal.ts";
import type { Ids } from "../runtime/ids.ts";
import type { Log, LogFields } from "../runtime/log.ts";
import type { AnsweredRequest } from "../runtime/metrics.ts";
import {
  noTraces,
  type Span,
  type SpanAttributes,
  type SpanStart,
  type Traces,
} from "../runtime/traces.ts";
import type { LogIds } from "../model/logIds.ts";
import { RpError } from "../model/rpError.ts";
import { parseTraceparent } from "../model/traceContext.ts";
import { Attachment } from "./attachment.ts";
import { callerOf, type Caller } from "./authenticator.ts";
import { callerOrigin } from "./callerOrigin.ts";
import { parseRequestPath, type RequestPath } from "./requestPath.ts";

/** A request's own things. */
export interface RequestContext {
  /** Ours, fresh for every request. */
  readonly requestId: string;
  /** ARM's, or our own request id when it gave none. */
  readonly correlationId: string;
  /** What is done for it, in the caller's trace or in one of its own; nobody records it before `recordRequest`. */
  readonly span: Span;
  /**
   * Its path and query.
   *
   * @throws {RpError} `InvalidUri` when a percent-escape is malformed.
   */
  readonly target: RequestPath;
  /** Scheme, host and port under which the caller sees us; links are built on it (ARM-76). */
  readonly origin: string;
  /** Aborted when the time for an answer is up. */
  readonly signal: AbortSignal;
  /** For what is told of it elsewhere. */
  readonly logIds: LogIds;
  /** Carries them. */
  readonly log: Log;
  /** @throws {TypeError} before the request was authenticated. */
  readonly caller: Caller;
  /**
   * A header of the request, if given once and not empty.
   *
   * @param name in lower case.
   * @throws {TypeError} for one that says who ARM's user is, before the request was authenticated (ARM-118).
   */
  header(name: string): string | undefined;
  /** Adds members to the request's line in the log. */
  note(fields: LogFields): void;
}

/** Longer ids of a caller are cut in the log. */
const idLengthMax = 128;

/** What ARM says of its user; the two ids of the client aside, which decide nothing. */
const identityHeader = /^x-ms-(client-(?!request-id$|session-id$)|arm-|home-tenant-id$|identity-)/;

const contexts = new Attachment<Response, RequestContext>("context");
/** What begins the recorded span of a response's request. */
const recordings = new Attachment<Response, (traces: Traces) => void>("recording");

/** The context of a response that went through `requestContext`. */
export function contextOf(response: Response): RequestContext {
  const context = contexts.get(response);
  if (context === undefined) throw new TypeError("the request has no context");
  return context;
}

export interface RequestContextOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** For the answer: ARM gives up after 60 s (ARM-27), and a caller shall have ours before. */
  readonly deadlineMs: number;
  /** Told of each request that begins, those for the health checks left out. */
  readonly onReceived?: () => void;
  /** Told of each request that has come to its end, the same left out. */
  readonly onAnswered?: (request: AnsweredRequest) => void;
  /** Whether machines ask for a path all the time: then its line is one for debugging. */
  readonly isProbe?: (path: string) => boolean;
}

/** The first middleware: makes the context, sets the headers that every answer has, writes the line when it ends. */
export function requestContext(options: RequestContextOptions): RequestHandler {
  const { clock, ids, log, deadlineMs, onReceived, onAnswered } = options;
  const { isProbe = isHealthCheck } = options;
  return (request: Request, response: Response, next: NextFunction): void => {
    const begunAt = clock.monotonic();
    const path = request.originalUrl.split("?", 1)[0] ?? "";
    const isOfMachine = isProbe(path);
    if (!isOfMachine) onReceived?.();
    const requestId = ids.guid();
    const header = (name: string): string | undefined => {
      if (identityHeader.test(name)) callerOf(request);
      return single(request.headers[name]);
    };
    const correlationId = header("x-ms-correlation-request-id")?.slice(0, idLengthMax) ?? requestId;
    const place: SpanStart = {
      kind: "server",
      parent: parseTraceparent(header("traceparent"), header("tracestate")),
      guid: requestId,
    };
    let span = noTraces.start(request.method, place);
    if (!isOfMachine) {
      recordings.set(response, (traces) => (span = traces.start(request.method, place)));
    }
    const clientRequestId = header("x-ms-client-request-id");
    response.setHeader("x-ms-request-id", requestId);
    if (
      clientRequestId !== undefined &&
      header("x-ms-return-client-request-id")?.toLowerCase() === "true"
    ) {
      response.setHeader("x-ms-client-request-id", clientRequestId);
    }
    // answers hold the state of this moment, and one of them holds a password
    response.setHeader("Cache-Control", "no-store");

    const deadline = deadlineSignal({
      clock,
      afterMs: deadlineMs,
      reason: () =>
        new RpError({
          code: "ServiceUnavailable",
          message: "The request could not be answered in time; try again.",
        }),
    });
    const logIds: LogIds = {
      requestId,
      correlationId,
      traceId: span.context.traceId,
      ...(clientRequestId === undefined
        ? {}
        : { clientRequestId: clientRequestId.slice(0, idLengthMax) }),
    };
    // most requests need neither a log of their own nor a link
    let requestLog: Log | undefined;
    let origin: string | undefined;
    let target: RequestPath | undefined;
    const noted: Record<string, unknown> = {};
    contexts.set(response, {
      requestId,
      correlationId,
      get span() {
        return span;
      },
      get target() {
        return (target ??= parseRequestPath(request.originalUrl));
      },
      get origin() {
        return (origin ??= callerOrigin(request));
      },
      signal: deadline.signal,
      logIds,
      get log() {
        return (requestLog ??= log.child(logIds));
      },
      get caller() {
        return callerOf(request);
      },
      header,
      note: (fields) => Object.assign(noted, fields),
    });
    response.on("close", () => {
      deadline[Symbol.dispose]();
      const status = response.headersSent ? response.statusCode : 0;
      const durationMs = clock.monotonic() - begunAt;
      const line = isOfMachine ? "debug" : "info";
      if (!isOfMachine) {
        const { operationName, apiVersion } = noted;
        onAnswered?.({
          operation: operationName as string | undefined,
          apiVersion: apiVersion as string | undefined,
          status,
          durationMs,
        });
      }
      if (span.isRecording) {
        span.describe({
          "http.request.method": request.method,
          "url.scheme": request.protocol,
          "url.path": path.slice(0, 1024),
          "http.response.status_code": status === 0 ? undefined : status,
          "rp.request.id": requestId,
          "rp.correlation.id": correlationId,
          ...notedAttributes(noted),
        });
      }
      // what the caller did wrong is no failure of ours
      if (status === 0) span.end("CallerGone");
      else span.end(status >= 500 ? (noted["errorCode"] ?? "Failed") : undefined);
      log[line](
        {
          ...logIds,
          method: request.method,
          path: path.slice(0, 1024),
          status,
          durationMs: Math.round(durationMs),
          ...noted,
        },
        status === 0
          ? "request: the caller went away before the answer"
          : `request: ${request.method} ${status} ${shortPath(path)}`,
      );
    });
    next();
  };
}

/**
 * A middleware that begins the request's recorded span, to come right after `authenticate`: whoever is not let in must neither
 * take the room of other spans nor decide, by the flag in his `traceparent`, what is recorded. His request has its line in the log.
 */
export function recordRequest(traces: Traces): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    // throws if nobody was asked
    callerOf(request);
    recordings.get(response)?.(traces);
    next();
  };
}

function isHealthCheck(path: string): boolean {
  return path.startsWith("/healthz/");
}

/** What handlers have noted for the log, as far as it is for traces too. */
function notedAttributes(noted: LogFields): SpanAttributes {
  const text = (name: string): string | undefined => {
    const value = noted[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    "rp.api_version": text("apiVersion"),
    "rp.operation.name": text("operationName"),
    "rp.operation.id": text("operationId"),
    "rp.operation.kind": text("operationKind"),
    "rp.resource.id": text("resourceId"),
    "rp.error.code": text("errorCode"),
  };
}

/** What a person looks for in a path: what comes after the provider. */
function shortPath(path: string): string {
  const [, own] = path.split(/\/providers\/[^/]+\//i);
  return (own ?? path).slice(0, 128);
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
