/** How the server's document is made, on documents small enough to see why. */
import { describe, expect, test } from "vitest";
import type { OpenApi, Operation, Parameter, Schema } from "../../spec/codegen/document.ts";
import { flatten } from "../../spec/codegen/flatten.ts";
import { normalise } from "../../spec/codegen/normalise.ts";
import { patchSchema, requestSchema } from "../../spec/codegen/requestSchemas.ts";
import { reachable } from "../../spec/codegen/types.ts";

const json = (schema: Schema): { "application/json": { schema: Schema } } => ({
  "application/json": { schema },
});
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

function operation(parts: Partial<Operation>): Operation {
  return { operationId: "Things_Do", parameters: [], responses: {}, ...parts };
}

function document(parts: Partial<OpenApi>): OpenApi {
  return {
    openapi: "3.0.0",
    info: { title: "Things", version: "v" },
    paths: {},
    components: { schemas: {} },
    ...parts,
  };
}

describe("flatten", () => {
  const schemas: Record<string, Schema> = {
    Base: { type: "object", required: ["a"], properties: { a: { type: "string" } } },
    Name: { type: "string", format: "uuid", description: "d" },
  };
  const flat = (schema: Schema): Schema => flatten(schema, document({ components: { schemas } }));

  test("joins the members and the needed ones of all parts", () => {
    const own = { type: "object", required: ["b"], properties: { b: { type: "integer" } } };
    expect(flat({ ...own, allOf: [ref("Base")] })).toEqual({
      type: "object",
      required: ["b", "a"],
      properties: { b: { type: "integer" }, a: { type: "string" } },
    });
  });

  test("takes what stands beside a reference with it", () => {
    expect(flat({ ...ref("Name"), minLength: 1 })).toEqual({ type: "string", minLength: 1 });
  });

  test("keeps checks and drops what checks nothing", () => {
    const schema = { type: "integer", minimum: 1, format: "int32", default: 2, title: "t" };
    expect(flat({ ...schema, "x-more": {} })).toEqual({ type: "integer", minimum: 1 });
  });

  test("makes a string of an enum that other strings may join, and keeps a closed one", () => {
    const closed = { type: "string", enum: ["a"] };
    expect(flat({ anyOf: [closed, { type: "string" }] })).toEqual({ type: "string" });
    expect(flat(closed)).toEqual(closed);
  });

  test.each<[string, Schema]>([
    ["an unknown keyword", { type: "array", uniqueItems: true }],
    ["a choice of closed enums", { anyOf: [{ type: "string", enum: ["a"] }] }],
    ["a choice of types", { anyOf: [{ type: "string" }, { type: "integer" }] }],
    ["parts that contradict each other", { type: "integer", allOf: [ref("Name")] }],
    ["a reference to nothing", ref("Gone")],
    ["a reference elsewhere", { $ref: "other.json#/X" }],
  ])("refuses %s", (_, schema) => {
    expect(() => flat(schema)).toThrow(TypeError);
  });
});

describe("requestSchema", () => {
  const asked: Schema = {
    type: "object",
    required: ["size"],
    properties: {
      size: { type: "integer", default: 1 },
      id: { type: "string", readOnly: true },
      tags: { type: "object", additionalProperties: { type: "string" } },
      parts: { type: "array", maxItems: 2, items: { type: "object", properties: {} } },
    },
  };
  const shown: Schema = {
    type: "object",
    properties: {
      ...asked.properties,
      state: { type: "string" },
      parts: {
        type: "array",
        items: { type: "object", properties: { url: { type: "string" } } },
      },
    },
  };

  test("closes objects and takes any value for members that are only shown", () => {
    expect(requestSchema({}, asked, shown)).toEqual({
      type: "object",
      required: ["size"],
      properties: {
        size: { type: "integer" },
        id: {},
        tags: { type: "object", additionalProperties: { type: "string" } },
        parts: {
          type: "array",
          maxItems: 2,
          items: { type: "object", properties: { url: {} }, additionalProperties: false },
        },
        state: {},
      },
      additionalProperties: false,
    });
  });

  test("knows no member beyond the request's when nothing is shown", () => {
    expect(Object.keys(requestSchema({}, asked, undefined).properties ?? {})).not.toContain(
      "state",
    );
  });
});

test("patchSchema lets every member be absent or null, but no item", () => {
  const put: Schema = {
    type: "object",
    required: ["mode"],
    properties: {
      any: {},
      mode: { type: "string", enum: ["a"] },
      tags: { type: "object", additionalProperties: { type: "string" } },
      parts: {
        type: "array",
        minItems: 1,
        maxItems: 2,
        items: {
          type: "object",
          required: ["n"],
          properties: { n: { type: "integer" } },
          additionalProperties: false,
        },
      },
    },
    additionalProperties: false,
  };
  expect(patchSchema(put)).toEqual({
    type: "object",
    properties: {
      any: {},
      mode: { type: "string", enum: ["a", null], nullable: true },
      tags: {
        type: "object",
        additionalProperties: { type: "string", nullable: true },
        nullable: true,
      },
      parts: {
        type: "array",
        maxItems: 2,
        nullable: true,
        items: {
          type: "object",
          properties: { n: { type: "integer", nullable: true } },
          additionalProperties: false,
        },
      },
    },
    additionalProperties: false,
  });
});

