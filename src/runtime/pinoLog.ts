/**
 * The log as JSON lines, or readable on a terminal; written at once as long as somebody reads, so that the last line before
 * a crash is there (`lineOutput.ts`). It is also the last net under the rule that no secret and no personal data is logged: values under such names are
 * masked at any depth. Nobody may rely on the net; messages and error texts are not searched.
 */
import { pino, type Logger } from "pino";
import { PinoPretty } from "pino-pretty";
import { isMasked } from "../model/maskedNames.ts";
import type { Clock } from "./clock.ts";
import { LineOutput, type LineSink } from "./lineOutput.ts";
import type { Log, LogFields } from "./log.ts";

/** From the most to the least talkative. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** The log of a process. */
export interface ProcessLog extends Log {
  /** Waits until what was logged is written, for at most so long, with the event loop standing still. */
  flush(limitMs: number): void;
  /** How many lines nobody read in time, since the start. */
  linesDropped(): number;
}

/**
 * @param options.readable coloured text for a person instead of JSON.
 * @param options.sink standard output when absent.
 */
export function pinoLog(options: {
  readonly level: LogLevel;
  readonly clock: Clock;
  readonly readable: boolean;
  readonly sink?: LineSink;
}): ProcessLog {
  const { level, clock, readable, sink } = options;
  const output = new LineOutput({
    clock,
    onDropped: (lines) =>
      log.error({ lines }, "lines of the log were dropped, as nobody read standard output"),
  });
  const lines = sink ?? output;
  const log = new PinoLog(
    pino(
      {
        level,
        base: null,
        messageKey: "message",
        timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
        formatters: { level: (name) => ({ level: name }) },
      },
      readable ? readableSink(lines, sink === undefined) : lines,
    ),
  );
  return Object.assign(log, {
    flush: (limitMs: number) => output.flush(limitMs),
    linesDropped: () => output.droppedTotal,
  });
}

/** What ties records together or repeats the message: for machines, not for a person at a terminal. */
const machineMembers = [
  "requestId",
  "correlationId",
  "clientRequestId",
  "traceId",
  "operationId",
  "operationKind",
  "operationName",
  "apiVersion",
  "resourceId",
  "documentId",
  "messageId",
  "deliveries",
  "epoch",
  "attempts",
  "kind",
  "phase",
  "step",
  "stepNumber",
  "stepsTotal",
  "outcome",
  "method",
  "path",
  "status",
  "roles",
  "version",
  "url",
];

function readableSink(sink: LineSink, colorize: boolean): LineSink {
  const toText = PinoPretty.prettyFactory({
    colorize,
    messageKey: "message",
    messageFormat: (record) => {
      const cluster = clusterName(record["resourceId"]);
      const message = String(record["message"]);
      return cluster === undefined ? message : `${cluster}: ${message}`;
    },
    ignore: machineMembers.join(","),
    translateTime: "SYS:HH:MM:ss.l",
    errorLikeObjectKeys: ["error"],
    singleLine: true,
  });
  return {
    write: (line) => {
      const text: string | undefined = toText(line);
      if (text !== undefined) sink.write(text);
    },
  };
}

/** The last segment of a resource id. */
function clusterName(resourceId: unknown): string | undefined {
  return typeof resourceId === "string" ? resourceId.split("/").at(-1) : undefined;
}

class PinoLog implements Log {
  readonly #pino: Logger;
  /** The same at the level `info`, whatever that of the log is; made when there is something to say. */
  readonly #audit: () => Logger;

  constructor(logger: Logger, audit: () => Logger = () => logger.child({}, { level: "info" })) {
    this.#pino = logger;
    this.#audit = audit;
  }

  debug(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled("debug")) this.#pino.debug(loggable(fields), message);
  }

  info(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled("info")) this.#pino.info(loggable(fields), message);
  }

  warn(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled("warn")) this.#pino.warn(loggable(fields), message);
  }

  error(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled("error")) this.#pino.error(loggable(fields), message);
  }

  audit(fields: LogFields, message: string): void {
    this.#audit().info({ ...loggable(fields), audit: true }, message);
  }

  child(fields: LogFields): Log {
    const members = loggable(fields);
    return new PinoLog(this.#pino.child(members), () => this.#audit().child(members));
  }
}

/** Deeper than this nothing is shown. */
const depthMax = 8;
const masked = "[masked]";

/** The members of a record with secrets masked and errors unfolded. */
function loggable(fields: LogFields): Record<string, unknown> {
  return loggableMembers(fields, []);
}

function loggableMembers(value: object, parents: readonly object[]): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (isMasked(name)) members[name] = masked;
    else if (typeof member !== "object") members[name] = member;
    else members[name] = loggableValue(member, [...parents, value]);
  }
  return members;
}

function loggableValue(value: unknown, parents: readonly object[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (parents.includes(value)) return "[circular]";
  if (parents.length >= depthMax) return "[too deep]";
  if (value instanceof Error) return loggableError(value, parents);
  if (Array.isArray(value)) return value.map((item) => loggableValue(item, [...parents, value]));
  if (value instanceof Date) return value.toJSON();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return loggableMembers(value, parents);
}

/** Its own members are left out, since libraries hang whole requests on their errors. */
function loggableError(error: Error, parents: readonly object[]): Record<string, unknown> {
  const { code, cause, errors } = error as Error & { code?: unknown; errors?: unknown };
  const deeper = [...parents, error];
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    stack: error.stack,
    ...(cause === undefined ? {} : { cause: loggableValue(cause, deeper) }),
    ...(Array.isArray(errors) ? { errors: loggableValue(errors, deeper) } : {}),
  };
}
