/**
 * Standard output for whole lines. A line is written at once, so that the last one before a crash is there; only when nobody
 * reads do lines wait, up to a limit. Beyond it they are dropped, and once there is a reader again somebody is told how many.
 *
 * It must never wait for a reader: a pipe that is full would stop the whole process, and with it the answer to a signal.
 */
import { writeSync } from "node:fs";
import type { Clock } from "./clock.ts";

/** Where lines go: whole ones, each with its line feed. */
export interface LineSink {
  write(line: string): void;
}

const waitingBytesMax = 1024 * 1024;
/** How often it is tried again while nobody reads. */
const retryMs = 50;
const flushPauseMs = 5;

export interface LineOutputOptions {
  readonly clock: Clock;
  /**
   * Writes what can be written without waiting.
   *
   * @returns how many bytes that was.
   * @throws {Error} with the code `EAGAIN` when nobody reads.
   */
  readonly write?: (bytes: Uint8Array) => number;
  /** Told how many lines were dropped, once there is room again. */
  readonly onDropped: (lines: number) => void;
}

export class LineOutput implements LineSink {
  readonly #clock: Clock;
  readonly #write: (bytes: Uint8Array) => number;
  readonly #onDropped: (lines: number) => void;
  /** Of the first a part may be written already. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #droppedTotal = 0;
  #isRetrying = false;

  constructor({ clock, write = writeToStandardOutput, onDropped }: LineOutputOptions) {
    this.#clock = clock;
    this.#write = write;
    this.#onDropped = onDropped;
  }

  /** How many lines were dropped since the start. */
  get droppedTotal(): number {
    return this.#droppedTotal;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes.length > waitingBytesMax) {
      this.#dropped += 1;
      this.#droppedTotal += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isRetrying && !this.#drain()) void this.#retry();
  }

  /** Tries to write what waits for at most so long, with the event loop standing still: for the end of the process. */
  flush(limitMs: number): void {
    for (let waitedMs = 0; !this.#drain() && waitedMs < limitMs; waitedMs += flushPauseMs) {
      standStill(flushPauseMs);
    }
  }

  async #retry(): Promise<void> {
    this.#isRetrying = true;
    do {
      await this.#clock.sleep(retryMs);
    } while (!this.#drain());
    this.#isRetrying = false;
  }

  /** @returns whether nothing waits any more. */
  #drain(): boolean {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return true;
      try {
        const count = this.#write(first);
        this.#waitingBytes -= count;
        if (count < first.length) this.#waiting[0] = first.subarray(count);
        else this.#waiting.shift();
      } catch (error) {
        if (isAgain(error)) return false;
        // a reader that is gone, a full disk: there is nobody who could be told
        this.#dropped += this.#waiting.length;
        this.#droppedTotal += this.#waiting.length;
        this.#waiting = [];
        this.#waitingBytes = 0;
        return true;
      }
      if (this.#waiting.length === 0) this.#tellDropped();
    }
  }

  #tellDropped(): void {
    const lines = this.#dropped;
    this.#dropped = 0;
    if (lines > 0) this.#onDropped(lines);
  }
}

function isAgain(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

function writeToStandardOutput(bytes: Uint8Array): number {
  // asking for the stream makes a pipe or socket one that doesn't wait; files and terminals always take what they are given
  return writeSync(process.stdout.fd, bytes);
}

function standStill(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
