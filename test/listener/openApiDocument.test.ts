/** What every listener's contract rests on, beyond what its own tests show: nothing that is judged is changed. */
import { expect, test } from "vitest";
import type { Document } from "openapi-backend";
import { OpenApiDocument } from "../../src/listener/openApiDocument.ts";
import { parseRequestPath } from "../../src/listener/requestPath.ts";
import type { Fault } from "../../src/model/rpError.ts";

const definition = {
  openapi: "3.0.0",
  info: { title: "things", version: "1" },
  paths: {
    "/things/{number}": {
      put: {
        operationId: "Things_Put",
        parameters: [
          { name: "number", in: "path", required: true, schema: { type: "integer" } },
          { name: "top", in: "query", schema: { type: "integer", maximum: 10 } },
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: {
                type: "object",
                additionalProperties: false,
                properties: { size: { type: "integer", default: 3 }, name: { type: "string" } },
              },
            },
          },
        },
        responses: { 200: { description: "done" } },
      },
    },
  },
} satisfies Document;

const handlers = { Things_Put: undefined };

test("a document with an operation that has no handler is refused", async () => {
  await expect(OpenApiDocument.load(definition, {})).rejects.toThrow(
    "no handler for operation Things_Put",
  );
});

test("what is judged stays as it was, without a default and without a number made of a text", async () => {
  const document = await OpenApiDocument.load(definition, handlers);
  const found = document.find("PUT", parseRequestPath("/THINGS/12?top=7"));
  expect(found?.parameters).toEqual({ number: "12" });
  const request = { parameters: { number: "12" }, query: { top: "7" }, body: { name: "a" } };
  expect(document.faults("Things_Put", request)).toEqual([]);
  expect(request).toEqual({
    parameters: { number: "12" },
    query: { top: "7" },
    body: { name: "a" },
  });
});

test("everything that is wrong is told at once; of a body alone, nothing but that", async () => {
  const document = await OpenApiDocument.load(definition, handlers);
  const body = { size: "3", other: 1 };
  const request = { parameters: { number: "x" }, query: { top: "11", foo: "1" }, body };
  const targets = (faults: readonly Fault[]): string[] =>
    faults.map(({ target = "" }) => target).toSorted();
  expect(targets(document.faults("Things_Put", request))).toEqual(
    ["other", "path.number", "query.foo", "query.top", "size"].toSorted(),
  );
  expect(targets(document.bodyFaults("Things_Put", body))).toEqual(["other", "size"]);
  expect(document.bodyFaults("Things_Put", undefined)).toHaveLength(1);
});
