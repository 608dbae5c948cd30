/**
 * The log as an effect: structured records, one line each. Whoever logs passes ids and durations, never a body, a
 * secret or a person's name (ARM-105). The adapter over a log library stands in `pinoLog.ts`.
 */

/** Members of a record; `error` is shown with its causes. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly error?: unknown };

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** What an auditor relies on: a record as of `info`, with `audit: true`, whatever the level of the log is. */
  audit(fields: LogFields, message: string): void;
  /** A log whose every record carries these members too. */
  child(fields: LogFields): Log;
}

/** A log that says nothing. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  audit: () => {},
  child: () => silentLog,
};

/**
 * A log without the records whose `error` is told elsewhere, once: of one cause that meets everything at the same time each
 * part of the program would have its own to tell.
 */
export function logWithout(log: Log, isToldElsewhere: (error: unknown) => boolean): Log {
  const unlessTold =
    (say: Log["error"]): Log["error"] =>
    (fields, message) => {
      if (!isToldElsewhere(fields.error)) say(fields, message);
    };
  return {
    debug: unlessTold((fields, message) => log.debug(fields, message)),
    info: unlessTold((fields, message) => log.info(fields, message)),
    warn: unlessTold((fields, message) => log.warn(fields, message)),
    error: unlessTold((fields, message) => log.error(fields, message)),
    audit: (fields, message) => log.audit(fields, message),
    child: (fields) => logWithout(log.child(fields), isToldElsewhere),
  };
}
