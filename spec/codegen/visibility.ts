/**
 * Reads the visibility table out of the Swagger, the only document that keeps mutability, secrets and identifiers. It
 * must never guess: what the contract doesn't mark is mutable and not secret.
 */
import { follow, type Operation, type Schema, type Swagger } from "./document.ts";
import type { Access, ObjectNode, VisibilityNode, VisibilityTable } from "./visibilityTable.ts";

/** The table of a Swagger whose references are all local. */
export function visibilityTable(swagger: Swagger): VisibilityTable {
  const operations = Object.values(swagger.paths).flatMap((methods) => Object.entries(methods));
  const puts = operations.filter(([method]) => method === "put");
  const [put] = puts;
  if (put === undefined || puts.length > 1) throw new TypeError("expected exactly one PUT");
  const body = put[1].parameters.find((parameter) => parameter.in === "body")?.schema;
  if (body === undefined) throw new TypeError("the PUT has no body");

  const secrets = operations
    .map(([, operation]) => [operation.operationId, shownSecrets(swagger, operation)] as const)
    .filter(([, paths]) => paths.length > 0);
  return {
    resource: objectNode(swagger, resolved(swagger, body), "mutable"),
    secrets: Object.fromEntries(secrets),
  };
}

/** A schema with the parts that it consists of; what stands beside a reference goes over what it refers to. */
function resolved(swagger: Swagger, schema: Schema): Schema {
  const { $ref, allOf, ...own } = schema;
  const parts = [
    ...($ref === undefined ? [] : [follow(swagger, $ref) as Schema]),
    ...(allOf ?? []),
  ].map((part) => resolved(swagger, part));
  let all: Schema = {};
  for (const part of [...parts, own]) {
    all = {
      ...all,
      ...part,
      properties: { ...all.properties, ...part.properties },
      required: [...(all.required ?? []), ...(part.required ?? [])],
    };
  }
  return all;
}

const order: readonly Access[] = ["readOnly", "createOnly", "mutable"];

/** The narrower of what a member is marked with and what its parent allows. */
function accessOf(schema: Schema, parent: Access): Access {
  const mutability = schema["x-ms-mutability"] as readonly string[] | undefined;
  let own: Access = "mutable";
  if (mutability !== undefined && !mutability.includes("update")) {
    own = mutability.includes("create") ? "createOnly" : "readOnly";
  }
  if (schema.readOnly === true) own = "readOnly";
  return order.indexOf(own) < order.indexOf(parent) ? own : parent;
}

function objectNode(swagger: Swagger, schema: Schema, access: Access): ObjectNode {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const required = schema.required?.includes(name) === true;
    return [name, memberNode(swagger, resolved(swagger, member), access, required)] as const;
  });
  return { kind: "object", members: Object.fromEntries(members) };
}

function memberNode(
  swagger: Swagger,
  schema: Schema,
  parent: Access,
  required: boolean,
): VisibilityNode {
  const access = accessOf(schema, parent);
  const leaf = {
    access,
    ...(schema["x-ms-secret"] === true && { secret: true as const }),
    ...(required && { required: true as const }),
    ...(schema.default !== undefined && { default: schema.default }),
  };
  if (access === "readOnly") return { kind: "value", ...leaf };
  if (schema.items !== undefined) {
    const items = memberNode(swagger, resolved(swagger, schema.items), access, false);
    return {
      kind: "array",
      access: isMutable(items) ? "mutable" : "createOnly",
      identifiers: (schema["x-ms-identifiers"] as readonly string[] | undefined) ?? [],
      ...(schema.default !== undefined && { default: schema.default as readonly unknown[] }),
      items,
    };
  }
  if (schema.additionalProperties !== undefined) return { kind: "map", ...leaf };
  if (schema.type === "object") return objectNode(swagger, schema, access);
  return { kind: "value", ...leaf };
}

function isMutable(node: VisibilityNode): boolean {
  if (node.kind === "object") return Object.values(node.members).some(isMutable);
  return node.access === "mutable";
}

/** The paths of the secrets in the successful answers of an operation. */
function shownSecrets(swagger: Swagger, operation: Operation): readonly string[] {
  const paths = Object.entries(operation.responses)
    .filter(([status, response]) => status.startsWith("2") && response.schema !== undefined)
    .flatMap(([, response]) => secretPaths(swagger, response.schema ?? {}));
  return [...new Set(paths)];
}

/** Stops where a schema contains itself: a secret in there has been found further out. */
function secretPaths(
  swagger: Swagger,
  schema: Schema,
  within: readonly (string | undefined)[] = [],
): readonly string[] {
  if (schema.$ref !== undefined && within.includes(schema.$ref)) return [];
  const inside = [...within, schema.$ref];
  const { properties = {}, items } = resolved(swagger, schema);
  const inItems =
    items === undefined ? [] : secretPaths(swagger, items, inside).map((path) => `[].${path}`);
  const inMembers = Object.entries(properties).flatMap(([name, given]) => {
    const member = resolved(swagger, given);
    const mutability = member["x-ms-mutability"] as readonly string[] | undefined;
    if (mutability !== undefined && !mutability.includes("read")) return [];
    if (member["x-ms-secret"] === true) return [name];
    return secretPaths(swagger, given, inside).map((path) =>
      path.startsWith("[") ? `${name}${path}` : `${name}.${path}`,
    );
  });
  return [...inItems, ...inMembers];
}
