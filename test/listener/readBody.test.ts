/** Reading bodies: whose fault it is when one cannot be read. */
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { readBody } from "../../src/listener/readBody.ts";
import { RpError } from "../../src/model/rpError.ts";

async function failedWith(fault: Error): Promise<unknown> {
  const request = Object.assign(new Readable({ read() {} }), {
    method: "PUT",
    httpVersion: "1.1",
    headers: { "content-type": "application/json", "content-length": "2" },
  });
  const reading = readBody(readConfig({}).limits.body)(
    request as never,
    new EventEmitter() as never,
    () => {},
  ) as unknown as Promise<void>;
  request.destroy(fault);
  return reading.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("a fault of our own while a body is read is no fault of the body", async () => {
  const error = await failedWith(Object.assign(new Error("EMFILE"), { code: "EMFILE" }));
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(RpError);
});

test("a connection that breaks off is the caller's", async () => {
  const error = await failedWith(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
  expect(error).toMatchObject({ code: "RequestTimeout" });
});
