/**
 * Reads a body into memory, never more than its limit, nor more than `bodyBudget.ts` leaves for it: it refuses as soon as that is
 * certain, and leaves the rest unread. What it holds counts until the request is answered.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import type { BodyLimits } from "../model/limits.ts";
import { RpError } from "../model/rpError.ts";
import { BodyBudget } from "./bodyBudget.ts";

type Unpack = (packed: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const encodings: Readonly<Record<string, Unpack>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** What a body begins with; it grows as bytes come, since a length is easily claimed. */
const firstBytes = 4 * 1024;

export class BodyBytes {
  readonly #limits: Pick<BodyLimits, "bytes">;
  readonly #budget: BodyBudget;

  constructor(limits: Pick<BodyLimits, "bytes" | "totalBytes">) {
    this.#limits = limits;
    this.#budget = new BodyBudget(limits);
  }

  /**
   * The body, unpacked.
   *
   * @param subscription whose share of the budget it counts to.
   * @throws {RpError} `RequestEntityTooLarge`; `UnsupportedMediaType` for another encoding; `InvalidRequestContent` when it
   *   can't be unpacked; `TooManyRequests` or `ServiceUnavailable` when its subscription or all others hold too much;
   *   `RequestTimeout` when it did not come whole.
   */
  async read(
    request: IncomingMessage,
    response: ServerResponse,
    subscription?: string,
  ): Promise<Buffer> {
    const { headers } = request;
    if (Number(headers["content-length"] ?? "0") > this.#limits.bytes) throw this.#tooLarge();
    const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
    const unpack = Object.hasOwn(encodings, encoding) ? encodings[encoding] : undefined;
    if (unpack === undefined && encoding !== "identity") {
      throw new RpError({
        code: "UnsupportedMediaType",
        message: "The content encoding of the body must be identity, gzip, deflate or br.",
      });
    }
    if (expectsContinue(request)) response.writeContinue();
    const hold = this.#budget.account(response, subscription);
    const bytes = await this.#receive(request, hold);
    return unpack === undefined ? bytes : this.#unpack(unpack, bytes, hold);
  }

  async #receive(request: IncomingMessage, hold: (bytes: number) => void): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // one buffer rather than a list: a million pieces of a byte each take a hundred times as much
    let bytes = Buffer.alloc(0);
    let length = 0;
    const take = (piece: Buffer): void => {
      try {
        const needed = length + piece.length;
        if (needed > this.#limits.bytes) throw this.#tooLarge();
        if (needed > bytes.length) {
          const wanted = Math.max(firstBytes, 2 * bytes.length, needed);
          const size = Math.min(wanted, this.#limits.bytes);
          hold(size - bytes.length);
          const grown = Buffer.allocUnsafe(size);
          bytes.copy(grown, 0, 0, length);
          bytes = grown;
        }
        length += piece.copy(bytes, length);
      } catch (error) {
        // the rest, as far as it is waited for, goes nowhere
        request.off("data", take).resume();
        reject(error);
      }
    };
    // told also after a whole body, where to make an error would cost as much as to read it
    const cutOff = (): void => (request.readableEnded ? undefined : reject(notWhole(undefined)));
    // who reads no more has to listen to errors all the same
    request.once("error", (error) => reject(notWhole(error)));
    request.on("data", take).once("end", resolve).once("close", cutOff);
    try {
      await promise;
    } finally {
      request.off("data", take).off("end", resolve).off("close", cutOff);
    }
    return bytes.subarray(0, length);
  }

  async #unpack(unpack: Unpack, packed: Buffer, hold: (bytes: number) => void): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await unpack(packed, { maxOutputLength: this.#limits.bytes });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ERR_BUFFER_TOO_LARGE") throw this.#tooLarge();
      if (code === "Z_MEM_ERROR") throw error;
      throw new RpError({
        code: "InvalidRequestContent",
        message: "The body could not be unpacked as its content encoding says.",
      });
    }
    hold(bytes.length);
    return bytes;
  }

  #tooLarge(): RpError {
    return new RpError({
      code: "RequestEntityTooLarge",
      message: `The body is larger than the limit of ${this.#limits.bytes} bytes.`,
    });
  }
}

/** Only the caller's end of the connection is to blame for what is known to be its doing. */
function notWhole(error: unknown): Error {
  if (error !== undefined && (error as NodeJS.ErrnoException).code !== "ECONNRESET") {
    return new Error("reading the body failed", { cause: error });
  }
  // nobody is there to read it; the log has it
  return new RpError({ code: "RequestTimeout", message: "The request was not sent to its end." });
}

/** As Node judges it before it hands on a request: whoever isn't told to go on sends no body. */
function expectsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === "1.1" && /(^|\W)100-continue(\W|$)/i.test(headers.expect ?? "");
}
