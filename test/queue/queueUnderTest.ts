/** What a case of the queue's suite is given. */
import type { Queue } from "../../src/queue/queue.ts";

/** An empty queue, as one case has it for itself. */
export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: Queue;
  /** A second one on the same messages, as another process has it. */
  readonly other: Queue;
  /** Lets time pass by the queue's clock. */
  readonly advance: (durationMs: number) => Promise<void>;
  /** Sets the queue's clock back. */
  readonly setBack: (durationMs: number) => void;
}
