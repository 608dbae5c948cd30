/** A clock for callers that pause between attempts: pauses pass at once, and with them the time; a limit is waited for. */
import { TestClock } from "./testClock.ts";

export class HastyClock extends TestClock {
  /** How long each pause was. */
  readonly pauses: number[] = [];
  /** How long each sleep was that the time is turned for. */
  readonly waits: number[] = [];
  readonly #limitMs: number;

  /** @param limitMs what sleeps this long or longer is no pause. */
  constructor(limitMs: number) {
    super();
    this.#limitMs = limitMs;
  }

  override sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (durationMs >= this.#limitMs) {
      this.waits.push(durationMs);
      return super.sleep(durationMs, signal);
    }
    this.pauses.push(durationMs);
    return this.advance(durationMs);
  }
}
