/**
 * One schema, without references, `allOf` and annotations: what is left is what a validator checks. A keyword that is
 * not known here is an error, because dropping it silently would leave something unchecked.
 */
import { follow, type Schema } from "./document.ts";

/** The keywords that are kept as they are. */
const checked = [
  "type",
  "enum",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
] as const;

/**
 * Keywords that check nothing, or nothing that the program wants checked: formats are the business of the versions'
 * rules, and a validator must never apply a default.
 */
const dropped = new Set([
  "description",
  "title",
  "format",
  "default",
  "deprecated",
  "example",
  "xml",
]);

/** A schema whose own level is plain; its members, items and additional properties are as they were. */
export interface FlatSchema extends Schema {
  readonly $ref?: never;
  readonly allOf?: never;
  readonly anyOf?: never;
}

/** Resolves references, `allOf` and extensible enums at the top of a schema. */
export function flatten(schema: Schema, document: object): FlatSchema {
  const flat: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (dropped.has(keyword) || keyword.startsWith("x-")) continue;
    if (keyword === "$ref") {
      merge(flat, flatten(follow(document, value as string) as Schema, document));
    } else if (keyword === "allOf") {
      for (const part of value as readonly Schema[]) merge(flat, flatten(part, document));
    } else if (keyword === "anyOf") {
      merge(flat, extensibleEnum(value as readonly Schema[], document));
    } else {
      merge(flat, { [keyword]: value });
    }
  }
  return flat;
}

/** An enum that any other string may join checks nothing but the type. */
function extensibleEnum(options: readonly Schema[], document: object): Schema {
  const flat = options.map((option) => flatten(option, document));
  const open = flat.some((option) => option.enum === undefined);
  if (!open || flat.some((option) => option.type !== "string")) {
    throw new TypeError(`anyOf that is no extensible enum: ${JSON.stringify(options)}`);
  }
  return { type: "string" };
}

function merge(target: Record<string, unknown>, source: Schema): void {
  for (const [keyword, value] of Object.entries(source)) {
    const present = target[keyword];
    if (keyword === "properties") {
      target[keyword] = { ...(present as object | undefined), ...(value as object) };
    } else if (keyword === "required") {
      target[keyword] = [...((present as readonly string[] | undefined) ?? []), ...(value as [])];
    } else if (!known.has(keyword)) {
      throw new TypeError(`unknown keyword ${keyword}`);
    } else if (present !== undefined && JSON.stringify(present) !== JSON.stringify(value)) {
      throw new TypeError(
        `${keyword} is both ${JSON.stringify(present)} and ${JSON.stringify(value)}`,
      );
    } else {
      target[keyword] = value;
    }
  }
}

const known = new Set<string>([...checked, "items", "additionalProperties", "readOnly"]);

/** The keywords of a flat schema that check a value of its own, not its members. */
export function ownChecks(flat: FlatSchema): Schema {
  return Object.fromEntries(
    checked
      .filter((keyword) => flat[keyword] !== undefined)
      .map((keyword) => [keyword, flat[keyword]]),
  );
}
