/** What is taken from a Swagger: operationIds, visibility, common types; on documents small enough to see why. */
import { describe, expect, test } from "vitest";
import { bundled, commonTypes, withCommonTypes } from "../../spec/codegen/commonTypes.ts";
import type { OpenApi, Operation, Paths, Schema, Swagger } from "../../spec/codegen/document.ts";
import { withoutListDefaults } from "../../spec/codegen/listDefaults.ts";
import {
  operationIdsModule,
  operationIdsOf,
  withOperationIdsOf,
} from "../../spec/codegen/operationIds.ts";
import { visibilityTable } from "../../spec/codegen/visibility.ts";

const string: Schema = { type: "string" };

function operation(operationId: string, parts: Partial<Operation> = {}): Operation {
  return { operationId, parameters: [], responses: {}, ...parts };
}

function swagger(paths: Paths, definitions: Record<string, Schema> = {}): Swagger {
  return { swagger: "2.0", info: { title: "Things", version: "v" }, paths, definitions };
}

function openApi(paths: Paths, components: OpenApi["components"] = { schemas: {} }): OpenApi {
  return { openapi: "3.0.0", info: { title: "Things", version: "v" }, paths, components };
}

describe("operationIds", () => {
  const paths = { "/": { get: operation("Things_List"), post: operation("Things_Do") } };

  test("are spelled as in the Swagger", () => {
    const document = openApi({
      "/": { post: operation("Things_do"), get: operation("Things_list") },
    });
    expect(operationIdsOf(swagger(paths))).toEqual(["Things_List", "Things_Do"]);
    const renamed = withOperationIdsOf(swagger(paths), document).paths["/"] ?? {};
    expect(renamed["post"]?.operationId).toBe("Things_Do");
    expect(renamed["get"]?.operationId).toBe("Things_List");
  });

  test("must be there for every operation", () => {
    const document = openApi({ "/": { put: operation("Things_put") } });
    expect(() => withOperationIdsOf(swagger(paths), document)).toThrow(/lacks put/);
  });

  test("become a list for each version", () => {
    const own = { arm: ["C_D", "E_F"], admin: ["G_H"] };
    const text = operationIdsModule(new Map([["v1", ["A_B"]]]), own);
    expect(text).toContain('"v1": [\n    "A_B",\n  ],');
    expect(text).toContain('export type ArmOperationId =\n  | "C_D"\n  | "E_F";');
    expect(text).toContain('export type AdminOperationId =\n  | "G_H";');
  });
});

