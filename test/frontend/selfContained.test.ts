/** How a document takes in what it refers to, on files small enough to see why. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { selfContained } from "../../src/frontend/docsPage/selfContained.ts";
import { temporaryFolder } from "../process/rpProcess.ts";

/** The first of these documents, with the others beside it. */
function made(first: object, others: Readonly<Record<string, object>>): object {
  using folder = temporaryFolder();
  const write = (name: string, document: object): string => {
    const path = join(folder.path, name);
    writeFileSync(path, JSON.stringify(document));
    return path;
  };
  for (const [name, document] of Object.entries(others)) write(name, document);
  return selfContained(pathToFileURL(write("first.json", first)));
}

test("what is named by a pointer becomes a member of the same section, with what it needs itself", () => {
  const document = {
    paths: { "/": [{ $ref: "common.json#/parameters/P" }, { $ref: "#/definitions/A" }] },
    definitions: { A: { allOf: [{ $ref: "common.json#/definitions/Base", note: "kept" }] } },
  };
  const common = {
    parameters: { P: { in: "path" }, Unused: {} },
    definitions: {
      Base: {
        properties: { next: { $ref: "#/definitions/Base" }, k: { $ref: "#/definitions/K" } },
      },
      K: { type: "string" },
    },
  };
  expect(made(document, { "common.json": common })).toEqual({
    paths: { "/": [{ $ref: "#/parameters/P" }, { $ref: "#/definitions/A" }] },
    parameters: { P: { in: "path" } },
    definitions: {
      ...common.definitions,
      A: { allOf: [{ $ref: "#/definitions/Base", note: "kept" }] },
    },
  });
});

test("what is named as a whole takes the place of the reference", () => {
  const document = { examples: { one: { $ref: "./example.json" } } };
  expect(made(document, { "example.json": { a: 1 } })).toEqual({ examples: { one: { a: 1 } } });
});

test.each<[string, object, Readonly<Record<string, object>>, RegExp]>([
  ["a missing file", { $ref: "none.json" }, {}, /ENOENT/],
  [
    "a missing member",
    { a: { $ref: "b.json#/definitions/B" } },
    { "b.json": {} },
    /nothing at #\/definitions\/B/,
  ],
  ["a deeper pointer", { a: { $ref: "b.json#/a/b/c" } }, { "b.json": {} }, /nothing at/],
  [
    "a name taken by the document",
    { a: { $ref: "b.json#/definitions/B" }, definitions: { B: {} } },
    { "b.json": { definitions: { B: {} } } },
    /both have #\/definitions\/B/,
  ],
  [
    "a name taken by another file",
    { a: { $ref: "b.json#/definitions/B" }, b: { $ref: "c.json#/definitions/B" } },
    { "b.json": { definitions: { B: {} } }, "c.json": { definitions: { B: {} } } },
    /both have #\/definitions\/B/,
  ],
])("refused: %s", (_name, document, others, expected) => {
  expect(() => made(document, others)).toThrow(expected);
});
