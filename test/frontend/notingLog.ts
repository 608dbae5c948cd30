/** A log that keeps the members of each line but those for debugging, with what the line's parents carry. */
import { silentLog, type Log, type LogFields } from "../../src/runtime/log.ts";

/** @param lines where they are kept. */
export function notingLog(lines: LogFields[], fields: LogFields = {}): Log {
  const note = (more: LogFields): void => void lines.push({ ...fields, ...more });
  return {
    ...silentLog,
    info: note,
    warn: note,
    error: note,
    child: (more) => notingLog(lines, { ...fields, ...more }),
  };
}