describe("visibilityTable", () => {
  const once = { "x-ms-mutability": ["read", "create"] };

  function table(definitions: Record<string, Schema>, more: Paths = {}): unknown {
    const body = { name: "b", in: "body", schema: { $ref: "#/definitions/Thing" } };
    const put = operation("Things_Put", { parameters: [body] });
    return visibilityTable(swagger({ "/": { put }, ...more }, definitions));
  }
  const members = (
    properties: Record<string, Schema>,
    more: Record<string, Schema> = {},
  ): unknown =>
    (
      table({ Thing: { type: "object", properties }, ...more }) as {
        resource: { members: unknown };
      }
    ).resource.members;

  test("a member without a mark is mutable, and a value", () => {
    expect(members({ a: string })).toEqual({ a: { kind: "value", access: "mutable" } });
  });

  test("marks decide who may set a member, and when", () => {
    expect(
      members({
        shown: { ...string, readOnly: true },
        once: { ...string, ...once },
        written: { ...string, "x-ms-mutability": ["create", "update"], "x-ms-secret": true },
        never: { ...string, "x-ms-mutability": ["read"] },
      }),
    ).toEqual({
      shown: { kind: "value", access: "readOnly" },
      once: { kind: "value", access: "createOnly" },
      written: { kind: "value", access: "mutable", secret: true },
      never: { kind: "value", access: "readOnly" },
    });
  });

  test("a member is no more open than what it is in", () => {
    const Inner: Schema = {
      type: "object",
      properties: { a: string, b: { ...string, readOnly: true } },
    };
    expect(members({ inner: { $ref: "#/definitions/Inner", ...once } }, { Inner })).toEqual({
      inner: {
        kind: "object",
        members: {
          a: { kind: "value", access: "createOnly" },
          b: { kind: "value", access: "readOnly" },
        },
      },
    });
    const items = { type: "array", items: { $ref: "#/definitions/Inner" }, ...once };
    expect(members({ items }, { Inner })).toMatchObject({ items: { access: "createOnly" } });
  });

  test("an object that is only shown is one value", () => {
    const Inner: Schema = { type: "object", properties: { a: string } };
    expect(members({ inner: { $ref: "#/definitions/Inner", readOnly: true } }, { Inner })).toEqual({
      inner: { kind: "value", access: "readOnly" },
    });
  });

  test("an array is mutable when a member of its items is, and knows what tells them apart", () => {
    const array = (item: Schema): Schema => ({
      type: "array",
      items: { type: "object", properties: { n: { ...string, ...once }, m: item } },
      "x-ms-identifiers": ["n"],
      default: [{ n: "x" }],
    });
    const common = { kind: "array", identifiers: ["n"], default: [{ n: "x" }] };
    expect(members({ open: array(string), set: array({ ...string, ...once }) })).toMatchObject({
      open: { ...common, access: "mutable" },
      set: { ...common, access: "createOnly" },
    });
    expect(members({ plain: { type: "array", items: string } })).toMatchObject({
      plain: { access: "mutable", identifiers: [], items: { kind: "value" } },
    });
  });

  test("what all parts of the resource need, and their defaults, are kept", () => {
    const Base: Schema = { type: "object", required: ["a"], properties: { a: string } };
    const Thing: Schema = {
      allOf: [{ $ref: "#/definitions/Base" }],
      required: ["b"],
      properties: {
        b: { ...string, default: "x" },
        t: { type: "object", additionalProperties: string },
      },
    };
    expect(table({ Base, Thing })).toEqual({
      resource: {
        kind: "object",
        members: {
          a: { kind: "value", access: "mutable", required: true },
          b: { kind: "value", access: "mutable", required: true, default: "x" },
          t: { kind: "map", access: "mutable" },
        },
      },
      secrets: {},
    });
  });

  test("secrets are found at any depth of an answer, unless they are never shown", () => {
    const secret = { ...string, "x-ms-secret": true };
    const Node: Schema = {
      type: "object",
      properties: {
        key: secret,
        hidden: { ...secret, "x-ms-mutability": ["create", "update"] },
        next: { $ref: "#/definitions/Node" },
      },
    };
    const schema: Schema = {
      type: "object",
      properties: {
        one: { $ref: "#/definitions/Node" },
        all: { type: "array", items: secret },
      },
    };
    const list: Schema = { type: "array", items: { $ref: "#/definitions/Node" } };
    const answer = (body: Schema): Partial<Operation> => ({
      responses: { "200": { description: "", schema: body }, default: { description: "", schema } },
    });
    const read = table(
      { Thing: { type: "object" }, Node },
      {
        "/a": { post: operation("Things_Keys", answer(schema)) },
        "/b": { post: operation("Things_List", answer({ type: "object", properties: { list } })) },
        "/c": { post: operation("Things_None", answer({ type: "object" })) },
      },
    ) as { secrets: unknown };
    expect(read.secrets).toEqual({ Things_Keys: ["one.key"], Things_List: ["list[].key"] });
  });

  test("a contract with two resources is refused, and one with none", () => {
    expect(() => visibilityTable(swagger({}))).toThrow(/exactly one/);
    const put = operation("Things_Put");
    expect(() => visibilityTable(swagger({ "/a": { put }, "/b": { put } }))).toThrow(/exactly one/);
    expect(() => visibilityTable(swagger({ "/a": { put } }))).toThrow(/no body/);
  });
});