describe("normalise", () => {
  const parameters: Parameter[] = [
    { $ref: "#/components/parameters/Version" } as Parameter,
    { name: "group", in: "path", required: true, schema: { type: "string", pattern: "^[a-z]+$" } },
  ];
  const Version: Parameter = {
    name: "api-version",
    in: "query",
    required: true,
    schema: { type: "string", minLength: 1 },
  };

  test("checks no name in the path, and reads a query key as one value", () => {
    const emitted = document({
      paths: { "/{group}": { get: operation({ parameters }) } },
      components: {
        schemas: {},
        parameters: { Version: { ...Version, explode: false } as Parameter },
      },
    });
    expect(normalise(emitted).paths["/{group}"]?.["get"]?.parameters).toEqual([
      Version,
      { name: "group", in: "path", required: true, schema: { type: "string" } },
    ]);
  });

  test("closes answers, keeps an object that contains itself, and drops what nothing needs", () => {
    const Fault: Schema = {
      type: "object",
      description: "d",
      properties: {
        code: { type: "string", readOnly: true },
        details: { type: "array", items: ref("Fault") },
        info: { description: "anything" },
      },
    };
    const emitted = document({
      paths: {
        "/": {
          get: operation({
            responses: {
              "200": {
                description: "ok",
                content: json({ allOf: [ref("Fault")], description: "x" }),
              },
              "204": { description: "nothing" },
            },
          }),
        },
      },
      components: { schemas: { Fault, Unused: { type: "object" } } },
    });
    const { paths, components } = normalise(emitted);
    expect(paths["/"]?.["get"]?.responses).toEqual({
      "200": { description: "ok", content: json(ref("Fault")) },
      "204": { description: "nothing" },
    });
    expect(components.schemas).toEqual({
      Fault: {
        type: "object",
        properties: {
          code: { type: "string" },
          details: { type: "array", items: ref("Fault") },
          info: {},
        },
        additionalProperties: false,
      },
    });
  });

  const body = (schema: Schema): Partial<Operation> => ({
    requestBody: { required: true, content: json(schema) },
  });
  const Put: Schema = { type: "object", required: ["a"], properties: { a: { type: "string" } } };

  test("takes the body of a PATCH from the PUT", () => {
    const emitted = document({
      paths: {
        "/": {
          patch: operation(body({ type: "object", properties: {} })),
          put: operation(body(Put)),
        },
      },
    });
    expect(normalise(emitted).paths["/"]?.["patch"]?.requestBody).toEqual({
      required: true,
      content: json({
        type: "object",
        properties: { a: { type: "string", nullable: true } },
        additionalProperties: false,
      }),
    });
  });

  test("knows no member of an action's answer in its request", () => {
    const Shown: Schema = { type: "object", properties: { b: { type: "string" } } };
    const responses = { "200": { description: "", content: json(Shown) } };
    const schemaOf = (method: string): Schema | undefined => {
      const one = operation({ ...body(Put), responses });
      const { paths } = normalise(document({ paths: { "/": { [method]: one } } }));
      return paths["/"]?.[method]?.requestBody?.content["application/json"].schema;
    };
    expect(Object.keys(schemaOf("post")?.properties ?? {})).toEqual(["a"]);
    expect(Object.keys(schemaOf("put")?.properties ?? {})).toEqual(["a", "b"]);
  });

  test("refuses a PATCH without a PUT", () => {
    const emitted = document({ paths: { "/": { patch: operation(body(Put)) } } });
    expect(() => normalise(emitted)).toThrow(/no PUT/);
  });

  test("leaves the emitted document as it is", () => {
    const emitted = document({ paths: { "/": { put: operation(body(Put)) } } });
    const copy = structuredClone(emitted);
    normalise(emitted);
    expect(emitted).toEqual(copy);
  });
});

test("reachable keeps what an operation leads to, and ways to authenticate", () => {
  const emitted = document({
    paths: {
      "/": {
        get: operation({ responses: { "200": { description: "", content: json(ref("A")) } } }),
      },
    },
    components: {
      schemas: { A: { items: ref("B") }, B: {}, C: { items: ref("A") } },
      securitySchemes: { auth: {} },
    } as OpenApi["components"],
  });
  expect(reachable(emitted).components).toEqual({
    schemas: { A: { items: ref("B") }, B: {} },
    securitySchemes: { auth: {} },
  });
});
