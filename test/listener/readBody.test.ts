/** Reading bodies: whose fault it is when one cannot be read. */
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readBody } from "../../src/listener/readBody.ts";
import { RpError } from "../../src/model/rpError.ts";

test("a fault of our own in the parser is no fault of the body", async () => {
  const missing = Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
  const unreadable = Object.assign(new Error("EMFILE"), { code: "EMFILE", syscall: "open" });
  for (const fault of [missing, unreadable]) {
    const request = Object.assign(new Readable({ read() {} }), {
      method: "PUT",
      headers: { "content-type": "application/json", "content-length": "2" },
    });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    readBody({ limitBytes: 1_024 })(request as never, {} as never, resolve);
    request.destroy(fault);
    const error = await promise;
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(RpError);
  }
});
