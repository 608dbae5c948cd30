/**
 * The published types of the resources in the template, as JSON schemas in which every object is closed: a member that a
 * type does not have, or that only Azure writes, is a fault. The files of `azureTypes/` say what was published and by whom.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";

export interface AzureMember {
  /** `string`, `int`, `bool`, `any`, the name of an object, values with ` | ` between them; `[]` after it for arrays. */
  readonly type: string;
  readonly required?: boolean;
  /** Such as `minLength: 3, maxLength: 50, pattern: ^[a-z]+$`. */
  readonly limits?: string;
}

export interface AzureObject {
  readonly members: Readonly<Record<string, AzureMember>>;
  /** The type of members with other names. */
  readonly others?: string;
  /** The member that says which variant it is. */
  readonly discriminator?: string;
  readonly variants?: Readonly<Record<string, AzureObject>>;
}

/** A resource type in one version, without what only Azure writes. */
export interface AzureType {
  /** Such as `Microsoft.DocumentDB/databaseAccounts@2025-04-15`. */
  readonly resource: string;
  readonly body: AzureObject;
  readonly objects: Readonly<Record<string, AzureObject>>;
}

type Schema = Readonly<Record<string, unknown>>;

const folder = new URL("azureTypes/", import.meta.url);

/** The file of a resource type. */
export function fileOf(resourceType: string): URL {
  return new URL(`${resourceType.replaceAll("/", ".")}.json`, folder);
}

/** Every type that is stored. */
export function storedTypes(): readonly AzureType[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as AzureType);
}

/** Checks a resource as a template holds it, with its expressions evaluated. */
export class AzureTypes {
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(types: readonly AzureType[]) {
    // patterns were written for another engine of regular expressions, where \- is no fault
    const ajv = new Ajv({
      allErrors: true,
      unicodeRegExp: false,
      strict: true,
      strictTypes: false,
    });
    for (const type of types) this.#checks.set(type.resource, ajv.compile(schemaOf(type)));
  }

  /** One sentence for each fault. */
  faultsOf(resource: Readonly<Record<string, unknown>>): readonly string[] {
    const { type, apiVersion, name, ...rest } = resource;
    const check = this.#checks.get(`${String(type)}@${String(apiVersion)}`);
    if (check === undefined) return [`no type ${String(type)}@${String(apiVersion)} is known`];
    // what belongs to the template rather than to the resource
    const { dependsOn: _dependsOn, scope: _scope, comments: _comments, ...body } = rest;
    const ownName = String(name).split("/").at(-1);
    return check({ ...body, name: ownName }) ? [] : (check.errors ?? []).map(inWords);
  }
}

function inWords({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || "/"} ${message} ${JSON.stringify(params)}`;
}

function schemaOf({ body, objects }: AzureType): Schema {
  return {
    ...objectSchema(body, objects),
    $defs: Object.fromEntries(
      Object.entries(objects).map(([name, object]) => [name, objectSchema(object, objects)]),
    ),
  };
}

function objectSchema(object: AzureObject, all: AzureType["objects"]): Schema {
  const { members, others, discriminator, variants } = object;
  if (discriminator !== undefined) {
    return {
      type: "object",
      required: [discriminator],
      properties: { [discriminator]: { enum: Object.keys(variants ?? {}) } },
      allOf: Object.entries(variants ?? {}).map(([value, variant]) => ({
        if: { properties: { [discriminator]: { const: value } } },
        // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON Schema
        then: objectSchema({ ...variant, members: { ...members, ...variant.members } }, all),
      })),
    };
  }
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(members).map(([name, { type, limits }]) => [
        name,
        { ...typeSchema(type, all), ...limitsSchema(limits) },
      ]),
    ),
    required: Object.entries(members)
      .filter(([, { required }]) => required === true)
      .map(([name]) => name),
    additionalProperties: others === undefined ? false : typeSchema(others, all),
  };
}

function typeSchema(type: string, all: AzureType["objects"]): Schema {
  if (type.endsWith("[]")) return { type: "array", items: typeSchema(type.slice(0, -2), all) };
  switch (type) {
    case "string":
      return { type: "string" };
    case "int":
      return { type: "integer" };
    case "bool":
      return { type: "boolean" };
    case "any":
      return {};
    default:
  }
  if (Object.hasOwn(all, type)) return { $ref: `#/$defs/${type}` };
  // most lists end with `string`, for values of versions to come; this template is for this one
  const values = type.split(" | ").filter((value) => value !== "string");
  return { type: "string", enum: values };
}

function limitsSchema(limits = ""): Schema {
  const pattern = /pattern: (.*)$/.exec(limits)?.[1];
  const schema: Record<string, unknown> = pattern === undefined ? {} : { pattern };
  const names = {
    minLength: "minLength",
    maxLength: "maxLength",
    minValue: "minimum",
    maxValue: "maximum",
  };
  for (const [ours, theirs] of Object.entries(names)) {
    const value = new RegExp(`${ours}: (-?[0-9]+)`).exec(limits)?.[1];
    if (value !== undefined) schema[theirs] = Number(value);
  }
  return schema;
}
