/** The generated documents are what validators of Swagger, of OpenAPI and of Azure's examples take for valid. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { contracts, generated, served } from "./contracts.ts";
import { tool } from "./tools.ts";

/** What is used of oav. */
interface Oav {
  readonly FileLoader: {
    readonly prototype: { preloadExtraFile: (this: unknown, url: string, text: string) => void };
  };
  readonly SemanticValidator: new (path: string) => {
    initialize(): Promise<unknown>;
    validateSpec(): Promise<{ readonly errors: readonly unknown[] }>;
  };
  readonly NewModelValidator: new (path: string) => {
    readonly result: readonly { readonly operationId: string; readonly code: string }[];
    initialize(): Promise<unknown>;
    validateOperations(): Promise<void>;
  };
}

const oav = tool<Oav>("oav");

/** What oav finds in examples and is meant so: the operation and the code. */
const allowed = [
  // it is deprecated because secrets belong to an action; the first version has it, as its users know it
  "OpenShiftClusters_GetCredentials SECRET_PROPERTY",
];

/** oav knows this schema by an address from which its own schema no longer takes it, and would fetch it from there. */
function preloadMovedSchema(): void {
  const loader = oav.FileLoader.prototype;
  const { preloadExtraFile } = loader;
  const name = "/example-schema.json";
  const moved =
    "https://raw.githubusercontent.com/Azure/autorest/main/packages/libs/autorest-schemas";
  loader.preloadExtraFile = function (url, text) {
    preloadExtraFile.call(this, url, text);
    if (url.endsWith(name)) preloadExtraFile.call(this, moved + name, text);
  };
}

preloadMovedSchema();

describe.each(contracts)("$version", ({ path }) => {
  test("oav finds nothing wrong with the Swagger", async () => {
    const validator = new oav.SemanticValidator(path);
    await validator.initialize();
    expect((await validator.validateSpec()).errors).toEqual([]);
  });

  test("oav finds nothing wrong with the examples but what is meant so", async () => {
    const validator = new oav.NewModelValidator(path);
    await validator.initialize();
    await validator.validateOperations();
    const findings = validator.result.filter(
      ({ operationId, code }) => !allowed.includes(`${operationId} ${code}`),
    );
    expect(findings).toEqual([]);
  });
});

const documents = globSync(
  ["swagger/*/*/*.json", "openapi3/**/*.json", "runtime/*/openapi.json", "arm/*.json"],
  { cwd: generated },
);

test("there are documents of every kind and version, and each version is served", () => {
  expect(served).toEqual(contracts);
  expect(documents.length).toBeGreaterThanOrEqual(contracts.length * 4);
});

describe.each(documents)("%s", (document) => {
  const path = join(generated, document);

  test("is valid for openapi-parser", async () => {
    type Answer = { readonly valid: boolean; readonly warnings: readonly unknown[] };
    type Parser = { validate(path: string): Promise<Answer> };
    const answer = await tool<Parser>("@readme/openapi-parser").validate(path);
    expect(answer).toMatchObject({ valid: true, warnings: [] });
  });

  test("is valid for swagger-parser", async () => {
    type Parser = { validate(path: string): Promise<object> };
    const validated = await tool<Parser>("@apidevtools/swagger-parser").validate(path);
    expect(validated).toHaveProperty("paths");
  });
});
