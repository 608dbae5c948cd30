/**
 * Rebuilds ARM's common types, which the emitted Swagger refers to but no package ships, from the OpenAPI 3.0 document,
 * which inlines the same models. Only what is referred to is made.
 */
import {
  referencesIn,
  referredName,
  type OpenApi,
  type Parameter,
  type Schema,
  type Swagger,
} from "./document.ts";

/** `…/common-types/resource-management/v6/types.json#/definitions/TrackedResource`. */
const commonReference = /\/(v\d+)\/types\.json#\/(definitions|parameters)\/(.+)$/;

/** The common types that a Swagger refers to, directly or not. Their version is the one it names. */
export function commonTypes(swagger: Swagger, document: OpenApi): Swagger {
  const versions = new Set<string>();
  const definitions: Record<string, Schema> = {};
  const parameters: Record<string, object> = {};
  const define = (name: string): void => {
    if (definitions[name] !== undefined) return;
    definitions[name] = definition(name, document);
    for (const reference of referencesIn(definitions[name])) define(referredName(reference));
  };
  for (const reference of new Set(referencesIn(swagger))) {
    const [, version, section, name] = commonReference.exec(reference) ?? [];
    if (version === undefined || name === undefined) continue;
    versions.add(version);
    if (section === "parameters") parameters[name] = commonParameter(name, document);
    else define(name);
  }
  const [version, ...others] = versions;
  if (version === undefined || others.length > 0) {
    throw new TypeError(`refers to ${versions.size} versions of the common types`);
  }
  return commonDocument(version, definitions, parameters);
}

/** All common types by their version, with those of one more Swagger. */
export function withCommonTypes(
  all: ReadonlyMap<string, Swagger>,
  more: Swagger,
): ReadonlyMap<string, Swagger> {
  const { version } = more.info;
  const present = all.get(version);
  const definitions = { ...present?.definitions, ...more.definitions };
  const parameters = { ...present?.parameters, ...more.parameters };
  return new Map([...all, [version, commonDocument(version, definitions, parameters)]]);
}

function commonDocument(
  version: string,
  definitions: Readonly<Record<string, Schema>>,
  parameters: Readonly<Record<string, object>>,
): Swagger {
  return {
    swagger: "2.0",
    info: { title: "Common types", version },
    paths: {},
    definitions: sorted(definitions),
    parameters: sorted(parameters),
  };
}

/** The Swagger with the common types inside, so that all its references are local. */
export function bundled(swagger: Swagger, common: Swagger): Swagger {
  const text = JSON.stringify(swagger).replaceAll(/"[^"]*\/types\.json#\//g, '"#/');
  const local = JSON.parse(text) as Swagger;
  return {
    ...local,
    definitions: { ...common.definitions, ...local.definitions },
    parameters: { ...common.parameters, ...local.parameters },
  };
}

function sorted<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(members).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The member of a section whose name, without its namespace, is the given one. */
function named<T>(section: Readonly<Record<string, T>> | undefined, name: string): T {
  const found = Object.entries(section ?? {}).filter(
    ([key]) => key === name || key.endsWith(`.${name}`),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new TypeError(`${found.length} common types are called ${name}`);
  }
  return first[1];
}

function definition(name: string, document: OpenApi): Schema {
  const converted = toSwagger(name, named(document.components.schemas, name), document);
  // OpenAPI 3 has no word for a resource of ARM, nor for a member that is set once
  if (name === "Resource") return { ...converted, "x-ms-azure-resource": true };
  if (name !== "TrackedResource") return converted;
  const { location, ...others } = converted.properties ?? {};
  return {
    ...converted,
    properties: { ...others, location: { ...location, "x-ms-mutability": ["read", "create"] } },
  };
}

/** A schema in Swagger 2: references into `definitions`, extensible enums as ARM marks them, named scalars inlined. */
function toSwagger(name: string, schema: Schema, document: OpenApi): Schema {
  const { $ref, allOf, anyOf, properties, items, additionalProperties, ...own } = schema;
  const sole =
    $ref ?? (allOf?.length === 1 && properties === undefined ? allOf[0]?.$ref : undefined);
  if (sole !== undefined) return { ...referred(sole, document), ...own };
  if (anyOf !== undefined) {
    const values = anyOf.flatMap((option) => option.enum ?? []);
    const known = { type: "string", enum: values, "x-ms-enum": { name, modelAsString: true } };
    return { ...known, ...own };
  }
  return {
    ...own,
    ...(allOf && { allOf: allOf.map((part) => toSwagger(name, part, document)) }),
    ...(items && { items: toSwagger(name, items, document), "x-ms-identifiers": [] }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, member]) => [key, toSwagger(key, member, document)]),
      ),
    }),
    ...(typeof additionalProperties === "object" && {
      additionalProperties: toSwagger(name, additionalProperties, document),
    }),
  };
}

function referred(reference: string, document: OpenApi): Schema {
  const key = referredName(reference);
  const name = key.slice(key.lastIndexOf(".") + 1);
  const target = document.components.schemas[key];
  if (target === undefined) throw new TypeError(`nothing at ${reference}`);
  const scalar = target.type !== undefined && target.type !== "object";
  return scalar ? toSwagger(name, target, document) : { $ref: `#/definitions/${name}` };
}

/** Parameters that the OpenAPI document calls otherwise. */
const otherNames: Readonly<Record<string, string>> = {
  LocationParameter: "LocationResourceParameter",
};

/** Parameters that a client sets once for all its calls. */
const ofClient = new Set(["ApiVersionParameter", "SubscriptionIdParameter"]);

function commonParameter(name: string, document: OpenApi): object {
  const found: Parameter = named(document.components.parameters, otherNames[name] ?? name);
  const { schema = {}, description } = found;
  const { description: _, ...checks } = toSwagger(name, schema, document);
  return {
    name: found.name,
    in: found.in,
    description,
    required: found.required === true,
    ...checks,
    ...(ofClient.has(name) ? {} : { "x-ms-parameter-location": "method" }),
  };
}
