/** A connection of a hostile client: it writes bytes, and takes apart the answers that come back. */
import { connect, type Socket } from "node:net";

/** An answer, its body with each byte as a character. */
export interface FuzzAnswer {
  readonly status: number;
  /** By name in lower case; of several the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class FuzzConnection {
  readonly #socket: Socket;
  #text = "";
  #isEnded = false;
  #watcher = (): void => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      this.#watcher();
    });
    const end = (): void => {
      this.#isEnded = true;
      this.#watcher();
    };
    socket.on("error", end).once("end", end).once("close", end);
  }

  static async open(url: string): Promise<FuzzConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const opened = Promise.withResolvers<void>();
    socket.once("connect", opened.resolve).once("error", opened.reject);
    await opened.promise;
    socket.off("error", opened.reject);
    return new FuzzConnection(socket);
  }

  /** Whether the other side has closed it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  write(bytes: string): void {
    this.#socket.write(bytes, "latin1");
  }

  /** Nothing more will be written. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * The next answer that is no interim one; `undefined` when the connection ends without.
   *
   * @throws {Error} when neither comes in time, or what comes is no HTTP.
   */
  async answer(method: string, withinMs: number): Promise<FuzzAnswer | undefined> {
    for (const until = performance.now() + withinMs; ;) {
      const found = this.#take(method);
      if (found !== undefined && found.status >= 200) return found;
      if (found !== undefined) continue;
      if (this.#isEnded) {
        if (this.#text !== "") throw new Error(`half an answer: ${this.#text.slice(0, 300)}`);
        return undefined;
      }
      const restMs = until - performance.now();
      if (restMs <= 0) throw new Error(`no answer within ${withinMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, restMs);
        this.#watcher = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #take(method: string): FuzzAnswer | undefined {
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first = "", ...lines] = this.#text.slice(0, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${first} `)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no HTTP answer: ${first.slice(0, 300)}`);
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
    const from = end + 4;
    let length = hasBody ? Number(headers["content-length"] ?? "0") : 0;
    if (hasBody && headers["transfer-encoding"] !== undefined) {
      const last = this.#text.indexOf("0\r\n\r\n", from);
      if (last < 0) return undefined;
      length = last + 5 - from;
    }
    if (this.#text.length < from + length) return undefined;
    const body = this.#text.slice(from, from + length);
    this.#text = this.#text.slice(from + length);
    return { status, headers, body };
  }
}
