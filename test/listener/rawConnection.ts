/** A connection on which a test writes bytes as they are, and reads what comes back, as no HTTP client would. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { watch } from "../leaks/leakWatch.ts";

/** Of what has come: more than an answer that could hold a secret has. */
const watchedMax = 256 * 1024;

export class RawConnection {
  readonly socket: Socket;
  /** Everything that has come so far, each byte as a character. */
  text = "";
  /** Whether the other side has closed it, or reset it. */
  isClosed = false;
  #watchers: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
      // whole, since a secret may come in two pieces
      watch("bytes of a connection", Buffer.from(this.text.slice(-watchedMax), "latin1"));
      this.#changed();
    });
    socket.on("error", () => {
      // a reset; 'close' follows
    });
    socket.once("close", () => {
      this.isClosed = true;
      this.#changed();
    });
  }

  static async open(url: string, options: { readonly allowHalfOpen?: boolean } = {}) {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), ...options });
    onTestFinished(() => void socket.destroy());
    const connection = new RawConnection(socket);
    await Promise.race([once(socket, "connect"), once(socket, "close")]);
    return connection;
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Writes, and waits until it has left this process or the connection is closed. */
  async writeOut(bytes: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const goOn = (): void => resolve();
    if (this.socket.writable) this.socket.write(bytes, goOn);
    if (!this.isClosed) this.socket.once("close", goOn);
    else resolve();
    await promise;
    this.socket.off("close", goOn);
  }

  /** Resolves when the text has this in it; also when the connection is closed, so that the expectation fails. */
  async until(wanted: RegExp): Promise<string> {
    while (!wanted.test(this.text) && !this.isClosed) await this.#change();
    return this.text;
  }

  async closed(): Promise<string> {
    while (!this.isClosed) await this.#change();
    return this.text;
  }

  /** The status of each answer, in order. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}
