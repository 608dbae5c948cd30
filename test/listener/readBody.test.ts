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

async function messageFor(body: string | Buffer): Promise<string> {
  const bytes = Buffer.from(body);
  const request = Object.assign(Readable.from([bytes]), {
    method: "PUT",
    httpVersion: "1.1",
    headers: { "content-type": "application/json", "content-length": `${bytes.length}` },
  });
  const reading = readBody(readConfig({}).limits.body)(
    request as never,
    new EventEmitter() as never,
    () => {},
  ) as unknown as Promise<void>;
  return reading.then(
    () => "",
    ({ message }: Error) => message,
  );
}

const unreadable = "The body could not be read: it must be one JSON object, in UTF-8";
test.each<[string, string | Buffer, string]>([
  ["a comma too many", '{"a": 1,}', "; the parser stumbled at line 1, column 9."],
  ["a comma too few", '{\n  "a": 1\n  "b": 2\n}', "; the parser stumbled at line 3, column 3."],
  ["other quotes", "{'secret': 1}", "; the parser stumbled at line 1, column 2."],
  // the parser doesn't tell the place but quotes what is there
  ["a word", '{"a": secret}', "."],
  ["a text that looks like the parser's", "x in JSON at position 7 (line 1 column 8)", "."],
  ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]), "."],
  ["no object", "1", "."],
])("the place of what is no JSON is told, and nothing quoted: %s", async (_what, body, place) => {
  expect(await messageFor(body)).toBe(`${unreadable}${place}`);
});

test("a fault of our own while a body is read is no fault of the body", async () => {
  const error = await failedWith(Object.assign(new Error("EMFILE"), { code: "EMFILE" }));
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(RpError);
});

test("a connection that breaks off is the caller's", async () => {
  const error = await failedWith(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
  expect(error).toMatchObject({ code: "RequestTimeout" });
});
