/** A log that keeps its records, and lets a test wait for one. */
import type { Log, LogFields } from "../../src/runtime/log.ts";

export type LogRecord = Readonly<Record<string, unknown>>;

export class RecordingLog implements Log {
  readonly records: LogRecord[] = [];
  #watchers: (() => void)[] = [];

  debug = (fields: LogFields, message: string): void => this.#record("debug", fields, message);
  info = (fields: LogFields, message: string): void => this.#record("info", fields, message);
  warn = (fields: LogFields, message: string): void => this.#record("warn", fields, message);
  error = (fields: LogFields, message: string): void => this.#record("error", fields, message);
  audit = (fields: LogFields, message: string): void => this.#record("info", fields, message);
  child = (): Log => this;

  /** Resolves when so many records have had this message. */
  async logged(message: RegExp, times = 1): Promise<readonly LogRecord[]> {
    for (;;) {
      const found = this.records.filter((record) => message.test(String(record["message"])));
      if (found.length >= times) return found;
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  #record(level: string, fields: LogFields, message: string): void {
    this.records.push({ ...fields, level, message });
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}