describe("common types", () => {
  const file = "../../common-types/resource-management/v6/types.json#";
  const components = {
    schemas: {
      "Core.region": { type: "string", description: "r" },
      "Arm.kind": { anyOf: [{ type: "string", enum: ["A"] }, { type: "string" }] },
      "Arm.Base": {
        type: "object",
        properties: {
          kind: { allOf: [{ $ref: "#/components/schemas/Arm.kind" }], readOnly: true },
          list: { type: "array", items: { $ref: "#/components/schemas/Arm.Base" } },
        },
      },
      "Arm.TrackedResource": {
        type: "object",
        properties: { location: { allOf: [{ $ref: "#/components/schemas/Core.region" }] } },
        allOf: [{ $ref: "#/components/schemas/Arm.Base" }],
      },
      "Arm.Unused": { type: "object" },
    },
    parameters: {
      "Arm.NameParameter": {
        name: "n",
        in: "path",
        required: true,
        description: "d",
        schema: { $ref: "#/components/schemas/Core.region", minLength: 1 },
      },
    },
  };
  const referring = swagger(
    {
      "/": {
        get: operation("A_B", {
          parameters: [{ $ref: `${file}/parameters/NameParameter` } as never],
        }),
      },
    },
    { Thing: { allOf: [{ $ref: `${file}/definitions/TrackedResource` }] } },
  );
  const made = commonTypes(referring, openApi({}, components));

  test("are what is referred to, under the names that ARM gives them", () => {
    expect(Object.keys(made.definitions)).toEqual(["Base", "TrackedResource", "kind"]);
    expect(made.info.version).toBe("v6");
  });

  test("mark extensible enums, inline strings and refer to each other", () => {
    expect(made.definitions["kind"]).toEqual({
      type: "string",
      enum: ["A"],
      "x-ms-enum": { name: "kind", modelAsString: true },
    });
    expect(made.definitions["TrackedResource"]).toEqual({
      type: "object",
      allOf: [{ $ref: "#/definitions/Base" }],
      properties: {
        location: { type: "string", description: "r", "x-ms-mutability": ["read", "create"] },
      },
    });
    expect(made.definitions["Base"]?.properties).toEqual({
      kind: { $ref: "#/definitions/kind", readOnly: true },
      list: { type: "array", items: { $ref: "#/definitions/Base" }, "x-ms-identifiers": [] },
    });
  });

  test("mark what is a resource", () => {
    const own = swagger({}, { Thing: { allOf: [{ $ref: `${file}/definitions/Resource` }] } });
    const resource = { type: "object", properties: { id: string } };
    const { definitions } = commonTypes(
      own,
      openApi({}, { schemas: { "Arm.Resource": resource } }),
    );
    expect(definitions["Resource"]).toEqual({ ...resource, "x-ms-azure-resource": true });
  });

  test("have parameters with the keywords of their schema", () => {
    expect(made.parameters).toEqual({
      NameParameter: {
        name: "n",
        in: "path",
        required: true,
        description: "d",
        type: "string",
        minLength: 1,
        "x-ms-parameter-location": "method",
      },
    });
  });

  test("are joined when two api-versions refer to the same version of them", () => {
    const other = swagger({}, { Kind: { $ref: `${file}/definitions/kind` } });
    const less = commonTypes(other, openApi({}, components));
    expect(Object.keys(less.definitions)).toEqual(["kind"]);
    const joined = new Map([["v6", made]]);
    expect(withCommonTypes(withCommonTypes(new Map(), less), made)).toEqual(joined);
    expect(withCommonTypes(withCommonTypes(new Map(), made), less)).toEqual(joined);
  });

  test("can be put into the Swagger, which then refers to nothing else", () => {
    const whole = bundled(referring, made);
    expect(JSON.stringify(whole)).not.toContain("types.json");
    expect(Object.keys(whole.definitions)).toContain("TrackedResource");
  });

  test("are refused when they are of two versions, of none, or unknown", () => {
    const refuse =
      (definitions: Record<string, Schema>): (() => unknown) =>
      () =>
        commonTypes(swagger({}, definitions), openApi({}, components));
    const old = file.replace("v6", "v5");
    expect(
      refuse({ A: { $ref: `${file}/definitions/kind` }, B: { $ref: `${old}/definitions/kind` } }),
    ).toThrow(/2 versions/);
    expect(refuse({})).toThrow(/0 versions/);
    expect(refuse({ A: { $ref: `${file}/definitions/Gone` } })).toThrow(/called Gone/);
  });
});

test("defaults of lists of objects are taken out of the Swagger, and no others", () => {
  const items = { $ref: "#/definitions/Pool" };
  const kept = {
    names: { type: "array", items: string, default: ["a"] },
    count: { type: "integer", default: 3 },
    default: string,
  };
  const pools = { type: "array", items, minItems: 1 };
  const given = swagger(
    {},
    { Thing: { properties: { ...kept, pools: { ...pools, default: [{ name: "a" }] } } } },
  );
  expect(withoutListDefaults(given)).toEqual(
    swagger({}, { Thing: { properties: { ...kept, pools } } }),
  );
});
