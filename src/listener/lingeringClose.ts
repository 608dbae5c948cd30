/**
 * The end of a connection whose caller is still sending. Closing it at once makes TCP reset it, which can take away the answer
 * that is on its way (RFC 9112, section 9.6); so our side is closed first, and what still comes is thrown away: a bounded
 * amount, for a bounded time. It never writes anything.
 */
import type { Socket } from "node:net";
import type { Clock } from "../runtime/clock.ts";

/** How much is thrown away: what a client sends on before it looks for an answer. */
const bytesMax = 4 * 1024 * 1024;
/** Long enough for an answer to get around the world. */
const lingerMs = 5_000;
/** How exactly the amount is held. */
const lookMs = 50;

export class LingeringCloses {
  readonly #clock: Clock;
  readonly #begun = new WeakSet<Socket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the end of this connection has begun: nothing that comes counts any more. */
  has(socket: Socket): boolean {
    return this.#begun.has(socket);
  }

  /** Begins the end, once what was written is sent. Somebody has to go on reading. */
  begin(socket: Socket): void {
    if (this.has(socket)) return;
    this.#begun.add(socket);
    socket.end();
    void this.#destroyInTime(socket);
  }

  async #destroyInTime(socket: Socket): Promise<void> {
    const closed = new AbortController();
    socket.once("close", () => closed.abort());
    const bytesBefore = socket.bytesRead;
    const until = this.#clock.monotonic() + lingerMs;
    try {
      while (socket.bytesRead - bytesBefore <= bytesMax && this.#clock.monotonic() < until) {
        await this.#clock.sleep(lookMs, closed.signal);
      }
    } catch {
      // the caller has closed its side
    }
    socket.destroy();
  }
}
